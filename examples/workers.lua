-- Coroutines that finish in any order, and acks that keep what is stored complete.       lua examples/workers.lua [BROKERS]
--
-- With ack="manual" a message is done when it is acked. Of each partition only what is complete from the front is stored,
-- so a crash repeats work but never leaves a hole. Here one worker gives up in the middle of job 18.
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end
local topic, group, COUNT, CREW = "workers-" .. os.time(), "crew-" .. os.time(), 20, 4

local producer = kafka.producer(brokers)
producer:create_topic(topic)
for n = 1, COUNT do assert(producer:send(topic, 0, n, "job " .. n) == 0) end
assert(producer:close())

local function new_consumer()
    return kafka.consumer{
        ["bootstrap.servers"] = brokers, ["group.id"] = group, topics = { topic .. ":0" },
        ["auto.offset.reset"] = "earliest", ack = "manual", max_unacked = CREW * 2,
    }
end

-- A worker takes as many turns over a job as its number says.
local function work(number, message)
    return coroutine.wrap(function()
        for _ = 1, number do coroutine.yield(false) end
        if message.value == "job 18" then return false, "gone" end
        message:ack()
        return true
    end)
end

local consumer = new_consumer()
local crew, finished, started, order, gone = {}, 0, 0, {}, false
while finished < COUNT - 1 do
    for number = 1, CREW do
        if not crew[number] and started < COUNT then
            local message = consumer:poll(started == 0 and 10000 or 0)
            if message then
                started = started + 1
                crew[number] = { message = message, step = work(number, message) }
            end
        end
    end
    for number = 1, CREW do
        local busy = crew[number]
        if busy then
            local done, why = busy.step()
            if done or why then crew[number] = nil end
            if done then
                finished = finished + 1
                order[#order + 1] = busy.message.value:match "%d+"
            end
            gone = gone or why == "gone"
        end
    end
end
print("finished in this order: " .. table.concat(order, " "))
assert(gone)
assert(consumer:close())

-- Jobs 19 and 20 are done as well, but job 18 is not: the next reader begins there.
consumer = new_consumer()
local message
repeat message = consumer:poll(10000) until message
print("the next reader begins with " .. message.value)
assert(message.value == "job 18")
message:ack()
consumer:close()
