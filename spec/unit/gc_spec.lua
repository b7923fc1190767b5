-- Collection of clients that nobody closed. It may not block and may not lose: a reaper takes the client over. Red
-- when __gc flushes or closes itself (stopped and killed brokers: seconds), or destroys without a flush (messages
-- missing).
local h = require "spec.helper"
local child = require "spec.support.child"
local broker = require "spec.lifetime.broker"

local function source(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

local abandon = source "spec/lifetime/abandon.lua"

describe("Collecting an unclosed client", function()
    local cluster, processes

    before_each(function()
        cluster, processes = broker.start(1), {}
    end)
    after_each(function()
        for _, process in ipairs(processes) do process:destroy() end
        cluster:close()
        h.cleanup()
    end)

    local function start(kind, topic, tag)
        local process = child.start(abandon, { args = { kind, "collect", cluster.servers, topic, tag } })
        processes[#processes + 1] = process
        local line = process:line(20)
        assert.are.equal("ready", line, select(2, process:output()))
        return process
    end

    local function collect(process)
        process:send("go\n")
        local line = assert(process:line(10), select(2, process:output()))
        local milliseconds, fate = line:match("^(%S+) (%a+)$")
        assert.are.equal("gone", fate)
        assert.is_true(tonumber(milliseconds) <= 50, milliseconds .. " ms")
    end

    for _, case in ipairs {
        { title = "up" },
        { title = "SIGKILLed", signal = "KILL" },
        { title = "SIGSTOPped", signal = "STOP" },
    } do
        it("returns within 50 ms when the broker is " .. case.title, function()
            local topic = cluster:topic("dropped")
            local producer = start("producer", topic, "one")
            local consumer = start("consumer", topic, "two")
            if case.signal then cluster:signal(case.signal) end
            collect(producer)
            collect(consumer)
            if not case.signal then -- while the process lives on: delivery does not wait for its exit
                local found = cluster:count(topic, 1000, 10).one
                assert.are.same({ messages = 1000, distinct = 1000 }, found)
            end
            for _, process in ipairs { producer, consumer } do
                process:send("end\n")
                local status, signal = process:wait(5)
                assert.is_nil(signal)
                assert.are.equal(0, status, select(2, process:output()))
            end
        end)
    end
end)

describe("A client that its own callback refers to", function()
    after_each(h.cleanup)

    local function is_collected(make)
        local weak = setmetatable({}, { __mode = "k" })
        weak[make()] = true
        for _ = 1, 3 do collectgarbage() end -- a key with a finalizer leaves its weak table a cycle later
        assert.is_nil(next(weak))
    end

    -- Red when callbacks are kept in the registry: a cycle through it is never collected.
    for _, option in ipairs { "on_delivery", "on_error", "on_log", "on_stats", "on_throttle" } do
        it("is collected: producer and " .. option, function()
            local mock = h.mock { topics = { t = 1 } }
            is_collected(function()
                local producer
                producer = h.kafka.producer(mock:bootstrap_servers(),
                    { exit_timeout = 500, [option] = function() return producer end })
                return producer
            end)
        end)
    end

    it("is collected: producer and a message's own on_delivery, reported or not", function()
        local mock = h.mock { topics = { t = 1 } }
        is_collected(function()
            local producer = h.kafka.producer(mock:bootstrap_servers(), { exit_timeout = 500 })
            local served = 0
            local function on_delivery() served = served + #producer + 1 end
            assert.is_true(producer:produce("t", "reported", nil, { on_delivery = on_delivery }))
            assert.is_true(producer:flush(10000))
            assert.are.equal(1, served)
            assert.is_true(producer:produce("t", "unreported", nil, { on_delivery = on_delivery }))
            return producer
        end)
    end)

    it("is collected: producer that is its message's opaque", function()
        local mock = h.mock { topics = { t = 1 } }
        is_collected(function()
            local producer = h.kafka.producer(mock:bootstrap_servers(), { exit_timeout = 500 })
            assert.is_true(producer:produce("t", "x", nil, { opaque = { producer } }))
            return producer
        end)
    end)

    for _, option in ipairs { "on_error", "on_log", "on_stats", "on_throttle" } do
        it("is collected: consumer and " .. option, function()
            local mock = h.mock { topics = { t = 1 } }
            is_collected(function()
                local consumer
                consumer = h.kafka.consumer(mock:bootstrap_servers(), { "t" },
                    { ["group.id"] = "g", exit_timeout = 500, [option] = function() return consumer end })
                return consumer
            end)
        end)
    end

    it("is collected: producer whose wait was replaced by a function that refers to it", function()
        local mock = h.mock { topics = { t = 1 } }
        is_collected(function()
            local producer = h.kafka.producer(mock:bootstrap_servers(), { exit_timeout = 500 })
            h.kafka.wrap(producer, function() return producer end)
            return producer
        end)
    end)
end)

-- The commit waits for a message that goes nowhere, on a thread of its own. Red when the reaper does not fail it (`purge`
-- in client/producer_leaving.rs): both threads then stay for as long as a transaction may take.
describe("A producer collected while its transaction is being committed", function()
    it("leaves no thread behind", function()
        if not io.open "/proc/self/task" then return end
        local run = h.run([[
            local kafka, system = require "kafka", require "system"
            local mock = kafka.mock_cluster { topics = { t = 1 } }
            local function threads()
                local pipe = io.popen "cat /proc/$PPID/task/*/comm"
                local _, count = pipe:read("*a"):gsub("kafka%-%a+", "")
                pipe:close()
                return count
            end
            local producer = kafka.producer {
                ["bootstrap.servers"] = mock:bootstrap_servers(), ["transactional.id"] = "left", exit_timeout = 200,
            }
            assert(producer:init_transactions(10000))
            assert(producer:begin_transaction())
            mock:broker_down(1)
            assert(producer:produce("t", "x"))
            print(select(2, producer:commit_transaction(50)).name, threads() > 0)
            producer = nil
            collectgarbage()
            collectgarbage()
            local deadline = system.monotime() + 10
            while threads() > 0 and system.monotime() < deadline do system.sleep(0.02) end
            print(threads())
        ]])
        assert.equal("_TIMED_OUT\ttrue\n0\n", run.out, run.err)
        assert.equal(0, run.status)
    end)
end)
