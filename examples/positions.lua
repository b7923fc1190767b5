-- A consumer chooses where it reads, pauses, and commits with a note. lua examples/positions.lua [brokers]
local kafka = require "kafka"

local brokers, mock = arg[1], nil
if not brokers then
    mock = kafka.mock_cluster { topics = { readings = 2 } }
    brokers = mock:bootstrap_servers()
end
local topic = "readings"

local producer = kafka.producer { ["bootstrap.servers"] = brokers }
for i = 1, 20 do assert(producer:produce(topic, "reading " .. i, nil, { partition = 0 })) end
assert(producer:flush())
producer:close()

local consumer = kafka.consumer {
    ["bootstrap.servers"] = brokers, ["group.id"] = "chart-" .. os.time(),
    on_commit = function(err, offsets)
        print("committed", err or ("%s [%d] up to %d"):format(offsets[1].topic, offsets[1].partition, offsets[1].offset))
    end,
}
assert(consumer:assign { { topic = topic, partition = 0, offset = kafka.offset_tail(3) } })
for message in consumer:messages { limit = 3, timeout = 10000 } do print("the last three", message.value) end

local last = assert(consumer:position())[1].offset
assert(consumer:seek(topic, 0, last - 20))
print("from the beginning", assert(consumer:poll(10000)).value)

assert(consumer:pause())
print("while paused", consumer:poll(200))
assert(consumer:resume())
local message = assert(consumer:poll(10000))
print("resumed", message.value)
for _, place in ipairs(consumer:lag()) do print("still to read", place.lag) end

assert(message:commit "drawn up to here")
local place = assert(consumer:committed())[1]
print("the group knows", place.offset - last, place.metadata)
assert(consumer:close())
if mock then mock:close() end
