-- The consumer: order, at-least-once storing, timeouts, closing.
local h = require "spec.helper"
local kafka = h.kafka

describe("a consumer", function()
    local mock
    before_each(function() mock = h.mock { topics = { t = 1, many = 4 } } end)
    after_each(h.cleanup)

    local function consumer(conf, topics)
        conf["bootstrap.servers"], conf.topics = mock:bootstrap_servers(), topics or { "t:0" }
        conf["group.id"] = conf["group.id"] or "g"
        conf["auto.offset.reset"] = "earliest"
        return h.track(kafka.consumer(conf))
    end

    local function fill(count)
        local values = {}
        for i = 1, count do values[i] = tostring(i) end
        h.fill(mock:bootstrap_servers(), "t", values)
    end

    it("made from one table receives like a classic one", function()
        h.fill(mock:bootstrap_servers(), "t", { { value = "v", key = "k" } })
        assert.are.same({ n = 4, "v", "t", 0, "k" }, h.receive(consumer {}))
    end)

    it("needs group.id and topics when made from one table", function()
        local err = h.error_of(kafka.consumer, { ["bootstrap.servers"] = h.nowhere, topics = { "t" } })
        assert.truthy(err:find("group.id", 1, true), err)
        err = h.error_of(kafka.consumer, { ["bootstrap.servers"] = h.nowhere, ["group.id"] = "g", topics = "t" })
        assert.truthy(err:find("topics", 1, true), err)
    end)

    it("reads everything of a topic it subscribed to, each partition in order, each message once", function()
        local values = {}
        for i = 1, 3000 do values[i] = { value = tostring(i), partition = i % 4 } end
        h.fill(mock:bootstrap_servers(), "many", values)
        local c, last, count = consumer({}, { "many" }), {}, 0
        while count < 3000 do
            local got = h.receive(c)
            local number = tonumber(got[1])
            assert.are.equal(number % 4, got[3])
            assert.is_true(number > (last[got[3]] or -1))
            last[got[3]], count = number, count + 1
        end
        assert.are.same({ nil, nil, nil, nil }, { c:receive() })
    end)

    it("carries values and keys of up to a million bytes with every byte in them", function()
        local all = {}
        for byte = 0, 255 do all[byte + 1] = string.char(byte) end
        all = table.concat(all)
        local big = all:rep(3900)
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["message.max.bytes"] = 2000000 }))
        assert(p:produce("t", big, all, { partition = 0 }))
        assert(p:produce("t", "k", big, { partition = 0 }))
        assert(p:flush(10000))
        local c = consumer {}
        local got = h.receive(c)
        assert.is_true(got[1] == big and got[4] == all)
        got = h.receive(c)
        assert.is_true(got[1] == "k" and got[4] == big)
    end)

    it("stores what was done when the next is asked for, and what came last at close", function()
        fill(5)
        local c = consumer {}
        for i = 1, 3 do assert.are.equal(tostring(i), h.receive(c)[1]) end
        assert.is_true(c:close())
        assert.are.equal("4", h.receive(consumer {})[1])
    end)

    it("that is killed never loses what it was working on", function()
        fill(10)
        local child = h.start([[
            io.stdout:setvbuf("no")
            local kafka = require "kafka"
            local c = kafka.consumer(arg[1], { "t:0" }, { ["group.id"] = "g", ["auto.commit.interval.ms"] = 20 }, { ["auto.offset.reset"] = "earliest" })
            for i = 1, 5 do
                local value
                repeat value = c:receive() until value
                print(value)
            end
            while true do io.read() end]], { args = { mock:bootstrap_servers() } })
        for i = 1, 5 do assert.are.equal(tostring(i), child:line(15)) end
        h.wait_until(function() -- offset 4, "four are done", was committed: the fifth is still being worked on
            for _, request in ipairs(mock:requests()) do if request.api == "OffsetCommit" then return true end end
        end)
        h.sleep(0.2) -- several commit intervals
        child:kill("KILL")
        assert.are.same({ nil, 9 }, { child:wait() })
        assert.are.equal("5", h.receive(consumer {})[1])
    end)

    it("that is left open at the end of its program does not count the last one as done", function()
        fill(3)
        local child = h.run([[
            local kafka = require "kafka"
            local c = kafka.consumer(arg[1], { "t:0" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = "earliest" })
            local value
            repeat value = c:receive() until value
            print(value)]], { args = { mock:bootstrap_servers() } })
        assert.are.equal("1\n", child.out, child.err)
        assert.are.equal(0, child.status, child.err)
        assert.are.equal("1", h.receive(consumer {})[1])
    end)

    it("that is collected does not count the last one as done", function()
        fill(3)
        local weak = setmetatable({}, { __mode = "k" })
        local function use_and_forget()
            local c = kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = "earliest" })
            assert.are.equal("1", h.receive(c)[1])
            weak[c] = true
        end
        use_and_forget()
        local started = h.now()
        for _ = 1, 3 do collectgarbage() end
        assert.is_true(h.now() - started < 0.15)
        assert.is_nil((next(weak)))
        assert.are.equal("1", h.receive(consumer {})[1])
    end)

    it("stores at hand-over when the user asked for that", function()
        fill(3)
        local c = consumer { ["enable.auto.offset.store"] = true, ["auto.commit.interval.ms"] = 20 }
        assert.are.equal("1", h.receive(c)[1])
        h.wait_until(function()
            for _, request in ipairs(mock:requests()) do if request.api == "OffsetCommit" then return true end end
        end)
        assert.are.equal("2", h.receive(consumer {})[1])
    end)

    it("answers name, tostring, closed and close after it was closed, and raises for the rest", function()
        local c = consumer {}
        local name = c:name()
        assert.truthy(name:match("#consumer%-%d+$"), name)
        assert.is_false(c:closed())
        assert.are.equal(("kafka.Consumer: %s (open)"):format(name), tostring(c))
        assert.is_true(c:close())
        assert.is_true(c:closed())
        assert.are.equal(name, c:name())
        assert.are.equal(("kafka.Consumer: %s (closed)"):format(name), tostring(c))
        assert.is_true(c:close())
        assert.are.equal("user.lua:2: attempt to use a closed kafka.Consumer", h.error_of(h.chunk("local c = ...\nlocal m = c:receive()"), c))
    end)

    it("returns at once from close, also with messages fetched and not handed out", function()
        fill(1000)
        local c = consumer {}
        h.receive(c)
        local started = h.now()
        assert.is_true(c:close())
        assert.is_true(h.now() - started < 3)
    end)

    it("keeps to close's deadline when its broker is gone", function()
        local c = consumer({}, { "t" })
        fill(1)
        h.receive(c)
        mock:broker_down(1)
        local started = h.now()
        c:close(500)
        assert.is_true(h.now() - started < 1.5)
        assert.is_true(c:closed())
    end)

    it("goes on receiving when its broker comes back", function()
        fill(1)
        local c = consumer {}
        assert.are.equal("1", h.receive(c)[1])
        mock:broker_down(1)
        assert.is_nil((c:receive()))
        mock:broker_up(1)
        h.fill(mock:bootstrap_servers(), "t", { "after" })
        assert.are.equal("after", h.receive(c)[1])
    end)

    it("does not know the producer's options and methods", function()
        local err = h.error_of(kafka.consumer, { ["bootstrap.servers"] = h.nowhere, ["group.id"] = "g", topics = { "t" }, on_delivery = print })
        assert.truthy(err:find("on_delivery", 1, true), err)
        assert.is_nil(consumer({}).send)
    end)

    if h.version == "5.4" then
        it("is closed at the end of a <close> block, and what it handed out last is done unless there was an error", function()
            fill(3)
            local text = [[
                local kafka, brokers, fail = ...
                local c <close> = kafka.consumer(brokers, { "t:0" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = "earliest" })
                local value
                repeat value = c:receive() until value
                if fail then error("work failed", 0) end
                return value]]
            assert.are.equal("work failed", h.error_of(h.chunk(text), kafka, mock:bootstrap_servers(), true))
            assert.are.equal("1", h.chunk(text)(kafka, mock:bootstrap_servers(), false))
            assert.are.equal("2", h.chunk(text)(kafka, mock:bootstrap_servers(), false))
        end)
    end
end)
