-- client:config() and client:topic_config(): what every property comes to, read back.
local h = require "spec.helper"
local kafka = h.kafka

local NOWHERE = h.nowhere

local function producer(conf)
    conf["bootstrap.servers"] = NOWHERE
    return h.track(kafka.producer(conf))
end

local function consumer(conf)
    conf["bootstrap.servers"], conf["group.id"], conf.topics = NOWHERE, conf["group.id"] or "g", { "t" }
    return h.track(kafka.consumer(conf))
end

describe("config()", function()
    after_each(h.cleanup)

    it("gives what was set, under every name the property has", function()
        local config = producer{ ["linger.ms"] = 7.5, ["client.id"] = "me", ["compression.type"] = "lz4", ["retries"] = "3" }:config()
        assert.equal(7.5, config["linger.ms"])
        assert.equal(7.5, config["queue.buffering.max.ms"])
        assert.equal("me", config["client.id"])
        assert.equal("lz4", config["compression.codec"])
        assert.equal(3, config["message.send.max.retries"])
        assert.equal(NOWHERE, config["bootstrap.servers"])
        assert.equal(NOWHERE, config["metadata.broker.list"])
    end)

    it("gives numbers, booleans and texts as such, and defaults where nothing was set", function()
        local config = consumer{}:config()
        assert.equal(45000, config["session.timeout.ms"])
        assert.equal("45000", ("%d"):format(config["session.timeout.ms"]))
        assert.is_true(config["enable.auto.commit"])
        assert.is_false(config["enable.partition.eof"])
        assert.equal("read_committed", config["isolation.level"])
        assert.is_nil(config["sasl.username"])
    end)

    it("has each property that has a default, with that default unless this module differs", function()
        local differs = {
            ["fetch.queue.backoff.ms"] = 10, ["enable.auto.offset.store"] = false,
            ["group.protocol.type"] = "consumer",
        }
        for other_side, client in pairs { producer = consumer{}, consumer = producer{} } do
            local config, topic, seen = client:config(), client:topic_config(), 0
            differs["allow.auto.create.topics"] = other_side == "consumer" -- librdkafka's own difference
            for name, property in pairs(kafka.properties()) do
                local there = property.topic_level and topic or config
                local shown = property.type ~= "CSV flags" and property.type ~= "see dedicated API" and name ~= "enabled_events"
                if shown and property.scope ~= other_side and property.default ~= nil then
                    local expected = differs[name]
                    if expected == nil then expected = property.default end
                    assert.equal(expected, there[name], name)
                    seen = seen + 1
                end
            end
            assert.is_true(seen > 80, seen .. " seen")
        end
    end)

    it("shows the values that this module acts on itself, as they were given", function()
        assert.is_true(producer{ ["delivery.report.only.error"] = true }:config()["delivery.report.only.error"])
        assert.is_false(producer{}:config()["delivery.report.only.error"])
        assert.is_true(consumer{ ["enable.auto.offset.store"] = "true" }:config()["enable.auto.offset.store"])
        assert.is_false(consumer{}:config()["enable.auto.offset.store"])
    end)

    it("has this module's options, given or by default", function()
        local function on_error() end
        local config = producer{ on_error = on_error, exit_timeout = 0, on_log = "none" }:config()
        assert.equal(on_error, config.on_error)
        assert.equal(0, config.exit_timeout)
        assert.equal(10000, config.close_timeout)
        assert.equal("none", config.on_log)
        assert.is_false(config.allow_unsafe_config)
        assert.is_nil(config.on_stats)
        assert.equal("error", config.on_full)
        assert.is_nil(config.ack)
        assert.same({ "auto", 10000 }, { consumer{}:config().ack, consumer{}:config().max_unacked })
        assert.is_nil(consumer{}:config().on_full)
        assert.equal(5000, producer{ partitioner = print }:config().partitioner_timeout)
    end)

    it("names the brokers of a classic client", function()
        local classic = h.track(kafka.consumer(NOWHERE, { "t" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = "earliest" }))
        assert.equal(NOWHERE, classic:config()["bootstrap.servers"])
        assert.equal("g", classic:config()["group.id"])
    end)

    it("never shows a secret, but says that it is set", function()
        local config = producer{
            ["sasl.username"] = "u", ["sasl.password"] = "hunter2", ["ssl.key.password"] = "hunter2", ["sasl.oauthbearer.client.secret"] = "hunter2",
            ["sasl.oauthbearer.config"] = "hunter2", ["ssl.keystore.password"] = "hunter2",
        }:config()
        assert.equal("u", config["sasl.username"])
        for name, value in pairs(config) do assert.is_nil(tostring(value):find("hunter2", 1, true), name) end
        for name, property in pairs(kafka.properties()) do
            if property.secret and config[name] ~= nil then assert.equal("(hidden)", config[name], name) end
        end
        assert.equal("(hidden)", config["sasl.password"])
        assert.equal("(hidden)", config["ssl.key.password"])
        assert.is_nil(config["ssl.key.pem"])
    end)

    it("hands out a table the caller may change", function()
        local p = producer{ exit_timeout = 7 }
        p:config().exit_timeout = 8
        assert.equal(7, p:config().exit_timeout)
    end)

    it("is refused on a closed client, and takes no arguments", function()
        local p = producer{}
        assert.matches("incorrect number of arguments", h.error_of(p.config, p, 1), 1, true)
        p:close(0)
        assert.matches("closed kafka.Producer", h.error_of(p.config, p), 1, true)
        assert.matches("closed kafka.Producer", h.error_of(p.topic_config, p), 1, true)
    end)
end)

