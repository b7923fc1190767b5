-- Who chooses the partition: librdkafka by name, you by number, a function of yours.   lua examples/partitioner.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
local topic = "partitioner-" .. os.time()
if cluster then cluster:create_topic(topic, 6) end

-- As the Java client does it. kafka.partitioner computes the same without sending.
local went = {}
local function on_delivery(err, report)
    assert(not err, err and err.message)
    went[report.key] = report.partition
end
local producer = kafka.producer{ ["bootstrap.servers"] = brokers, partitioner = "murmur2_random", on_delivery = on_delivery }
for i = 1, 5 do assert(producer:produce(topic, "an order", "order-" .. i)) end
assert(producer:flush())
local count = assert(producer:partition_count(topic) or (function()
    -- Not known here yet: it was asked for, and comes in the background.
    for _ = 1, 500 do
        producer:poll(10)
        if producer:partition_count(topic) then return producer:partition_count(topic) end
    end
end)())
for i = 1, 5 do
    local key = "order-" .. i
    print(("%s is in partition %d of %d"):format(key, went[key], count))
    assert(went[key] == kafka.partitioner.murmur2(key, count))
end
assert(producer:close())

-- A rule of our own: acme has partition 0 to itself. The function runs inside produce.
local own = kafka.producer{
    ["bootstrap.servers"] = brokers, on_delivery = on_delivery,
    partitioner = function(_, key, partitions)
        if key == "acme" or partitions == 1 then return 0 end
        return 1 + kafka.partitioner.murmur2(key, partitions - 1)
    end,
}
for _, customer in ipairs{ "acme", "bolts", "cogs" } do assert(own:produce(topic, "an order", customer)) end
assert(own:flush())
for _, customer in ipairs{ "acme", "bolts", "cogs" } do print(("%s is in partition %d"):format(customer, went[customer])) end
assert(went.acme == 0 and (count == 1 or went.bolts > 0 and went.cogs > 0))
assert(own:close())
