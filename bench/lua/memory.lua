-- What an idle producer takes, and what stays after `count` messages went through one. In KiB. Twin: ../c/memory.c
local kafka = require "kafka"
local probe = require "probe"
local options = require "options"

local IDLE = 20
local count, topic = options.number("count"), options.text("topic")
local value = ("x"):rep(options.number("size", 100))
local QUEUE_FULL = 105

local function serve(producer, timeout)
    local _, failures = producer:poll(timeout)
    if failures > 0 then error("a message was not delivered", 0) end
end

local function send_many(producer, messages)
    for i = 1, messages do
        local ret = producer:send(topic, -1, i, value)
        while ret == QUEUE_FULL do
            serve(producer, 10)
            ret = producer:send(topic, -1, i, value)
        end
        if ret ~= 0 then error("send returned " .. ret, 0) end
        if i % 100 == 0 then serve(producer, 0) end
    end
    while #producer > 0 do serve(producer, 100) end
end

local function heap()
    collectgarbage()
    collectgarbage()
    return collectgarbage("count")
end

-- The first client maps the library's pages, which are not a client's.
local busy = kafka.producer(options.conf())
busy:create_topic(topic)
send_many(busy, count / 10)

local heap_before, before = heap(), probe.rss()
send_many(busy, count)
options.result("grown", probe.rss() - before)
options.result("heap", heap() - heap_before)

local idle = {}
before = probe.rss()
for i = 1, IDLE do idle[i] = kafka.producer(options.conf()) end
probe.sleep(1)
options.result("idle", (probe.rss() - before) / IDLE)

for i = 1, IDLE do idle[i]:close() end
busy:close()
