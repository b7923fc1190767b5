-- Producing with an answer: one at a time, many at once, and with headers.       lua examples/deliveries.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
local topic = "deliveries-" .. os.time()
local producer = kafka.producer{ ["bootstrap.servers"] = brokers }

-- Waits for this one message. Headers keep their order and may repeat; {name} alone has no value.
local report = assert(producer:produce_sync{
    topic = topic, key = "table 7", value = "two coffees", timeout = 10000,
    headers = { { "waiter", "Ada" }, { "tag", "hot" }, { "tag", "to go" }, { "paid" } },
})
print(("offset %d of partition %d, %s"):format(report.offset, report.partition, report.status))
for _, header in ipairs(report.headers) do print("header", header[1], header[2]) end

-- All on their way first, then one wait for all.
local deliveries = {}
for i = 1, 1000 do deliveries[i] = assert(producer:produce_async(topic, "order " .. i, "table " .. i % 20)) end
assert(kafka.wait_all(deliveries, 30000))
print(#deliveries .. " orders are kept, the last at offset " .. assert(deliveries[#deliveries]:wait()).offset)
assert(producer:close())
if cluster then cluster:close() end
