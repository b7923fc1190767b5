-- The corners of leaving: what user code may do to its clients in callbacks, finalizers and by hand, just before or
-- while the process goes. Each child must end by itself, with its own status, and with its messages in the broker.
local h = require "spec.helper"
local broker = require "spec.lifetime.broker"
local tls = require "spec.lifetime.tls"

-- What each child starts with: a producer with `count` messages that nothing but a flush will send.
local prelude = [[
local kafka = require "kafka"
local brokers, topic, tag = ...
local function open(conf)
    conf = conf or {}
    conf["linger.ms"] = conf["linger.ms"] or 30000
    local producer = kafka.producer(brokers, conf)
    producer:create_topic(topic)
    return producer
end
local function send(producer, first, last)
    for i = first, last do assert(producer:send(topic, -1, i, ("%s:%d"):format(tag, i)) == 0) end
end
-- A value with a finalizer: newproxy where tables have none.
local function finalized(fn)
    if newproxy then
        local proxy = newproxy(true)
        getmetatable(proxy).__gc = fn
        return proxy
    end
    return setmetatable({}, { __gc = fn })
end
]]

describe("At the end of a process", function()
    local cluster, topic, tags = nil, nil, 0

    lazy_setup(function()
        cluster = broker.start(1)
        topic = cluster:topic("corners", 2)
    end)
    lazy_teardown(function() cluster:close() end)

    -- Runs the story; it must leave with `status` and nothing but `err` (a pattern) on standard error.
    local function leaves(story, status, err)
        tags = tags + 1
        local tag = "corner" .. tags
        local run = h.run(prelude .. story, { args = { cluster.servers, topic, tag }, timeout = 20 })
        local how = ("%s after %.1f s; out: %q; err: %q"):format(run.timed_out and "timed out" or "ended", run.seconds, run.out, run.err)
        assert.is_nil(run.signal, how)
        assert.are.equal(status, run.status, how)
        if err then assert.matches(err, run.err) else assert.are.equal("", run.err) end
        return tag, run
    end

    local function delivers(count, story, status, err)
        local tag, run = leaves(story, status or 0, err)
        assert.are.same({ messages = count, distinct = count }, cluster:count(topic)[tag])
        return run
    end

    it("messages of a client that only a global refers to are delivered", function()
        delivers(500, [[
            KEPT = open()
            send(KEPT, 1, 500)
        ]])
    end)

    it("messages of a client that was collected just before are delivered", function()
        delivers(500, [[
            do
                local producer = open()
                send(producer, 1, 500)
            end
            collectgarbage()
            os.exit(0)
        ]])
    end)

    it("os.exit inside a delivery callback leaves with its status and loses nothing", function()
        delivers(500, [[
            local producer
            producer = open { ["linger.ms"] = 0, on_delivery = function()
                send(producer, 101, 500)
                os.exit(7)
            end }
            send(producer, 1, 100)
            producer:flush(10000)
            error "not reached"
        ]], 7)
    end)

    it("os.exit inside a delivery callback may close the Lua state", function()
        -- LuaJIT's os.exit(_, true) inside a coroutine or callback is the hard case: the state closes under the
        -- dispatcher.
        delivers(200, [[
            local producer
            producer = open { ["linger.ms"] = 0, on_delivery = function()
                send(producer, 101, 200)
                os.exit(7, true)
            end }
            send(producer, 1, 100)
            producer:flush(10000)
            error "not reached"
        ]], 7)
    end)

    it("an error out of a callback ends the program once, with its own text, and loses nothing", function()
        local run = delivers(300, [[
            local producer = open { on_delivery = function() error "callback went wrong" end }
            send(producer, 1, 300)
            producer:flush(10000)
        ]], 1, "callback went wrong")
        local _, times = run.err:gsub("callback went wrong", "")
        assert.are.equal(1, times, run.err)
    end)

    -- Red (a child that never ends, on 5.3, 1 of 3) when close steps the collector in a finalizer.
    it("a finalizer may close a client that is still whole, and its callbacks run, wherever the collector stands", function()
        for _, step in ipairs { 0, 15, 20, 25, 15, 20, 25, 15, 20, 25 } do
            local run = delivers(100, [[
                local reported = 0
                local producer = open { on_delivery = function() reported = reported + 1 end }
                send(producer, 1, 100)
                OBJECT = finalized(function() -- made after the client, so finalized before it
                    assert(producer:close(10000))
                    print(reported)
                end)
                collectgarbage("step", ]] .. step .. [[)
            ]])
            assert.are.equal("100\n", run.out)
        end
    end)

    it("a finalizer that meets a client after the client's own finalizer gets an error, not a crash", function()
        local run = delivers(100, [[
            local holder = {}
            OBJECT = finalized(function()
                local producer = holder[1]
                local ok, err = pcall(producer.poll, producer)
                print(ok, tostring(err):match "closed kafka.Producer", (producer:closed()))
                print((tostring(producer):gsub(":.*", "")))
                producer:close(1000)
            end)
            holder[1] = open() -- made after the object, so finalized before it
            send(holder[1], 1, 100)
        ]])
        assert.are.equal("false\tclosed kafka.Producer\ttrue\nkafka.Producer\n", run.out)
    end)

    it("__gc called by hand, twice, closes a client for good and loses nothing", function()
        local run = delivers(400, [[
            local producer = open()
            send(producer, 1, 400)
            local gc = getmetatable(producer).__gc
            gc(producer)
            gc(producer)
            print(producer:closed(), pcall(producer.send, producer, topic, -1, 1, "late"))
        ]])
        assert.matches("^true\tfalse\t.*attempt to use a closed kafka.Producer", run.out)
    end)

    it("callbacks that collect garbage and drop other clients do no harm", function()
        delivers(200 + 20, [[
            local served = 0
            local producer = open { ["linger.ms"] = 0, on_delivery = function()
                served = served + 1
                if served % 10 == 0 then
                    send(open(), 200 + served / 10, 200 + served / 10)
                    collectgarbage()
                end
            end }
            send(producer, 1, 200)
            assert(producer:flush(10000))
            assert(served == 200, served)
        ]])
    end)

    it("a client closed inside its own callback is closed, and the call that served it returns", function()
        delivers(100, [[
            local producer, closed, tried
            producer = open { ["linger.ms"] = 0, on_delivery = function()
                if not tried then
                    tried = true
                    closed = producer:close(10000)
                end
            end }
            send(producer, 1, 100)
            local ok, err = producer:flush(10000)
            assert(ok or err.name == "_DESTROY", err)
            assert(closed == true and producer:closed())
        ]])
    end)

    it("a callback may serve its own client again", function()
        local run = delivers(100, [[
            local producer, served, depth = nil, 0, 0
            producer = open { ["linger.ms"] = 0, on_delivery = function()
                served, depth = served + 1, depth + 1
                if depth < 20 then producer:poll(0) end
                depth = depth - 1
            end }
            send(producer, 1, 100)
            assert(producer:flush(10000))
            print(served)
        ]])
        assert.are.equal("100\n", run.out)
    end)

    it("clients made in a coroutine that never ends are served as any other", function()
        delivers(100, [[
            SUSPENDED = coroutine.create(function()
                local producer = open()
                send(producer, 1, 100)
                coroutine.yield()
                producer:close()
            end)
            assert(coroutine.resume(SUSPENDED))
        ]])
    end)

    -- The guard has one deadline and one line for all clients together, not one each.
    it("what several clients lose is one line with the sum, within one deadline", function()
        local run = h.run(prelude .. [[
            send(open { exit_timeout = 700 }, 1, 300)
            LATER = open { exit_timeout = 700 }
            send(LATER, 1, 700)
            THIRD = open { exit_timeout = 700 }
        ]], { args = { tls.refused(), "lost", "lost" }, timeout = 20 })
        assert.is_nil(run.signal)
        assert.are.equal(0, run.status)
        local _, lines = run.err:gsub("\n", "")
        assert.are.equal(1, lines, run.err)
        assert.matches("%f[%d]1000%f[%D]", run.err)
        assert.is_true(run.seconds < 0.7 + 1, run.seconds .. " s")
    end)

    -- Red when a revoke that its callback never answered is known to the callback only: the exit then waits for the
    -- group, and the group for it, until exit_timeout.
    it("os.exit inside on_revoke leaves the group and does not wait", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "x" })
        local run = h.run([[
            local kafka = require "kafka"
            local consumer = kafka.consumer {
                ["bootstrap.servers"] = ..., ["group.id"] = "g", topics = { "t" }, ["auto.offset.reset"] = "earliest",
                on_revoke = function() os.exit(7) end,
            }
            while not consumer:poll(100) do end
            consumer:unsubscribe()
            while true do consumer:poll(100) end
        ]], { args = { mock:bootstrap_servers() }, timeout = 20 })
        h.cleanup()
        assert.are.equal(7, run.status, run.err)
        assert.are.equal("", run.err)
        assert.is_true(run.seconds < 3, run.seconds .. " s")
    end)

    it("a closed client has nothing more to say: what close reported is not told again", function()
        local run = h.run(prelude .. [[
            local producer = open { exit_timeout = 700 }
            send(producer, 1, 50)
            local ok, err, undelivered = producer:close(100)
            print(ok, err ~= nil, undelivered)
        ]], { args = { tls.refused(), "lost", "lost" }, timeout = 20 })
        assert.are.equal("nil\ttrue\t50\n", run.out)
        assert.are.equal("", run.err)
        assert.are.equal(0, run.status)
    end)
end)