describe("topic_config()", function()
    after_each(h.cleanup)

    it("gives the client's topic-level settings", function()
        local config = producer{ acks = 1, ["message.timeout.ms"] = 1234 }:topic_config()
        assert.equal(1, config.acks)
        assert.equal(1, config["request.required.acks"])
        assert.equal(1234, config["message.timeout.ms"])
        assert.equal("consistent_random", config.partitioner)
    end)

    it("gives those of one topic: its own on top of the client's", function()
        local p = producer{ acks = 1 }
        p:create_topic("own", { acks = "all", partitioner = "murmur2" })
        assert.equal(-1, p:topic_config("own").acks)
        assert.equal("murmur2", p:topic_config("own").partitioner)
        assert.equal(1, p:topic_config("other").acks)
        assert.equal(1, p:topic_config().acks)
    end)

    it("gives those in force, when a topic is made again with others, which on_error hears once", function()
        local errors = {}
        local p = producer{ acks = 1, on_error = function(err)
            if err.name == "_CONFLICT" then errors[#errors + 1] = err.message end
        end }
        p:create_topic("t", { acks = 0, ["message.timeout.ms"] = 1234, ["compression.codec"] = "none" })
        for _ = 1, 3 do
            p:destroy_topic("t")
            assert.equal(0, p:topic_config("t").acks)
            p:create_topic("t", { acks = "all", ["message.timeout.ms"] = 1234, ["compression.codec"] = "gzip" })
            assert.equal(0, p:topic_config("t").acks)
            assert.equal("none", p:topic_config("t")["compression.codec"])
        end
        -- Before poll, which may hear that there is nobody to connect to.
        local last = p:last_error()
        p:poll()
        assert.equal(1, #errors)
        assert.equal(errors[1], last.message)
        assert.matches('create_topic changed nothing for topic "t"', errors[1], 1, true)
        assert.matches("acks stays 0 instead of -1", errors[1], 1, true)
        assert.matches("compression.codec stays none instead of gzip", errors[1], 1, true)
        assert.is_nil(errors[1]:find("message.timeout.ms", 1, true))
        assert.matches("create the topic once, with its settings, before its first message, or make another producer", errors[1], 1, true)
    end)

    it("gives those in force, when a topic was used before it was made with others", function()
        local told = 0
        local p = producer{ acks = 1, ["compression.codec"] = "gzip", on_error = function(err)
            if err.name == "_CONFLICT" then told = told + 1 end
        end }
        assert(p:produce("used", "x"))
        p:create_topic("used", { acks = 1, ["compression.codec"] = "gzip" })
        p:poll()
        assert.equal(0, told)
        p:create_topic("used", { acks = 0 })
        p:destroy_topic("used")
        p:create_topic("used", { acks = 0 })
        p:poll()
        assert.equal(1, told)
        assert.equal(1, p:topic_config("used").acks)
        p:close(0)
    end)

    it("is what messages get: those of a topic made again go by its first acks", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local p = h.track(kafka.producer{ ["bootstrap.servers"] = mock:bootstrap_servers() })
        p:create_topic(topic, { acks = "all" })
        p:destroy_topic(topic)
        p:create_topic(topic, { acks = 0 })
        assert.equal(-1, p:topic_config(topic).acks)
        local report = assert(p:produce_sync(topic, "x"))
        assert.same({ "persisted", 0 }, { report.status, report.offset })
    end)

    it("gives a consumer's, from both tables of the classic call", function()
        local c = h.track(kafka.consumer(NOWHERE, { "t" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = "error" }))
        assert.equal("error", c:topic_config()["auto.offset.reset"])
        assert.equal("error", c:topic_config("t")["auto.offset.reset"])
    end)

    it("refuses what cannot be a topic", function()
        local p = producer{}
        assert.matches("bad argument #1 to 'topic_config'", h.error_of(h.chunk("local p = ... p:topic_config('a b')"), p), 1, true)
    end)
end)

describe("kafka.properties", function()
    it("tells accepted values, limits, other names and secrets", function()
        local linger = kafka.properties "linger.ms"
        assert.same({ 0, 900000, 5, "queue.buffering.max.ms" }, { linger.low, linger.high, linger.default, linger.alias_of })
        assert.same({ "none", "gzip", "snappy", "lz4", "zstd" }, kafka.properties("compression.codec").values)
        assert.is_nil(kafka.properties("client.id").values)
        assert.is_nil(kafka.properties("sasl.username").default)
        assert.is_true(kafka.properties("enable.auto.commit").default)
        assert.is_true(kafka.properties("sasl.password").secret)
        assert.is_false(kafka.properties("client.id").secret)
        for name, property in pairs(kafka.properties()) do
            if property.alias_of then assert.is_table(kafka.properties(property.alias_of), name) end
            if property.type == "enum value" then assert.is_true(#property.values >= 2, name) end
        end
    end)
end)

describe("An option of the other side", function()
    it("is refused with the side it belongs to", function()
        local err = h.error_of(kafka.consumer, NOWHERE, { "t" }, { ["group.id"] = "g", on_delivery = print })
        assert.matches("on_delivery", err, 1, true)
        assert.matches("a producer's option", err, 1, true)
    end)
end)
