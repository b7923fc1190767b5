-- Child script: makes and closes clients, and compares what the process holds at cycle FROM with what it holds at
-- the end. Arguments: CYCLES FROM BROKERS DEAD_BROKER TOPIC. Prints "growth_kib N", "threads A B", "descriptors A
-- B".
local cycles, from, brokers, dead, topic = ...
local kafka = require "kafka"
local uv = require "luv"

local function entries(directory)
    local scan, n = assert(uv.fs_scandir(directory)), 0
    while uv.fs_scandir_next(scan) do n = n + 1 end
    return n
end

local function resident_kib()
    local file = assert(io.open "/proc/self/status")
    local kib = file:read("*a"):match("VmRSS:%s*(%d+) kB")
    file:close()
    return tonumber(kib)
end

local kinds = {
    function(i)
        local producer = kafka.producer(brokers, { on_delivery = function() end })
        producer:create_topic(topic)
        assert(producer:send(topic, -1, i, "cycle:" .. i) == 0)
        return producer
    end,
    function()
        return kafka.consumer(brokers, { topic }, { ["group.id"] = "cycles" })
    end,
    function()
        local producer = kafka.producer(dead, {})
        producer:create_topic(topic)
        return producer
    end,
    function()
        return kafka.consumer(dead, { topic .. ":0" }, { ["group.id"] = "cycles" })
    end,
}

-- Threads are joined by close or soon after it by whoever destroys the handle: awaited, then compared exactly.
local function settle(threads)
    collectgarbage()
    collectgarbage()
    local deadline = uv.hrtime() + 5e9
    while threads and entries "/proc/self/task" ~= threads and uv.hrtime() < deadline do uv.sleep(5) end
    return { threads = entries "/proc/self/task", descriptors = entries "/proc/self/fd", kib = resident_kib() }
end

-- A function of its own: a closed client's descriptor goes when the client is collected.
local function cycle(i)
    local client = kinds[(i - 1) % #kinds + 1](i)
    assert(client:close(10000))
end

-- The number of threads without any client but with what the module keeps: from the first cycles on.
local base, quiet
for i = 1, tonumber(cycles) do
    cycle(i)
    if i == 8 then
        uv.sleep(200)
        quiet = settle().threads
    elseif i == tonumber(from) then
        base = settle(quiet)
    end
end
local last = settle(quiet)
print("growth_kib", last.kib - base.kib)
print("threads", base.threads, last.threads)
print("descriptors", base.descriptors, last.descriptors)
