-- Partitions by hand, without a group: one alone, then all merged in a queue. lua examples/simple_consumer.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster { topics = { weather = 3 } }
local brokers = arg[1] or cluster:bootstrap_servers()
local topic = cluster and "weather" or "weather-" .. os.time()

local producer = kafka.producer { ["bootstrap.servers"] = brokers }
for n = 1, 12 do assert(producer:produce(topic, "reading " .. n)) end
assert(producer:close())

local consumer = kafka.consumer { ["bootstrap.servers"] = brokers }
local partitions = assert(consumer:metadata { topic = topic }).topics[topic].partitions

-- One partition: where it begins is up to us, and nobody is told.
local low, high = assert(consumer:watermarks(topic, 0))
print(("partition 0 holds %d to %d"):format(low, high))
assert(consumer:consume_start(topic, 0, "earliest"))
local left = high - low
while left > 0 do
    left = left - assert(consumer:consume_callback(topic, 0, 10000, function(message)
        print("alone:", message.offset, message.value)
    end))
end
assert(consumer:consume_stop(topic, 0))

-- All of them, led to one queue.
local queue = consumer:queue()
for partition in pairs(partitions) do assert(consumer:consume_start(topic, partition, "earliest", queue)) end
local count = 0
for message in queue:messages { limit = 12, timeout = 20000 } do
    count = count + 1
    print("merged:", message.partition, message.offset, message.value)
end
assert(count == 12, "all of them")
assert(consumer:close())
if cluster then cluster:close() end
