-- `count` messages, timed from the first to the last. Twin: ../c/consume.c
--   call=receive         one by one, as four values
--   call=poll            one by one, as tables
--   call=messages        the same through the iterator
--   call=poll_batch      up to 1,000 at a time, as tables
--   call=receive_batch   up to 1,000 at a time, as parallel arrays
--   call=cqueues, luv    receive_batch in a coroutine of that event loop, which waits on the descriptor
local kafka = require "kafka"
local probe = require "probe"
local options = require "options"

local BATCH, min = 1000, math.min
local count, size, call = options.number("count"), options.number("size", 100), options.text("call")
local conf = options.conf()
conf.topics = { options.text("topic") }
local consumer = kafka.consumer(conf)

local start
local seen, bytes, names, keys = 0, 0, 0, 0

local function take(payload, topic, partition, key)
    if seen == 0 then start = probe.now() end
    seen = seen + 1
    bytes = bytes + #payload
    if topic ~= "" and partition >= 0 then names = names + 1 end
    if key then keys = keys + 1 end
end

local function check(err)
    if err then error(tostring(err), 0) end
end

local run = {}

function run.receive()
    while seen < count do
        local payload, topic, partition, key, err = consumer:receive()
        if payload then take(payload, topic, partition, key) else check(err) end
    end
end

function run.poll()
    while seen < count do
        local message, err = consumer:poll()
        if message then take(message.value, message.topic, message.partition, message.key) else check(err) end
    end
end

function run.messages()
    for message in consumer:messages { limit = count } do
        take(message.value, message.topic, message.partition, message.key)
    end
end

function run.poll_batch()
    while seen < count do
        local batch, err = consumer:poll_batch(min(BATCH, count - seen))
        check(err)
        for i = 1, #batch do
            local message = batch[i]
            take(message.value, message.topic, message.partition, message.key)
        end
    end
end

function run.receive_batch()
    while seen < count do
        local n, payloads, topics, partitions, found = consumer:receive_batch(min(BATCH, count - seen))
        if not n then check(payloads) end
        for i = 1, n do take(payloads[i], topics[i], partitions[i], found[i]) end
    end
end

function run.cqueues()
    local cqueues = require "cqueues"
    local loop = cqueues.new()
    kafka.wrap(consumer, function(client, ms) cqueues.poll(client, ms >= 0 and ms / 1000 or nil) end)
    loop:wrap(run.receive_batch)
    assert(loop:loop())
end

function run.luv()
    local uv = require "luv"
    local poll, timer = uv.new_poll(consumer:pollfd()), uv.new_timer()
    local reading
    local function wake()
        poll:stop()
        timer:stop()
        assert(coroutine.resume(reading))
    end
    kafka.wrap(consumer, function(_, ms)
        poll:start("r", wake)
        if ms >= 0 then timer:start(ms, 0, wake) end
        coroutine.yield()
    end)
    reading = coroutine.create(run.receive_batch)
    assert(coroutine.resume(reading))
    uv.run()
    poll:close()
    timer:close()
    uv.run() -- luv must have let go of its handles before the state closes
    kafka.wrap(consumer, nil)
end

run[call]()
local stop = probe.now()

if bytes ~= count * size or names ~= count or keys ~= 0 then error("not the messages that were sent", 0) end
options.result("rate", (count - 1) / (stop - start))
consumer:close()
