-- What is queued, taken back or gone for good: #producer, purge, a sample of reports, a fatal error.
--     lua examples/queue_under_control.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
local topic = "controlled-" .. os.time()

-- One report of a hundred is enough to see how things go; every failure is told all the same.
local seen, failed = 0, 0
local producer = kafka.producer{
    ["bootstrap.servers"] = brokers, ["linger.ms"] = 60000, delivery_report_every = 100,
    on_delivery = function(err)
        seen = seen + 1
        if err then failed = failed + 1 end
    end,
}
for i = 1, 1000 do assert(producer:produce(topic, "reading " .. i, nil, { partition = 0 })) end
print(#producer .. " are waiting to be sent")
assert(producer:flush(30000))
print(("%d of 1000 reports were looked at, the last offset is %d"):format(seen, producer:last_offset(topic, 0)))

-- A minute of lingering is a minute in which one may think better of it.
for i = 1, 50 do assert(producer:produce(topic, "a mistake " .. i, nil, { partition = 0 })) end
assert(producer:purge())
producer:flush(10000)
print(("%d were taken back, %d wait"):format(failed, #producer))
assert(producer:close())

-- A fatal error ends a client for good: say why, close it, make another.
local second = kafka.producer{ ["bootstrap.servers"] = brokers, ["enable.idempotence"] = true }
assert(second:test_fatal_error("OUT_OF_ORDER_SEQUENCE_NUMBER", "a rehearsal"))
local err = second:fatal_error()
print("fatal: " .. tostring(err))
local ok, why = second:produce(topic, "too late")
print(ok, why.name)
second:close(0)
if cluster then cluster:close() end
