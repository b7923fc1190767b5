-- `count` messages to one topic, timed to the last accepted and to the last reported. Twin: ../c/produce.c
--   call=send          the classic call with a sequence id
--   call=produce       topic, value and, with key=1, a key
--   call=table         produce with one table for each message
--   call=headers       produce with two headers
--   call=on_delivery   produce with a closure of its own for each message
--   call=batch         produce_batch of 500 strings
-- With settle=SECONDS it polls only after that pause, when every report is in, and times the draining alone.
local kafka = require "kafka"
local probe = require "probe"
local options = require "options"

local count, settle = options.number("count"), options.number("settle", 0)
local topic, call = options.text("topic"), options.text("call")
local value = ("x"):rep(options.number("size", 100))
local keys = {}
for i = 0, 999 do keys[i] = ("key-%06d"):format(i) end

local BATCH = 500
local QUEUE_FULL = 105 -- what `send` returns: Linux's ENOBUFS, on every system
local failed, confirmed = 0, 0

local producer = kafka.producer(options.conf())
producer:create_topic(topic)

local function serve(timeout)
    local _, failures = producer:poll(timeout)
    failed = failed + failures
end

local function accepted(ok, err)
    if ok then return true end
    if err.name ~= "_QUEUE_FULL" then error(tostring(err), 0) end
    serve(10)
    return false
end

local run = {}

function run.send(first, last, poll_every)
    for i = first, last do
        local ret = producer:send(topic, -1, i, value)
        while ret == QUEUE_FULL do
            serve(10)
            ret = producer:send(topic, -1, i, value)
        end
        if ret ~= 0 then error("send returned " .. ret, 0) end
        if i % poll_every == 0 then serve(0) end
    end
end

function run.produce(first, last, poll_every)
    local with_key = options.number("key", 0) ~= 0
    for i = first, last do
        local key = with_key and keys[i % 1000] or nil
        while not accepted(producer:produce(topic, value, key)) do end
        if i % poll_every == 0 then serve(0) end
    end
end

function run.table(first, last, poll_every)
    for i = first, last do
        while not accepted(producer:produce { topic = topic, value = value }) do end
        if i % poll_every == 0 then serve(0) end
    end
end

function run.headers(first, last, poll_every)
    local headers = { { "kind", "bench" }, { "origin", "lua" } }
    for i = first, last do
        while not accepted(producer:produce(topic, value, nil, { headers = headers })) do end
        if i % poll_every == 0 then serve(0) end
    end
end

function run.batch(first, last)
    for begin = first, last, BATCH do
        local messages, wanted = {}, math.min(BATCH, last - begin + 1)
        for i = 1, wanted do messages[i] = value end
        local taken, errors = producer:produce_batch(topic, messages)
        if taken < wanted then error(tostring(errors and errors[errors.first or 1]), 0) end
        serve(0)
    end
end

function run.on_delivery(first, last, poll_every)
    for i = first, last do
        local function on_delivery(err)
            if err then error(("message %d: %s"):format(i, tostring(err)), 0) end
            confirmed = confirmed + 1
        end
        while not accepted(producer:produce(topic, value, nil, { on_delivery = on_delivery })) do end
        if i % poll_every == 0 then serve(0) end
    end
end

local function wait_for_reports()
    while #producer > 0 do serve(100) end
    if failed > 0 then error(failed .. " messages were not delivered", 0) end
end

-- The first message connects and fetches metadata; it is not timed.
run[call](0, 0, math.huge)
wait_for_reports()

local start = probe.now()
run[call](1, count, settle > 0 and math.huge or 100)
local enqueued = probe.now()
probe.sleep(settle)
local left, draining = #producer, probe.now()
wait_for_reports()
local stop = probe.now()

if call == "on_delivery" and confirmed ~= count + 1 then
    error(("%d of %d reports came"):format(confirmed, count + 1), 0)
end
if settle > 0 then
    if left < count / 10 then error(("only %d of %d reports were left to drain"):format(left, count), 0) end
    options.result("drain", left / (stop - draining))
else
    options.result("enqueue", count / (enqueued - start))
    options.result("total", count / (stop - start))
end
producer:close()
