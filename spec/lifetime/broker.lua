-- A mock cluster held by another process: it survives the clients under test, can be killed and stopped, and counts.
local child = require "spec.support.child"
local system = require "system"

local broker = {}
broker.__index = broker

local script
do
    local file = assert(io.open("spec/lifetime/mock_holder.lua", "rb"))
    script = file:read("*a")
    file:close()
end

--- Starts a cluster of `brokers` (1). `self.servers` is its bootstrap list.
function broker.start(brokers)
    local process = child.start(script, { args = { brokers or 1 } })
    local servers = process:line(20)
    if not servers then
        local _, err = process:output()
        process:destroy()
        error("the mock cluster did not start: " .. err, 2)
    end
    return setmetatable({ process = process, servers = servers }, broker)
end

function broker:topic(name, partitions)
    self.process:send(("topic %s %d\n"):format(name, partitions or 1))
    assert(self.process:line(10) == "ok", "the mock cluster refused the topic")
    return name
end

--- What is in a topic: → {TAG = {messages=, distinct=}}. Values are "TAG:NUMBER"; a tag that never came counts 0.
--- Answers at once, or once `expected` messages are there, or after `seconds` (10).
function broker:count(topic, expected, seconds)
    seconds = seconds or 10
    self.process:send(("count %s %d %g\n"):format(topic, expected or 0, seconds))
    local found = setmetatable({}, { __index = function() return { messages = 0, distinct = 0 } end })
    while true do
        local line = assert(self.process:line(seconds + 20), "the mock cluster did not answer the count")
        if line == "." then return found end
        local tag, messages, distinct = line:match("^(.*)\t(%d+)\t(%d+)$")
        found[tag] = { messages = tonumber(messages), distinct = tonumber(distinct) }
    end
end

-- How ps shows a process that a signal has reached: one that waits for a processor meets it late.
local reached = { STOP = "^%s*T", KILL = "^%s*Z" }

--- Sends a signal to the cluster's process: "KILL", "STOP", "CONT". Returns once it has been stopped or killed.
function broker:signal(name)
    self.process:kill(name)
    for _ = 1, 500 do
        local ps = io.popen(("ps -o stat= -p %d"):format(self.process.pid))
        local state = ps:read("*a")
        ps:close()
        if not reached[name] or state:find(reached[name]) or state == "" then return end
        system.sleep(0.02)
    end
    error("the mock cluster lives on after SIG" .. name, 2)
end

function broker:close() self.process:destroy() end

return broker
