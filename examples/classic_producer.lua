-- Sends 1,000 messages and knows of each whether it arrived.       lua examples/classic_producer.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }       -- a small cluster inside this process
local brokers = arg[1] or cluster:bootstrap_servers()
local topic = "classic-producer-" .. os.time()

local producer = kafka.producer(brokers, { ["queue.buffering.max.messages"] = 200 })
producer:create_topic(topic)                  -- send wants a topic that was made known like this

local delivered_up_to, failed = 0, 0
local function look_at_reports(timeout)       -- milliseconds
    local sequence_id, failures = producer:poll(timeout)
    if sequence_id then delivered_up_to = math.max(delivered_up_to, sequence_id) end
    failed = failed + failures
end

for id = 1, 1000 do
    local message = "message number " .. id
    local result = producer:send(topic, -1, id, message)     -- -1: any partition; the id comes back from poll
    while result == 105 do                                   -- 105 (ENOBUFS): 200 wait already, and that is the limit
        look_at_reports(100)
        result = producer:send(topic, -1, id, message)
    end
    assert(result == 0, "send refused: errno " .. result)
    look_at_reports(0)
end
while #producer > 0 do look_at_reports(1000) end           -- #producer: accepted and not reported yet

print(("%d messages delivered, %d failed"):format(1000 - failed, failed))
assert(failed == 0 and delivered_up_to > 0)
assert(producer:close())
