-- `count` messages one by one through `receive`, timed from the first to the last. Twin: ../c/consume.c
local kafka = require "kafka"
local probe = require "probe"
local options = require "options"

local count, size = options.number("count"), options.number("size", 100)
local conf = options.conf()
conf.topics = { options.text("topic") }
local consumer = kafka.consumer(conf)

local start
local seen, bytes, names, keys = 0, 0, 0, 0
while seen < count do
    local payload, topic, partition, key, err = consumer:receive()
    if payload then
        if seen == 0 then start = probe.now() end
        seen = seen + 1
        bytes = bytes + #payload
        if topic ~= "" and partition >= 0 then names = names + 1 end
        if key then keys = keys + 1 end
    elseif err then
        error(tostring(err), 0)
    end
end
local stop = probe.now()

if bytes ~= count * size or names ~= count or keys ~= 0 then error("not the messages that were sent", 0) end
options.result("rate", (count - 1) / (stop - start))
consumer:close()
