-- What a call costs that has nothing to do, next to an empty C function. In nanoseconds of this thread's
-- processor time a call. Twin: ../c/calls.c
local kafka = require "kafka"
local probe = require "probe"
local options = require "options"

local count = options.number("count")
local too_large = ("x"):rep(options.number("size"))
local TOO_LARGE = 90 -- Linux's EMSGSIZE

local producer = kafka.producer(options.conf())
producer:create_topic("refused")
probe.sleep(0.5) -- connected, at rest
producer:poll(0)

local function timed(name, loop)
    loop(1000)
    local start = probe.cpu()
    loop(count)
    options.result(name, (probe.cpu() - start) * 1e9 / count)
end

local holder = { empty = probe.empty }
timed("empty0", function(n)
    for _ = 1, n do holder:empty() end
end)
timed("empty4", function(n)
    for i = 1, n do holder:empty("refused", -1, i, too_large) end
end)
timed("closed", function(n)
    for _ = 1, n do
        if producer:closed() then error("closed", 0) end
    end
end)
timed("count", function(n)
    for _ = 1, n do
        if #producer ~= 0 then error("something is queued", 0) end
    end
end)
timed("poll", function(n)
    for _ = 1, n do producer:poll() end
end)
timed("send", function(n)
    for i = 1, n do
        if producer:send("refused", -1, i, too_large) ~= TOO_LARGE then error("was not refused", 0) end
    end
end)
producer:close()
