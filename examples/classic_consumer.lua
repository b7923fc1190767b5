-- Reads ten messages as a member of a consumer group.       lua examples/classic_consumer.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end             -- a mock group need not wait for further members
local topic = "classic-consumer-" .. os.time()

-- Something to read.
local producer = kafka.producer(brokers)
producer:create_topic(topic)
for n = 1, 10 do assert(producer:send(topic, -1, n, "greeting " .. n) == 0) end
assert(producer:flush())                                   -- all delivered, or nil and an error
producer:close()

-- A new group begins where auto.offset.reset says; a known one where it stopped.
local consumer = kafka.consumer(brokers, { topic }, { ["group.id"] = "group-" .. os.time() },
    { ["auto.offset.reset"] = "earliest" })

local count, give_up = 0, os.time() + 60
while count < 10 do
    local payload, from, partition, key, err = consumer:receive()     -- waits up to a second; then four nils
    if payload then
        count = count + 1
        print(("%s[%d] %s%s"):format(from, partition, payload, key and " key " .. key or ""))
    elseif err then
        print("trouble: " .. tostring(err))
    end
    assert(os.time() < give_up, "ten messages did not come within a minute")
end
assert(consumer:close())                                   -- commits what was read and leaves the group
