-- Input the old module crashed on or misread: topic names, partitions, numbers, destructors.
local h = require "spec.helper"
local kafka = h.kafka

local function consumer_refusal(topics)
    local user = h.chunk("local kafka, brokers, topics = ...\nlocal c = kafka.consumer(brokers, topics, {['group.id'] = 'g'})")
    local err = h.error_of(user, kafka, h.nowhere, topics)
    assert.are.equal("string", type(err))
    return err
end

describe("a topic name", function()
    after_each(h.cleanup)

    it("of more than 249 bytes, or 512, or a million, is refused again and again without harm", function()
        local p = h.track(kafka.producer(h.nowhere))
        for _, length in ipairs { 250, 512, 513, 600, 1000000 } do
            local name = ("x"):rep(length)
            for _ = 1, 20 do
                assert.are.equal("string", type(h.error_of(p.create_topic, p, name)))
                assert.are.equal("string", type(h.error_of(p.create_topic, p, name, { acks = 1 })))
            end
            assert.is_false(p:has_topic(name))
            consumer_refusal { name }
            consumer_refusal { name .. ":0" }
        end
        p:create_topic(("x"):rep(249))
        assert.is_true(p:has_topic(("x"):rep(249)))
    end)

    it("that is empty is refused", function()
        local p = h.track(kafka.producer(h.nowhere))
        assert.are.equal("string", type(h.error_of(p.create_topic, p, "")))
        consumer_refusal { "" }
        consumer_refusal { ":0" }
    end)

    it("with a NUL is refused, not cut short", function()
        local p = h.track(kafka.producer(h.nowhere))
        p:create_topic("test")
        assert.are.equal("string", type(h.error_of(p.create_topic, p, "test\0more")))
        assert.is_false(p:has_topic("test\0more"))
        assert.are.equal("invalid topic", h.error_of(p.send, p, "test\0more", 0, 1, "m"))
        consumer_refusal { "test\0more" }
        consumer_refusal { "test\0more:0" }
        consumer_refusal { "^test\0more" }
    end)

    it("with a partition that is no number is refused by its text", function()
        for _, entry in ipairs { "topic:abc", "topic:", "t:1x", "t: 1", "t:1 ", "t:0x1", "t:1.5", "t:+1", "t:--1" } do
            assert.truthy(consumer_refusal { entry }:find(("invalid topic partition: '%s'"):format(entry), 1, true), entry)
        end
    end)

    it("without partition beside one with is an error that says so", function()
        for _, topics in ipairs { { "plain", "other:1" }, { "other:1", "plain" }, { "^re", "other:1" } } do
            local err = consumer_refusal(topics)
            assert.truthy(err:find("partition", 1, true), err)
            assert.truthy(err:find("plain", 1, true) or err:find("^re", 1, true), err)
        end
    end)
end)

describe("a number", function()
    after_each(h.cleanup)

    it("that is no partition is refused by send, not cut down to a C int", function()
        local p = h.track(kafka.producer(h.nowhere))
        p:create_topic("t")
        local user = h.chunk("local p, partition = ...\nlocal ret = p:send('t', partition, 1, 'm')")
        for _, partition in ipairs { 0.5, 2 ^ 31, 2 ^ 32 + 1, 2 ^ 63, -2, -2 ^ 31 - 1, 0 / 0, math.huge, -math.huge, "0.5", "4294967297" } do
            assert.truthy(h.error_of(user, p, partition):match("^user%.lua:2: "), tostring(partition))
        end
        assert.are.equal(0, #p)
    end)

    it("that is no sequence id is refused by send, not rounded", function()
        local p = h.track(kafka.producer(h.nowhere))
        p:create_topic("t")
        local user = h.chunk("local p, id = ...\nlocal ret = p:send('t', 0, id, 'm')")
        for _, id in ipairs { 0.5, 1.5, 0 / 0, "1.5" } do
            assert.truthy(h.error_of(user, p, id):match("^user%.lua:2: "), tostring(id))
        end
        assert.are.equal(0, #p)
    end)

    it("that does not fit a property is refused, not cut down to a C int", function()
        for _, value in ipairs { 0.5, 2 ^ 32 + 1, 2 ^ 63, 0 / 0, math.huge } do
            local err = h.error_of(kafka.producer, h.nowhere, { ["batch.num.messages"] = value })
            assert.truthy(err:find("batch.num.messages", 1, true), err)
        end
    end)

    it("may be a fraction where the property is one", function()
        h.track(kafka.producer(h.nowhere, { ["linger.ms"] = 0.5 }))
    end)

    it("stands in an error as itself, never as %g", function()
        local errors = {
            h.error_of(kafka.producer, h.nowhere, { ["batch.num.messages"] = -1.5 }),
            h.error_of(kafka.producer, h.nowhere, { ["linger.ms"] = 1e15 }),
            consumer_refusal { "test:9000000000" },
        }
        for _, err in ipairs(errors) do assert.is_nil(err:find("%", 1, true), err) end
        assert.truthy(errors[1]:find("-1.5", 1, true), errors[1])
    end)
end)

describe("__gc called by hand", function()
    after_each(h.cleanup)

    it("closes the client once and does nothing after that", function()
        local p = h.track(kafka.producer(h.nowhere))
        local c = h.track(kafka.consumer(h.nowhere, { "t" }, { ["group.id"] = "g" }))
        for _, client in ipairs { p, c } do
            local gc = getmetatable(client).__gc
            for _ = 1, 3 do gc(client) end
            assert.is_true(client:closed())
        end
        assert.are.equal("user.lua:1: attempt to use a closed kafka.Producer", h.error_of(h.chunk("local p = ... p:poll()"), p))
        assert.are.equal("user.lua:1: attempt to use a closed kafka.Consumer", h.error_of(h.chunk("local c = ... c:receive()"), c))
        collectgarbage()
        collectgarbage()
    end)

    it("on anything else is an error", function()
        local p = h.track(kafka.producer(h.nowhere))
        local c = h.track(kafka.consumer(h.nowhere, { "t" }, { ["group.id"] = "g" }))
        for _, client in ipairs { p, c } do
            local gc = getmetatable(client).__gc
            for _, value in ipairs { io.stdout, {}, "x", 5, true, print, client == p and c or p } do
                assert.are.equal("string", type(h.error_of(gc, value)))
            end
            assert.are.equal("string", type(h.error_of(gc)))
            assert.is_false(client:closed())
        end
    end)
end)

describe("an old program", function()
    it("runs on this Lua, whichever it is", function()
        local child = h.run([[
            require "kafka"
            local kafka = kafka or require "kafka" -- the global is there on 5.1 and LuaJIT
            local mock = kafka.mock_cluster { brokers = 1, topics = { test = 1 } }
            local producer = kafka.producer(mock:bootstrap_servers(), {["queue.buffering.max.messages"] = 20000, ["batch.num.messages"] = 200})
            producer:create_topic("test")
            local ret = producer:send("test", -1, 42, "message")
            local sequence_id, failures = producer:poll(10000)
            print(ret, sequence_id, failures)
            local consumer = kafka.consumer(mock:bootstrap_servers(), {"test:0"}, {["group.id"] = "g"}, {["auto.offset.reset"] = "smallest"})
            local msg, topic, partition, key
            for _ = 1, 20 do
                msg, topic, partition, key = consumer:receive()
                if msg then break end
            end
            print(msg, topic, partition, key)]])
        assert.are.equal("0\t42\t0\nmessage\ttest\t0\tnil\n", child.out, child.err)
        assert.are.equal(0, child.status)
    end)
end)
