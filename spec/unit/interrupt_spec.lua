-- Ctrl-C in the plain interpreter: its handler sets a debug hook, so a wait must come back to Lua for it to run: at
-- once when the signal ends the system's call, and anyway after its slice, for hooks that no signal sets.
local h = require "spec.helper"
local tls = require "spec.lifetime.tls"

-- Each waits for ever, or far longer than the test: {what, statement}.
local waits = {
    { "a producer's poll(-1)", "producer:poll(-1)" },
    { "receive", "while true do consumer:receive() end" },
    { "flush(-1)", "producer:send('t', -1, 1, 'x') producer:flush(-1)" },
    { "close(-1)", "producer:send('t', -1, 1, 'x') producer:close(-1)" },
}

local script = [[
local brokers, statement, caught = ...
local kafka = require "kafka"
io.stdout:setvbuf "no"
local conf = { exit_timeout = 100 }
producer = kafka.producer(brokers, conf)
producer:create_topic "t"
conf["group.id"] = "g"
consumer = kafka.consumer(brokers, { "t" }, conf)
local wait = assert((loadstring or load)(statement, "=wait"))
print "waiting"
if caught == "caught" then
    print(pcall(wait))
    print "went on"
else
    wait()
end
]]

-- Red when a wait sleeps in one piece: nothing else ends these, as no signal comes.
describe("A debug hook with a clock, such as a time limit for a task,", function()
    after_each(h.cleanup)

    -- Errors of a cluster that is away would wake a poll.
    for what, statement in pairs {
        ["a producer's poll(-1)"] = "producer:poll(-1)",
        ["a consumer's poll(-1)"] = "consumer:poll(-1)",
        ["flush(-1)"] = "producer:produce('t', 'x') producer:flush(-1)",
        ["a question without a deadline"] = "producer:metadata { timeout = -1 }",
    } do
        it("is heard within " .. what, function()
            local quiet = h.mock({ topics = { t = 1 } }):bootstrap_servers()
            local run = h.run([[
                local brokers, statement = ...
                local kafka, system = require "kafka", require "system"
                local conf = { exit_timeout = 0 }
                producer = kafka.producer(brokers, conf)
                conf["group.id"] = "g"
                consumer = kafka.consumer(brokers, { "t" }, conf)
                local wait = assert((loadstring or load)(statement))
                local limit = system.monotime() + 0.3
                debug.sethook(function()
                    if system.monotime() < limit then return end
                    debug.sethook()
                    error("time is up", 0)
                end, "", 1)
                print(pcall(wait))
            ]], { args = { statement:find "poll" and quiet or h.nowhere, statement }, timeout = 10 })
            assert.are.equal("false\ttime is up\n", run.out, run.err)
        end)
    end
end)

describe("SIGINT", function()
    local servers

    before_each(function()
        servers = h.mock({ topics = { t = 1 } }):bootstrap_servers()
    end)
    after_each(h.cleanup)

    local function start(statement, brokers, caught)
        local process = h.start(script, { args = { brokers or servers, statement, caught } })
        local line = process:line(10)
        assert.are.equal("waiting", line, select(2, process:output()))
        h.sleep(0.25) -- into the wait: well past its first slice
        return process
    end

    for _, case in ipairs(waits) do
        it("comes out of " .. case[1] .. " within 200 ms as an error that pcall catches", function()
            local dead = case[2]:find "send" and tls.refused() or nil
            local process = start(case[2], dead, "caught")
            local sent = h.now()
            process:kill "INT"
            local line = process:line(5)
            local seconds = h.now() - sent
            assert.matches("^false\t.*interrupted!$", line)
            assert.is_true(seconds <= 0.2, seconds .. " s")
            assert.are.equal("went on", process:line(5))
            local status, signal = process:wait(5)
            assert.is_nil(signal)
            assert.are.equal(0, status)
        end)
    end

    for _, case in ipairs { waits[1], waits[2] } do
        it("ends the program in " .. case[1] .. " with the interpreter's message, traceback and status", function()
            local process = start(case[2], nil, "no")
            process:kill "INT"
            local status, signal = process:wait(5)
            assert.is_nil(signal)
            assert.are.equal(1, status)
            local _, err = process:output()
            local name = h.lua:match "[^/]+$"
            assert.are.equal(name, (err:match "^([^:]+): "):match "[^/]+$")
            assert.matches("interrupted!\nstack traceback:\n\t", err)
            assert.is_nil(err:find("panic", 1, true), err)
        end)
    end

    -- Red when a thread of ours starts with the host's signal mask: the system may then give it the host's signals.
    it("and the host's other signals go to its own threads: ours block them", function()
        local run = h.run([[
            local kafka = require "kafka"
            local producer = kafka.producer("127.0.0.1:1", { exit_timeout = 100 })
            producer:create_topic "t"
            producer:send("t", 0, 1, "x")
            producer:flush(50) -- goes on in the background
            -- It looks once popen has returned, which blocks signals for a moment itself.
            io.popen("cat; cd /proc/$PPID/task && grep -H -E '^(Name|SigBlk)' */status", "w"):close()
        ]])
        local names, open = {}, {}
        for id, key, value in run.out:gmatch "(%d+)/status:(%a+):%s*(%S+)" do
            if key == "Name" then names[id] = value end
            -- SIGINT and SIGTERM
            local blocked = key == "SigBlk" and tonumber(value:sub(-4), 16) or 0x4002
            if math.floor(blocked / 2) % 2 == 0 or math.floor(blocked / 0x4000) % 2 == 0 then open[#open + 1] = names[id] end
        end
        local workers = 0
        for _, name in pairs(names) do workers = workers + (name == "kafka-worker" and 1 or 0) end
        assert.equal(1, #open, table.concat(open, " ")) -- the interpreter's
        assert.equal(1, workers, run.out .. run.err)
    end)

    it("does no harm to the client: it serves on", function()
        local process = h.start([[
            local brokers = ...
            local kafka = require "kafka"
            io.stdout:setvbuf "no"
            local producer = kafka.producer(brokers)
            producer:create_topic "t"
            print "waiting"
            local ok = pcall(producer.poll, producer, -1)
            assert(not ok)
            assert(producer:send("t", 0, 77, "after") == 0)
            print(producer:poll(5000))
            print(producer:close(5000))
        ]], { args = { servers } })
        assert.are.equal("waiting", process:line(10))
        h.sleep(0.25)
        process:kill "INT"
        assert.matches("^77\t0\t", process:line(10) or select(2, process:output()))
        assert.are.equal("true", (process:line(10):match "^%S+"))
        assert.are.same({ 0 }, { process:wait(5) })
        assert.are.equal("", select(2, process:output()))
    end)
end)
