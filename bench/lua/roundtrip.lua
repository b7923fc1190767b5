-- One message out and back at a time; the median and the 99th percentile in microseconds. Twin: ../c/roundtrip.c
-- The -X properties are the consumer's.
local kafka = require "kafka"
local probe = require "probe"
local options = require "options"

local count, topic, warm_up = options.number("count"), options.text("topic"), 50
local value = ("x"):rep(options.number("size", 100))

local producer = kafka.producer { ["bootstrap.servers"] = options.text("brokers"), ["linger.ms"] = 0 }
producer:create_topic(topic)
local conf = options.conf()
conf.topics = { topic }
local consumer = kafka.consumer(conf)

local function serve()
    local _, failures = producer:poll(0)
    if failures > 0 then error("a message was not delivered", 0) end
end

local function one_trip()
    local ret = producer:send(topic, -1, nil, value)
    if ret ~= 0 then error("send returned " .. ret, 0) end
    repeat
        local payload, _, _, _, err = consumer:receive()
        if err then error(tostring(err), 0) end
        serve()
    until payload
end

local took = {}
for i = 1 - warm_up, count do
    local start = probe.now()
    one_trip()
    if i > 0 then took[i] = (probe.now() - start) * 1e6 end
end
table.sort(took)
options.result("p50", took[math.floor(count / 2) + 1])
options.result("p99", took[math.floor(count * 99 / 100) + 1])

producer:close()
consumer:close()
