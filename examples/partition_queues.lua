-- A worker a partition: each in order, all at once, from a queue of its own.   lua examples/partition_queues.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster { topics = { orders = 3 } }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end
local topic = cluster and "orders" or "orders-" .. os.time()

local producer = kafka.producer { ["bootstrap.servers"] = brokers }
for n = 1, 12 do assert(producer:produce(topic, "order " .. n, "customer " .. n % 5)) end
assert(producer:close())

local workers, handled = {}, 0

-- What a worker does with a partition, in steps, as it would wait for a database in between.
local function work(queue, partition)
    while not queue:closed() do
        local message = queue:poll(0)
        if message then
            coroutine.yield()
            print(("partition %d: %s of %s"):format(partition, message.value, message.key))
            handled = handled + 1
            assert(message:commit())
        end
        coroutine.yield()
    end
end

local consumer = kafka.consumer {
    ["bootstrap.servers"] = brokers, ["group.id"] = "packing-" .. os.time(), topics = { topic }, ["auto.offset.reset"] = "earliest",
    on_assign = function(self, partitions)
        for _, place in ipairs(partitions) do
            local queue = self:partition_queue(place.topic, place.partition)
            workers[place.partition] = coroutine.wrap(function() work(queue, place.partition) end)
        end
    end,
    on_revoke = function(_, partitions)
        for _, place in ipairs(partitions) do workers[place.partition] = nil end
    end,
}

local deadline = os.time() + 60
while handled < 12 and os.time() < deadline do
    -- The consumer is polled all the same: for the group, and for partitions without a queue.
    assert(consumer:poll(10) == nil, "all partitions have queues")
    for _, worker in pairs(workers) do worker() end
end
assert(handled == 12, "all of them")
assert(consumer:close())
if cluster then cluster:close() end
