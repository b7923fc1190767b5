-- Topic-level settings the old module dropped on the way, and a conf it did not check.
local h = require "spec.helper"
local kafka = h.kafka

describe("topic-level settings", function()
    after_each(h.cleanup)

    -- How one message to a broker that is not there ends within five seconds: poll's id and failures.
    local function outcome(conf, topic_conf)
        local p = h.track(kafka.producer(h.nowhere, conf))
        p:create_topic("t", topic_conf)
        assert.are.equal(0, p:send("t", 0, 8, "m"))
        local id, failures = p:poll(3000)
        return { id, failures }
    end

    it("of the producer's conf hold for a topic made without a conf", function()
        assert.are.same({ 8, 1 }, outcome({ ["message.timeout.ms"] = 150 }, nil))
    end)

    it("of the producer's conf hold for a topic made with a conf about other things", function()
        assert.are.same({ 8, 1 }, outcome({ ["message.timeout.ms"] = 150 }, { ["request.timeout.ms"] = 1000 }))
    end)

    it("of create_topic go before those of the producer", function()
        assert.are.same({ 8, 1 }, outcome({ ["message.timeout.ms"] = 290000 }, { ["message.timeout.ms"] = 150 }))
    end)

    it("of create_topic hold for that topic only", function()
        local p = h.track(kafka.producer(h.nowhere))
        p:create_topic("short", { ["message.timeout.ms"] = 150 })
        p:create_topic("long")
        p:send("long", 0, 1, "m")
        p:send("short", 0, 2, "m")
        local id, failures = p:poll(5000)
        assert.are.same({ 2, 1 }, { id, failures })
        assert.are.equal(1, #p)
    end)

    it("of the producer's conf reach the broker: acks = 0 leaves no offset", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local function offset(acks)
            local found
            local p = h.track(kafka.producer(mock:bootstrap_servers(), {
                acks = acks, on_delivery = function(_, report) found = report.offset or "none" end,
            }))
            p:create_topic(topic)
            p:send(topic, 0, 1, "m")
            assert.is_true(p:flush(10000))
            return found
        end
        assert.are.equal(0, offset(1))
        local without = offset(0)
        assert.truthy(without == "none" or without < 0, tostring(without))
    end)

    it("of the consumer's conf hold when a topic conf is given too", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "first" })
        local c = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" },
            { ["group.id"] = "g", ["auto.offset.reset"] = "earliest" }, { ["consume.callback.max.messages"] = 5 }))
        assert.are.equal("first", h.receive(c)[1])
    end)

    it("of the consumer's topic conf go before those of its conf", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "first" })
        local c = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" },
            { ["group.id"] = "g", ["auto.offset.reset"] = "latest" }, { ["auto.offset.reset"] = "earliest" }))
        assert.are.equal("first", h.receive(c)[1])
    end)
end)

describe("a topic conf of the wrong type", function()
    after_each(h.cleanup)

    it("is an error at the caller, for every type there is", function()
        local user = h.chunk("local kafka, conf = ...\nlocal c = kafka.consumer('127.0.0.1:1', {'t'}, {['group.id'] = 'g'}, conf)")
        for _, value in ipairs { true, 5, "x", print, coroutine.create(function() end) } do
            assert.are.equal(("user.lua:2: bad argument #4 to 'consumer' (table expected, got %s)"):format(type(value)),
                h.error_of(user, kafka, value))
        end
        assert.truthy(h.error_of(user, kafka, io.stdout):match("^user%.lua:2: bad argument #4 to 'consumer' %(table expected, got "))
    end)

    it("may be nil", function()
        h.track(kafka.consumer(h.nowhere, { "t" }, { ["group.id"] = "g" }, nil))
    end)
end)
