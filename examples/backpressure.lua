-- A program faster than its brokers: refuse, or wait for room; and a checkpoint to start again from.       lua examples/backpressure.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
local topic, COUNT = "backpressure-" .. os.time(), 5000

-- on_full="error", the default: produce never waits, and says so when there is no room. The program chooses.
local refusing = kafka.producer{ ["bootstrap.servers"] = brokers, ["queue.buffering.max.messages"] = 100 }
local refused = 0
for i = 1, COUNT do
    local ok, err = refusing:produce(topic, "reading " .. i)
    while not ok and err.name == "_QUEUE_FULL" do
        refused = refused + 1
        refusing:poll(100)                                     -- serves reports, which makes room
        ok, err = refusing:produce(topic, "reading " .. i)
    end
    if not ok then error(err, 0) end
end
assert(refusing:close())
print(refused > 0 and "refused now and then, and tried again" or "never refused")

-- on_full="block": produce itself waits for room. on_checkpoint tells up to which id all is delivered.
local safe = 0
local blocking = kafka.producer{
    ["bootstrap.servers"] = brokers, ["queue.buffering.max.messages"] = 100, on_full = "block", on_full_timeout = 30000,
    on_checkpoint = function(id, failures) safe = failures == 0 and id or safe end,
}
blocking:create_topic(topic)
for id = 1, COUNT do assert(blocking:send(topic, -1, id, "reading " .. id) == 0) end
assert(blocking:close())
print(("all up to %d are delivered"):format(safe))
assert(safe == COUNT)
if cluster then cluster:close() end
