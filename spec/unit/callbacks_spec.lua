-- Callbacks run in Lua, inside the call that serves: they may raise, yield, call back and collect garbage.
local h = require "spec.helper"
local kafka = h.kafka

describe("a callback", function()
    local mock, topic
    before_each(function()
        topic = h.topic()
        mock = h.mock { topics = { [topic] = 1 } }
    end)
    after_each(h.cleanup)

    -- The messages of one batch to one partition are reported together, so one call serves all of them.
    local function with_batch(count, on_delivery, conf)
        conf = conf or {}
        conf["bootstrap.servers"], conf.on_delivery = mock:bootstrap_servers(), on_delivery
        -- Goes out when it is full, however long the machine takes for that.
        conf["linger.ms"], conf["batch.num.messages"] = 30000, count
        local p = h.track(kafka.producer(conf))
        p:create_topic(topic)
        for i = 1, count do assert(p:send(topic, 0, i, "m" .. i) == 0) end
        return p
    end

    -- Plain 5.1 makes coroutines of Lua functions only.
    it("may be a function written in C, also in a coroutine", function()
        local seen = {}
        local p = with_batch(2, coroutine.wrap(function(...)
            local report = select(2, ...)
            while true do
                seen[#seen + 1] = report.sequence_id
                report = select(2, coroutine.yield())
            end
        end))
        assert.is_true(coroutine.wrap(function() return p:flush(10000) end)())
        assert.are.same({ 1, 2 }, seen)
    end)

    it("that raises does not keep the others from running, and the first error comes out once, as it is", function()
        local marks, ran = {}, {}
        local p = with_batch(3, function(_, report)
            ran[#ran + 1] = report.sequence_id
            marks[#marks + 1] = { id = report.sequence_id }
            error(marks[#marks])
        end)
        local err = h.error_of(p.poll, p, 10000)
        assert.is_true(rawequal(marks[1], err))
        assert.are.same({ 1, 2, 3 }, ran)
        assert.are.equal(0, #p)
        local id, failures = p:poll(0)
        assert.are.same({ 3, 0 }, { id, failures }) -- what the raised call could not return
        id, failures = p:poll(0)
        assert.are.same({ nil, 0 }, { id, failures })
        assert.is_true(p:close())
    end)

    it("that raises hands its error object through each serving call with its identity", function()
        for _, method in ipairs { "poll", "flush", "close" } do
            for _, object in ipairs { {}, "plain text", 42, print, false } do
                local p = with_batch(1, function() error(object, 0) end)
                local ok, err = pcall(p[method], p, 10000)
                assert.is_false(ok)
                assert.is_true(rawequal(err, object), method .. ": " .. tostring(err))
            end
        end
    end)

    it("that raises while the client closes leaves it closed", function()
        local p = with_batch(2, function() error("late", 0) end)
        assert.are.equal("late", h.error_of(p.close, p))
        assert.is_true(p:closed())
        assert.is_true(p:close())
    end)

    it("of produce that raises comes out of poll too, and runs only once", function()
        local calls, mark = 0, {}
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        p:produce(topic, "v", nil, { on_delivery = function()
            calls = calls + 1
            error(mark)
        end })
        assert.are.equal(mark, h.error_of(p.poll, p, 10000))
        assert.is_true(p:flush(1000))
        assert.are.equal(1, calls)
    end)

    it("keeps the position an error was raised at", function()
        local raise = h.chunk("local err, report = ...\nerror('from the callback')", "callback.lua")
        local p = with_batch(1, raise)
        assert.are.equal("callback.lua:2: from the callback", h.error_of(p.poll, p, 10000))
    end)

    it("may yield the coroutine that polls, and gets what it is resumed with", function()
        local got
        local p = with_batch(2, function(_, report) got = coroutine.yield("report " .. report.sequence_id, "two") end)
        local co = coroutine.create(function()
            local id, failures = p:poll(10000)
            return "polled", id, failures
        end)
        assert.are.same({ true, "report 1", "two" }, { coroutine.resume(co) })
        assert.are.same({ true, "report 2", "two" }, { coroutine.resume(co, "back in") })
        assert.are.equal("back in", got)
        assert.are.same({ true, "polled", 2, 0 }, { coroutine.resume(co, "again") })
        assert.are.equal("again", got)
        assert.are.equal("dead", coroutine.status(co))
    end)

    it("may yield in flush and close as well", function()
        for _, method in ipairs { "flush", "close" } do
            local p = with_batch(1, function() coroutine.yield("inside") end)
            local co = coroutine.create(function() return p[method](p, 10000) end)
            assert.are.same({ true, "inside" }, { coroutine.resume(co) })
            assert.are.same({ true, true }, { coroutine.resume(co) })
        end
    end)

    it("that yields and then raises has its error come out of the same poll", function()
        local mark = {}
        local p = with_batch(1, function()
            coroutine.yield()
            error(mark)
        end)
        local co = coroutine.create(function() return p:poll(10000) end)
        assert.is_true(coroutine.resume(co))
        local ok, err = coroutine.resume(co)
        assert.is_false(ok)
        assert.are.equal(mark, err)
    end)

    it("that yields leaves the client usable by others meanwhile", function()
        local p = with_batch(1, function(_, report) if report.sequence_id == 1 then coroutine.yield() end end)
        local co = coroutine.create(function() return p:poll(10000) end)
        assert.is_true(coroutine.resume(co))
        assert.are.equal(0, p:send(topic, 0, 9, "meanwhile"))
        assert.is_true(p:flush(10000))
        assert.are.equal("suspended", coroutine.status(co))
        assert.is_true(coroutine.resume(co))
        assert.are.equal("dead", coroutine.status(co))
    end)

    it("that yields where there is no coroutine raises Lua's own error and breaks nothing", function()
        local child = h.run([[
            local kafka = require "kafka"
            local mock = kafka.mock_cluster { brokers = 1, topics = { t = 1 } }
            local p = kafka.producer(mock:bootstrap_servers(), { on_delivery = function() coroutine.yield() end })
            p:create_topic("t")
            p:send("t", 0, 1, "m")
            local ok, err = pcall(p.poll, p, 10000)
            print(ok, tostring(err):match("yield"), #p, p:close())]])
        assert.are.equal("false\tyield\t0\ttrue\n", child.out, child.err)
        assert.are.equal(0, child.status)
    end)

    it("whose coroutine is dropped while it is suspended leaves nothing stuck", function()
        local p = with_batch(2, function(_, report) if report.sequence_id == 1 then coroutine.yield() end end)
        do
            local co = coroutine.create(function() p:poll(10000) end)
            assert.is_true(coroutine.resume(co))
        end
        collectgarbage()
        collectgarbage()
        assert.are.equal(0, p:send(topic, 0, 3, "after"))
        assert.is_true(p:flush(10000))
        assert.are.equal(0, #p)
    end)

    it("may poll, send and flush on the client it belongs to", function()
        local p, order = nil, {}
        p = with_batch(3, function(err, report)
            assert.is_nil(err)
            order[#order + 1] = report.sequence_id
            if report.sequence_id <= 3 then
                p:poll(0)
                assert.are.equal(0, p:send(topic, 0, report.sequence_id + 10, "more"))
                p:flush(2000)
                p:poll(1)
            end
        end)
        h.wait_until(function()
            p:poll(200)
            return #order == 6
        end)
        table.sort(order)
        assert.are.same({ 1, 2, 3, 11, 12, 13 }, order)
        assert.are.equal(0, #p)
    end)

    it("may close the client it belongs to", function()
        local p, calls = nil, 0
        p = with_batch(3, function()
            calls = calls + 1
            p:close(1000)
        end)
        p:poll(10000)
        assert.is_true(p:closed())
        assert.are.equal(3, calls)
    end)

    it("may collect garbage, make clients and drop them", function()
        local calls = 0
        local p = with_batch(5, function()
            calls = calls + 1
            collectgarbage()
            kafka.producer(mock:bootstrap_servers()):close(100)
            collectgarbage()
        end)
        assert.is_true(p:flush(10000))
        assert.are.equal(5, calls)
    end)

    it("keeps nothing alive: a producer captured by its own callback is collected", function()
        local weak = setmetatable({}, { __mode = "k" })
        local function make()
            local p
            p = kafka.producer(mock:bootstrap_servers(), { on_delivery = function() return p end, on_error = function() return p end })
            p:create_topic(topic)
            p:produce(topic, "v", nil, { on_delivery = function() return p end, opaque = p })
            weak[p] = true
        end
        make()
        for _ = 1, 4 do collectgarbage() end
        assert.is_nil((next(weak)))
    end)

    -- Of every kind that a mock cluster gives rise to; on_error has a test of its own below.
    for name, conf in pairs {
        on_checkpoint = {}, on_stats = { ["statistics.interval.ms"] = 20 }, on_log = { debug = "broker" },
    } do
        it(("%s that raises keeps no report from coming, and its first error comes out"):format(name), function()
            local mark, raised, delivered = {}, 0, 0
            conf[name] = function()
                raised = raised + 1
                if raised == 1 then error(mark) end
            end
            local p = with_batch(3, function() delivered = delivered + 1 end, conf)
            local seen = h.wait_until(function()
                local ok, err = pcall(p.poll, p, 200)
                return not ok and { err }
            end)
            assert.is_true(rawequal(mark, seen[1]))
            assert.is_true(p:flush(10000))
            assert.are.equal(3, delivered)
            assert.is_true(p:close())
        end)
    end

    it("may drop the last reference to its client", function()
        local kept, calls = {}, 0
        kept.p = kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 50, on_delivery = function()
            calls = calls + 1
            kept.p = nil
            collectgarbage()
            collectgarbage()
        end })
        for _ = 1, 5 do assert(kept.p:produce(topic, "v", nil, { partition = 0 })) end
        assert.is_true(kept.p:flush(10000))
        assert.are.equal(5, calls)
    end)

    it("for errors gets every error, and may raise as well", function()
        local mark = {}
        local p = h.track(kafka.producer(h.nowhere, { on_error = function() error(mark) end }))
        local seen = h.wait_until(function()
            local ok, err = pcall(p.poll, p, 200)
            return not ok and { err }
        end)
        assert.are.equal(mark, seen[1])
        pcall(p.close, p, 200) -- serves callbacks too, which may raise again
    end)

    it("for logs gets level, facility and message", function()
        local lines = {}
        local p = h.track(kafka.producer(mock:bootstrap_servers(), {
            debug = "broker", on_log = function(log) lines[#lines + 1] = log end,
        }))
        h.wait_until(function()
            p:poll(100)
            return #lines > 3
        end)
        for _, log in ipairs(lines) do
            assert.is_true(log.level >= 0 and log.level <= 7)
            assert.are.equal("string", type(log.facility))
            assert.are.equal("string", type(log.message))
        end
    end)

    it("for statistics gets them as a table and as JSON", function()
        local stats, text
        local p = h.track(kafka.producer(mock:bootstrap_servers(), {
            ["statistics.interval.ms"] = 100, on_stats = function(...) stats, text = ... end,
        }))
        p:produce(topic, "v")
        h.wait_until(function()
            p:poll(200)
            return stats and stats.topics[topic]
        end)
        assert.are.equal(p:name(), stats.name)
        assert.are.equal("producer", stats.type)
        assert.are.equal(topic, stats.topics[topic].topic)
        assert.are.equal("table", type(stats.brokers))
        assert.truthy(text:find('"name":%s*"' .. p:name():gsub("%p", "%%%0") .. '"'))
    end)

    it("of the consumer runs in receive, and its error comes out there", function()
        local mark = {}
        local c = h.track(kafka.consumer(h.nowhere, { "t:0" }, { ["group.id"] = "g", on_error = function() error(mark) end }))
        local seen = h.wait_until(function()
            local ok, err = pcall(c.receive, c)
            return not ok and { err }
        end)
        assert.are.equal(mark, seen[1])
        pcall(c.close, c, 200) -- serves callbacks too, which may raise again
    end)
end)

describe("callbacks of the consumer", function()
    after_each(h.cleanup)

    it("may yield the coroutine that receives", function()
        local receiving = true
        local c = h.track(kafka.consumer(h.nowhere, { "t:0" }, {
            ["group.id"] = "g", on_error = function(err) if receiving then coroutine.yield(err.name) end end,
        }))
        local co = coroutine.create(function() return c:receive() end)
        local names = {}
        while true do
            local results = { n = 0 }
            local function keep(...)
                results = { n = select("#", ...), ... }
            end
            keep(coroutine.resume(co))
            assert.is_true(results[1], tostring(results[2]))
            if coroutine.status(co) == "dead" then
                assert.is_nil(results[2])
                break
            end
            names[#names + 1] = results[2]
        end
        assert.are.equal("_TRANSPORT", names[1])
        receiving = false -- close serves callbacks too, and here is nobody to yield to
        c:close(0)
    end)

    it("may close the consumer, whose receive then says so", function()
        local c
        c = h.track(kafka.consumer(h.nowhere, { "t:0" }, { ["group.id"] = "g", on_error = function() c:close(100) end }))
        local got = h.wait_until(function()
            local results = { c:receive() }
            return c:closed() and results
        end)
        assert.are.same({ nil, nil, nil, nil }, { got[1], got[2], got[3], got[4] })
        assert.are.equal("_DESTROY", got[5].name)
    end)
end)

describe("logs", function()
    local script = [[
        local kafka = require "kafka"
        local p = kafka.producer("127.0.0.1:1", { debug = "all", on_log = %s })
        p:produce("t", "v")
        p:poll(300)
        p:close(100)
        local c = kafka.consumer("127.0.0.1:1", { "t:0" }, { ["group.id"] = "g", debug = "all", on_log = %s })
        c:receive()
        c:close()]]

    it("go nowhere uninvited", function()
        for _, option in ipairs { "nil", "'none'" } do
            local child = h.run(script:format(option, option))
            assert.are.equal(0, child.status, child.err)
            assert.are.equal("", child.out)
            assert.is_nil(child.err:find("%d|"), child.err)
        end
    end)

    it("go to stderr when that was asked for", function()
        local child = h.run(script:format("'stderr'", "'stderr'"))
        assert.are.equal(0, child.status)
        assert.are.equal("", child.out)
        assert.truthy(child.err:find("127.0.0.1:1", 1, true))
    end)
end)
