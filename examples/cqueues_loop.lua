-- A cqueues program waits for messages and for time at once.       lua examples/cqueues_loop.lua [BROKERS]
-- No adapter: a client has pollfd, events and timeout, and that is all cqueues asks of an object it can poll.
local found, cqueues = pcall(require, "cqueues")
if not found then print("cqueues is not installed: nothing to show") os.exit(0) end
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end
local topic = "cqueues-loop-" .. os.time()

local producer = kafka.producer(brokers)
producer:create_topic(topic)
for n = 1, 100 do assert(producer:send(topic, -1, n, "message " .. n) == 0) end
assert(producer:close())

local consumer = kafka.consumer{
    ["bootstrap.servers"] = brokers, ["group.id"] = "g" .. os.time(), topics = { topic },
    ["auto.offset.reset"] = "earliest",
}
-- Whatever in the client would wait now lets the other coroutines run instead.
kafka.wrap(consumer, function(client, ms) cqueues.poll(client, ms >= 0 and ms / 1000 or nil) end)

local loop = cqueues.new()
local count, ticks, give_up = 0, 0, os.time() + 60

loop:wrap(function()
    while count < 100 and os.time() < give_up do
        if consumer:receive() then count = count + 1 end
    end
end)
loop:wrap(function()
    while count < 100 and os.time() < give_up do
        ticks = ticks + 1                          -- goes on while the other coroutine waits for the broker
        cqueues.sleep(0.01)
    end
end)
assert(loop:loop())

kafka.wrap(consumer, nil)                      -- outside the loop: wait by blocking again
assert(consumer:close())
print(("%d messages, %d ticks in between"):format(count, ticks))
assert(count == 100 and ticks > 1)
