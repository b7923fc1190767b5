-- create_topic, has_topic, destroy_topic: the classic producer's topic handles, by name.
local h = require "spec.helper"
local kafka = h.kafka

describe("a classic producer's topic", function()
    local p
    before_each(function() p = h.track(kafka.producer(h.nowhere)) end)
    after_each(h.cleanup)

    it("is made by create_topic, which returns nothing [19]", function()
        assert.are.equal(0, select("#", p:create_topic("test")))
        assert.are.equal(0, select("#", p:create_topic("with-conf", { acks = 1 })))
        assert.are.equal(0, select("#", p:create_topic("with-nil", nil)))
    end)

    it("may be made twice, which changes nothing [19]", function()
        p:create_topic("test", { ["message.timeout.ms"] = 150 })
        p:create_topic("test", { ["message.timeout.ms"] = 290000 })
        assert.are.equal(0, p:send("test", 0, 5, "m"))
        local id, failures = p:poll(5000)
        assert.are.same({ 5, 1 }, { id, failures })
    end)

    it("is known to has_topic by its name only after create_topic [19]", function()
        assert.is_false(p:has_topic("test"))
        p:create_topic("test")
        assert.is_true(p:has_topic("test"))
        assert.is_false(p:has_topic("tes"))
        assert.is_false(p:has_topic("test2"))
    end)

    it("is forgotten by destroy_topic, which returns nothing and is silent for an unknown name [19]", function()
        p:create_topic("test")
        assert.are.equal(0, select("#", p:destroy_topic("test")))
        assert.is_false(p:has_topic("test"))
        assert.are.equal(0, select("#", p:destroy_topic("test")))
        assert.are.equal(0, select("#", p:destroy_topic("never made")))
    end)

    it("may be made again after destroy_topic [19]", function()
        for _ = 1, 50 do
            p:create_topic("test", { ["message.timeout.ms"] = 150 })
            p:destroy_topic("test")
        end
        p:create_topic("test", { ["message.timeout.ms"] = 150 })
        assert.are.equal(0, p:send("test", 0, 5, "m"))
        local id, failures = p:poll(5000)
        assert.are.same({ 5, 1 }, { id, failures })
    end)

    it("is made again with other settings without an error, and keeps those it has [19]", function()
        p:create_topic("test", { ["message.timeout.ms"] = 150 })
        p:destroy_topic("test")
        assert.are.equal(0, select("#", p:create_topic("test", { ["message.timeout.ms"] = 290000 })))
        assert.are.equal(150, p:topic_config("test")["message.timeout.ms"])
        assert.are.equal("_CONFLICT", p:last_error().name)
        assert.are.equal(0, p:send("test", 0, 5, "m"))
        local id, failures = p:poll(5000)
        assert.are.same({ 5, 1 }, { id, failures })
    end)

    it("is made again without settings, or with the same, without a word [19]", function()
        for _, conf in ipairs { { ["message.timeout.ms"] = 150, acks = 1 }, { acks = "1" }, { ["request.required.acks"] = 1 }, {} } do
            p:create_topic("test", conf)
            p:create_topic("test")
            p:destroy_topic("test")
        end
        local err = p:last_error()
        assert.is_true(err == nil or err.name ~= "_CONFLICT")
        assert.are.equal(150, p:topic_config("test")["message.timeout.ms"])
    end)

    it("belongs to its producer alone [19]", function()
        local other = h.track(kafka.producer(h.nowhere))
        p:create_topic("test")
        assert.is_false(other:has_topic("test"))
    end)

    it("needs nil or a table as conf [19]", function()
        local user = h.chunk("local p, conf = ...\np:create_topic('test', conf)")
        assert.are.equal("user.lua:2: bad argument #2 to 'create_topic' (table expected, got boolean)",
            h.error_of(user, p, true))
        -- Straight from pcall there is no method name, and so self counts.
        assert.are.equal("bad argument #3 to '?' (table expected, got boolean)", h.error_of(p.create_topic, p, "test", true))
    end)

    it("needs a string as its name [19]", function()
        local user = h.chunk("local p, name = ...\np:create_topic(name)\n")
        assert.are.equal("user.lua:2: bad argument #1 to 'create_topic' (string expected, got table)", h.error_of(user, p, {}))
        user = h.chunk("local p, name = ...\nlocal has = p:has_topic(name)\n")
        assert.are.equal("user.lua:2: bad argument #1 to 'has_topic' (string expected, got nil)", h.error_of(user, p, nil))
        user = h.chunk("local p, name = ...\np:destroy_topic(name)\n")
        assert.are.equal("user.lua:2: bad argument #1 to 'destroy_topic' (string expected, got boolean)", h.error_of(user, p, true))
    end)

    it("that librdkafka refuses says so [19]", function()
        local err = h.error_of(p.create_topic, p, "test", { partitioner = "murmur2", ["message.timeout.ms"] = 0,
            ["compression.codec"] = "gzip", ["compression.level"] = 12, ["request.timeout.ms"] = 0 })
        assert.truthy(err:find("Failed to set request.timeout.ms = 0 : ", 1, true), err)
        local linger = h.track(kafka.producer(h.nowhere, { ["linger.ms"] = 1000 }))
        err = h.error_of(linger.create_topic, linger, "test", { ["message.timeout.ms"] = 500 })
        assert.are.equal("rd_kafka_topic_new failed: Local: Invalid argument or configuration", err)
        assert.is_false(linger:has_topic("test"))
    end)

    it("must exist before send, or the caller hears of it [20]", function()
        local user = h.chunk("local p = ...\nlocal ret = p:send('test', -1, 1, 'm')")
        assert.are.equal("user.lua:2: invalid topic", h.error_of(user, p))
        assert.are.equal("invalid topic", h.error_of(p.send, p, "test", -1, 1, "m"))
        p:create_topic("test")
        assert.are.equal(0, p:send("test", -1, 1, "m"))
        p:destroy_topic("test")
        assert.are.equal("user.lua:2: invalid topic", h.error_of(user, p))
        p:close(0)
    end)
end)
