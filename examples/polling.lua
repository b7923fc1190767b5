-- Messages one by one, with all they carry; a loop that stops by itself.       lua examples/polling.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end
local topic = "polling-" .. os.time()

local producer = kafka.producer{ ["bootstrap.servers"] = brokers }
for n = 1, 5 do
    assert(producer:produce(topic, "reading " .. n, "sensor " .. n % 2, { headers = { { "unit", "celsius" } } }))
end
assert(producer:produce(topic, nil, "sensor 0"))              -- a null value: "forget this key"
assert(producer:close())

local consumer = kafka.consumer{
    ["bootstrap.servers"] = brokers, ["group.id"] = "polling-" .. os.time(), topics = { topic },
    ["auto.offset.reset"] = "earliest",
}

-- poll returns a message, or nil when nothing came in time, or nil and an error.
local first
while not first do
    local message, err = consumer:poll(1000)
    if err then print("not now:", err) end
    first = message
end
print(first, first.key, first.value, first.headers[1][1], first.headers[1][2], first.timestamp_type)

-- A loop asks for the next one when its body is done, which is what makes a message done.
local count = 1
for message in consumer:messages{ limit = 5, timeout = 20000 } do
    count = count + 1
    print(message, message.key, message.value)
end
assert(consumer:close())
assert(count == 6, "all of them")
