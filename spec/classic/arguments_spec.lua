-- Counts and types of arguments. The texts are those luaL_argerror gives a C function of each Lua version.
local h = require "spec.helper"
local kafka = h.kafka
local old = h.is_jit or h.version == "5.1" -- has no name for a function called straight from pcall

local function at_line_two(text) return "user.lua:2: " .. text end

describe("a constructor", function()
    after_each(h.cleanup)

    local function wrong_count(name, count, ...)
        local in_lua = h.chunk("local kafka = ...\nlocal it = kafka." .. name .. "(select(2, ...))")
        local expected = "bad argument #%d to '%s' (incorrect number of arguments)"
        assert.are.equal(at_line_two(expected:format(count, name)), h.error_of(in_lua, kafka, ...))
        assert.are.equal(expected:format(count, old and "?" or "kafka." .. name), h.error_of(kafka[name], ...))
    end

    it("named producer takes one or two arguments [3]", function()
        wrong_count("producer", 0)
        wrong_count("producer", 3, h.nowhere, {}, 1)
        wrong_count("producer", 3, h.nowhere, {}, nil)
    end)

    it("named consumer takes three or four arguments [3]", function()
        wrong_count("consumer", 0)
        wrong_count("consumer", 1, h.nowhere)
        wrong_count("consumer", 2, h.nowhere, { "t" })
        wrong_count("consumer", 5, h.nowhere, { "t" }, { ["group.id"] = "g" }, {}, 1)
    end)

    it("takes nil or a table as the producer's conf [3]", function()
        h.track(kafka.producer(h.nowhere, nil))
        h.track(kafka.producer(h.nowhere, {}))
        local user = h.chunk("local kafka, conf = ...\nlocal p = kafka.producer('127.0.0.1:1', conf)")
        assert.are.equal(at_line_two("bad argument #2 to 'producer' (table expected, got boolean)"),
            h.error_of(user, kafka, false))
        assert.are.equal(at_line_two("bad argument #2 to 'producer' (table expected, got string)"),
            h.error_of(user, kafka, "x"))
    end)

    it("needs tables as the consumer's topics and conf [3]", function()
        local user = h.chunk("local kafka, topics, conf = ...\nlocal c = kafka.consumer('127.0.0.1:1', topics, conf)")
        assert.are.equal(at_line_two("bad argument #2 to 'consumer' (table expected, got string)"),
            h.error_of(user, kafka, "t", {}))
        assert.are.equal(at_line_two("bad argument #3 to 'consumer' (table expected, got nil)"),
            h.error_of(user, kafka, { "t" }, nil))
    end)

    it("needs a string as the broker list [3]", function()
        for _, value in ipairs { true, print } do
            assert.truthy(h.error_of(h.chunk("local kafka, list = ...\nlocal p = kafka.producer(list)"), kafka, value)
                :match("^user%.lua:2: bad argument #1 to 'producer' %(string .*got " .. type(value) .. "%)$"))
            assert.truthy(h.error_of(h.chunk("local kafka, list = ...\nlocal c = kafka.consumer(list, {'t'}, {})"),
                kafka, value):match("^user%.lua:2: bad argument #1 to 'consumer' %(string .*got " .. type(value) .. "%)$"))
        end
    end)

    it("takes numbers for strings [7]", function()
        h.track(kafka.producer(9092))
        local mock = h.mock { topics = { ["12"] = 1 } }
        local producer = h.track(kafka.producer(mock:bootstrap_servers()))
        producer:create_topic(12)
        assert.is_true(producer:has_topic(12))
        assert.are.equal(0, producer:send(12, 0, 1, 34))
        assert.is_true(producer:flush(10000))
        assert.are.same({ { value = "34", partition = 0 } }, h.drain(mock:bootstrap_servers(), "12", { count = 1 }))
    end)
end)

