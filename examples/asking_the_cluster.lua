-- Brokers, topics, offsets, groups: what every client can ask.       lua examples/asking_the_cluster.lua [BROKERS]
local kafka = require "kafka"

local mock = not arg[1] and kafka.mock_cluster{ brokers = 3, topics = { questions = 2 } } or nil
local brokers = arg[1] or mock:bootstrap_servers()
local client = kafka.producer(brokers)

for i = 1, 5 do assert(client:produce("questions", "message " .. i)) end
assert(client:flush(10000))

local cluster = assert(client:metadata())
print(("cluster %s with %d brokers"):format(cluster.cluster_id, #cluster.brokers))
for _, broker in ipairs(cluster.brokers) do print(("  %d at %s:%d"):format(broker.id, broker.host, broker.port)) end

local partitions, total = cluster.topics.questions.partitions, 0
local times = {}
for number, partition in pairs(partitions) do
    local low, high = assert(client:watermarks("questions", number))
    print(("questions [%d]: leader %d, %d in sync, offsets %d to %d"):format(number, partition.leader, #partition.isr, low, high))
    total = total + high - low
    times[#times + 1] = { topic = "questions", partition = number, timestamp = (os.time() - 3600) * 1000 }
end
assert(total >= 5)

for _, found in ipairs(assert(client:offsets_for_times(times))) do
    print(("questions [%d]: the last hour begins at offset %d"):format(found.partition, found.offset))
end

local groups, err = client:groups{ timeout = 5000 }
if groups then
    for _, group in ipairs(groups) do print(("group %s: %s, %d members"):format(group.group, group.state, #group.members)) end
else
    print("groups: " .. tostring(err))          -- the mock cluster knows none
    assert(err.name == "_UNSUPPORTED_FEATURE")
end
assert(client:close())
