-- kafka.properties(): librdkafka's properties as data.
local h = require "spec.helper"
local kafka = h.kafka
local properties = kafka.properties()

describe("kafka.properties", function()
    it("lists librdkafka's properties with all that is known of them", function()
        local count = 0
        for name, property in pairs(properties) do
            count = count + 1
            assert.are.equal(name, property.name)
            assert.truthy(property.scope == "producer" or property.scope == "consumer" or property.scope == "both", name)
            assert.are.equal("string", type(property.description), name)
            assert.are.equal("string", type(property.type), name)
            assert.truthy(property.importance == "low" or property.importance == "medium" or property.importance == "high", name)
        end
        assert.is_true(count > 150, "only " .. count)
    end)

    it("knows scope, range and default of some that everybody uses", function()
        local expected = {
            ["batch.num.messages"] = { "producer", "1 .. 1000000", "10000" }, ["group.id"] = { "consumer" }, ["client.id"] = { "both", nil, "rdkafka" },
            ["session.timeout.ms"] = { "consumer", "1 .. 3600000", "45000" }, ["socket.timeout.ms"] = { "both", "10 .. 300000", "60000" },
        }
        for name, facts in pairs(expected) do
            local property = properties[name]
            assert.are.equal(facts[1], property.scope, name)
            if facts[2] then assert.are.equal(facts[2], property.range, name) end
            if facts[3] then assert.are.equal(facts[3], tostring(property.default), name) end
        end
    end)

    it("answers for one name", function()
        assert.are.same(properties["linger.ms"], kafka.properties("linger.ms"))
    end)

    it("raises for an unknown name and names the nearest", function()
        local err = h.error_of(h.chunk("local kafka = ...\nlocal p = kafka.properties('linger.mss')"), kafka)
        assert.truthy(err:match("^user%.lua:2: ") and err:find('"linger.ms"', 1, true), err)
    end)

    it("names one that goes on where the unknown name ends", function()
        for short, long in pairs { linger = "linger.ms", bootstrap = "bootstrap.servers", group = "group.id", client = "client.id" } do
            assert.truthy(h.error_of(kafka.properties, short):find('did you mean "' .. long .. '"', 1, true), short)
        end
    end)

    it("does not name an option of the module as the nearest property", function()
        for _, name in ipairs { "ack", "on_full", "max_unacked" } do
            local err = h.error_of(h.chunk("local kafka, name = ...\nlocal p = kafka.properties(name)"), kafka, name)
            assert.is_nil(err:find('did you mean "' .. name .. '"', 1, true), err)
        end
        assert.truthy(h.error_of(h.chunk("local kafka = ...\nlocal p = kafka.properties('ack')"), kafka):find('"acks"', 1, true))
        local p = h.track(kafka.producer(h.nowhere))
        assert.truthy(h.error_of(p.create_topic, p, "t", { ack = 1 }):find('did you mean "acks"', 1, true))
    end)

    it("tells a client's property from a topic's of the same name", function()
        local twice = {}
        for name, property in pairs(properties) do
            if property.at_topic_level then
                assert.is_false(property.topic_level, name)
                assert.is_true(property.at_topic_level.topic_level, name)
                assert.are.equal(name, property.at_topic_level.name)
                twice[#twice + 1] = name
            end
        end
        table.sort(twice)
        assert.same({
            "auto.commit.interval.ms", "compression.codec", "compression.type", "enable.auto.commit", "offset.store.method", "opaque",
        }, twice)
        local interval, codec = properties["auto.commit.interval.ms"], kafka.properties "compression.codec"
        assert.same({ 0, 5000, 10, 60000 }, { interval.low, interval.default, interval.at_topic_level.low, interval.at_topic_level.default })
        assert.same({ "none", "inherit" }, { codec.default, codec.at_topic_level.default })
        assert.is_nil(properties["acks"].at_topic_level or properties["linger.ms"].at_topic_level)
    end)

    it("hands out tables the caller may change", function()
        kafka.properties()["linger.ms"].range = "mine"
        assert.are_not.equal("mine", kafka.properties("linger.ms").range)
    end)
end)

describe("a value that is not accepted", function()
    after_each(h.cleanup)

    local function refused(side, name, value)
        local ok, err = pcall(function()
            local conf = { ["bootstrap.servers"] = h.nowhere, [name] = value }
            if side == "producer" then return h.track(kafka.producer(conf)) end
            if side == "session" then return kafka.session(conf) end
            if side == "topic" then return h.track(kafka.producer(h.nowhere)):create_topic("t", { [name] = value }) end
            conf["group.id"], conf.topics = conf["group.id"] or "g", { "t" }
            return h.track(kafka.consumer(conf))
        end)
        assert.is_false(ok, name)
        return err
    end

    for _, case in ipairs {
        { "producer", "acks", "x", "a whole number from -1 to 1000 or all" },
        { "producer", "request.required.acks", "most", "a whole number from -1 to 1000 or all" },
        { "producer", "acks", 5000, "-1..1000" },
        { "producer", "linger.ms", "soon", "a number from 0 to 900000" },
        { "producer", "linger.ms", true, "a number from 0 to 900000" },
        { "producer", "linger.ms", -1, "0..900000" },
        { "producer", "message.timeout.ms", "x", "a whole number from 0 to 2147483647" },
        { "producer", "compression.type", "zip", "none, gzip, snappy, lz4 or zstd" },
        { "producer", "enable.idempotence", "maybe", "true or false" },
        { "producer", "partitioner", "mine", "random, consistent, consistent_random, murmur2, murmur2_random, fnv1a or fnv1a_random" },
        { "producer", "debug", "nono", "any of generic, broker, " },
        { "session", "acks", "x", "a whole number from -1 to 1000 or all" },
        { "topic", "acks", "x", "a whole number from -1 to 1000 or all" },
        { "topic", "compression.codec", "zip", "none, gzip, snappy, lz4, zstd or inherit" },
        { "consumer", "auto.offset.reset", "x", "smallest, earliest, beginning, largest, latest, end or error" },
        { "consumer", "session.timeout.ms", "y", "a whole number from 1 to 3600000" },
        { "consumer", "fetch.min.bytes", 0, "1..100000000" },
        { "consumer", "enable.auto.commit", "perhaps", "true or false" },
        { "consumer", "isolation.level", "x", "read_uncommitted or read_committed" },
        { "consumer", "partition.assignment.strategy", "x", "range, roundrobin and cooperative-sticky" },
        { "consumer", "security.protocol", "x", "plaintext, ssl, sasl_plaintext or sasl_ssl" },
    } do
        local side, name, value, accepted = case[1], case[2], case[3], case[4]
        it(("(%s = %s, of a %s) is named with its option and what would be"):format(name, tostring(value), side), function()
            local err = refused(side, name, value)
            assert.truthy(err:find(name, 1, true) and err:find(tostring(value), 1, true), err)
            assert.truthy(err:find(accepted, 1, true), err)
        end)
    end
end)