describe("a method", function()
    after_each(h.cleanup)

    local function call(object, text) return h.error_of(h.chunk("local self = ...\n" .. text), object) end

    it("of the producer counts its arguments after self [4, 5]", function()
        local p = h.track(kafka.producer(h.nowhere))
        local cases = {
            { "self:poll(1, 2)", 2, "poll" },
            { "self:poll(1, nil)", 2, "poll" },
            { "self:create_topic('t', nil, 1)", 3, "create_topic" },
            { "self:has_topic('t', 'u')", 2, "has_topic" },
            { "self:destroy_topic('t', 'u')", 2, "destroy_topic" },
            { "self:send('t')", 1, "send" },
            { "self:send('t', 0)", 2, "send" },
            { "self:send('t', 0, 1)", 3, "send" },
            { "self:send('t', 0, 1, 'm', nil)", 5, "send" },
        }
        for _, case in ipairs(cases) do
            assert.are.equal(at_line_two(("bad argument #%d to '%s' (incorrect number of arguments)"):format(case[2], case[3])),
                call(p, case[1]))
        end
    end)

    it("called with self alone, where more is needed, blames self as Lua does [4, 5]", function()
        local p = h.track(kafka.producer(h.nowhere))
        for _, name in ipairs { "has_topic", "create_topic", "destroy_topic", "send" } do
            assert.are.equal(at_line_two(("calling '%s' on bad self (incorrect number of arguments)"):format(name)),
                call(p, "self:" .. name .. "()"))
        end
    end)

    it("of the consumer takes no argument in receive [5]", function()
        local c = h.track(kafka.consumer(h.nowhere, { "t" }, { ["group.id"] = "g" }))
        assert.are.equal(at_line_two("bad argument #1 to 'receive' (incorrect number of arguments)"),
            call(c, "self:receive(1000)"))
        assert.are.equal(at_line_two("bad argument #1 to 'receive' (incorrect number of arguments)"),
            call(c, "self:receive(nil)"))
    end)

    it("called with a dot counts self, and straight from pcall has no name and no position [4]", function()
        local p = h.track(kafka.producer(h.nowhere))
        assert.are.equal(at_line_two("bad argument #3 to 'poll' (incorrect number of arguments)"), call(p, "self.poll(self, 1, 2)"))
        assert.are.equal("bad argument #3 to '?' (incorrect number of arguments)", h.error_of(p.poll, p, 1, 2))
        assert.are.equal("bad argument #1 to '?' (incorrect number of arguments)", h.error_of(p.has_topic, p))
        assert.are.equal("bad argument #2 to '?' (incorrect number of arguments)", h.error_of(p.send, p, "t"))
    end)

    it("refuses a wrong self by the name of our class [6]", function()
        local p = h.track(kafka.producer(h.nowhere))
        for _, name in ipairs { "poll", "send", "create_topic", "has_topic", "destroy_topic", "flush", "close" } do
            assert.are.equal(at_line_two(("bad argument #1 to '%s' (kafka.Producer expected, got no value)"):format(name)),
                call(p, "self." .. name .. "()"))
            assert.are.equal(at_line_two(("bad argument #1 to '%s' (kafka.Producer expected, got table)"):format(name)),
                call(p, "self." .. name .. "({}, 't', 0, 1, 'm')"))
        end
        assert.are.equal("bad argument #1 to '?' (kafka.Producer expected, got string)", h.error_of(p.poll, "p"))
    end)

    it("refuses another class's object and a foreign userdata as self [6]", function()
        local p = h.track(kafka.producer(h.nowhere))
        local c = h.track(kafka.consumer(h.nowhere, { "t" }, { ["group.id"] = "g" }))
        local named = not old and h.version ~= "5.2" -- luaL_argerror knows __name from 5.3 on
        local file = named and "FILE*" or "userdata"
        assert.are.equal(at_line_two("bad argument #1 to 'poll' (kafka.Producer expected, got " .. file .. ")"),
            call(p, "self.poll(io.stdout)"))
        assert.truthy(h.error_of(p.poll, c):find("bad argument #1 to '?' (kafka.Producer expected, got ", 1, true))
        assert.truthy(h.error_of(c.receive, p):find("bad argument #1 to '?' (kafka.Consumer expected, got ", 1, true))
        assert.are.equal(at_line_two("bad argument #1 to 'receive' (kafka.Consumer expected, got " .. file .. ")"),
            call(c, "self.receive(io.stdout)"))
    end)

    it("through a wrong self given with a colon blames self as Lua does [6]", function()
        local p = h.track(kafka.producer(h.nowhere))
        local thief = { poll = p.poll, send = p.send }
        assert.are.equal(at_line_two("calling 'poll' on bad self (kafka.Producer expected, got table)"), call(thief, "self:poll()"))
        assert.are.equal(at_line_two("calling 'send' on bad self (kafka.Producer expected, got table)"), call(thief, "self:send()"))
    end)
end)
