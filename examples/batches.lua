-- Many messages a call: as tables, and as parallel arrays, the fastest way in.       lua examples/batches.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end
local topic, COUNT = "batches-" .. os.time(), 2000

local producer = kafka.producer{ ["bootstrap.servers"] = brokers }
for n = 1, COUNT do assert(producer:produce(topic, tostring(n), n % 3 > 0 and "key" or nil)) end
assert(producer:close())

local function new_consumer(group)
    return kafka.consumer{
        ["bootstrap.servers"] = brokers, ["group.id"] = group .. os.time(), topics = { topic },
        ["auto.offset.reset"] = "earliest",
    }
end

-- Tables: a batch is done when the next one is asked for.
local consumer, seen, calls = new_consumer "tables-", 0, 0
while seen < COUNT do
    local messages, err = consumer:poll_batch(500, 5000)
    if not messages then error(err, 0) end
    for _, message in ipairs(messages) do seen = seen + (message.value and 1 or 0) end
    if #messages > 0 then calls = calls + 1 end
end
print(("%d messages as tables, %.0f a call"):format(seen, seen / calls))
assert(consumer:close())

-- Arrays: nothing is made for a message but its bytes. What is absent is false.
consumer = new_consumer "arrays-"
local sum, without_key = 0, 0
seen, calls = 0, 0
while seen < COUNT do
    local n, payloads, _, _, keys = consumer:receive_batch(500, 5000)
    if not n then error(payloads, 0) end                      -- nil and the error
    for i = 1, n do
        sum = sum + tonumber(payloads[i])
        if not keys[i] then without_key = without_key + 1 end
    end
    seen = seen + n
    if n > 0 then calls = calls + 1 end
end
print(("%d messages as arrays, %.0f a call; they sum up to %d, %d had no key"):format(seen, seen / calls, sum, without_key))
assert(consumer:close())
assert(sum == COUNT * (COUNT + 1) / 2)
