-- Two ways to learn what became of each message.       lua examples/delivery_reports.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
local topic = "delivery-reports-" .. os.time()

-- One function for all messages of a client. It runs inside poll, flush and close, never inside produce.
local delivered, failed = 0, {}
local producer = kafka.producer{
    ["bootstrap.servers"] = brokers,
    on_delivery = function(err, report)
        if err then
            failed[#failed + 1] = err
            print(("%q did not arrive: %s (%s)"):format(report.value, err.message, err.name))
        else
            delivered = delivered + 1
            print(("%q is at offset %d of partition %d"):format(report.value, report.offset, report.partition))
        end
    end,
}

-- A message that cannot arrive: there is no partition 999. Before the topic is known this shows only in the report.
local accepted, err = producer:produce(topic, "lost", nil, { partition = 999 })
if not accepted then failed[#failed + 1] = err end

-- One function for one message, and something of yours that it gets back.
local order = { number = 4711 }
local answer
assert(producer:produce(topic, "an order", "customer 7", {
    opaque = order,
    on_delivery = function(_, report) answer = report end,
}))
assert(producer:produce(topic, "a plain message"))

producer:flush()
print(("%d delivered, %d failed"):format(delivered, #failed))
assert(#failed == 1 and failed[1].name == "_UNKNOWN_PARTITION")
assert(answer.opaque == order and answer.key == "customer 7" and answer.status == "persisted")
assert(producer:close())
