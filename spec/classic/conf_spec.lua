-- The classic conf tables: what may stand in them, in which order they are checked, and what a refusal says.
local h = require "spec.helper"
local kafka = h.kafka

local unpack = rawget(_G, "unpack") or table.unpack

-- Calls the constructor from Lua code, so that a position would show.
local function refusal(name, ...)
    return h.error_of(h.chunk("local kafka = ...\nlocal it = kafka." .. name .. "(select(2, ...))"), kafka, ...)
end

local function without_newline(text) return (text:gsub("%s+$", "")) end

describe("a classic conf", function()
    after_each(h.cleanup)

    it("must have string keys, and says so without a position [8]", function()
        assert.are.equal("invalid config key type: number", refusal("producer", h.nowhere, { "x" }))
        assert.are.equal("invalid config key type: boolean", refusal("producer", h.nowhere, { [true] = "x" }))
        assert.are.equal("invalid config key type: table", refusal("consumer", h.nowhere, { "t" }, { [{}] = 1 }))
    end)

    it("must have strings, numbers or booleans as values, and says so without a position [8]", function()
        for _, value in ipairs { {}, print, coroutine.create(function() end) } do
            assert.are.equal("invalid config value type: " .. type(value),
                refusal("producer", h.nowhere, { ["client.id"] = value }))
        end
        assert.are.equal("invalid config value type: userdata",
            refusal("consumer", h.nowhere, { "t" }, { ["client.id"] = io.stdout }))
    end)

    it("has the key checked before the value [8]", function()
        assert.are.equal("invalid config key type: number", refusal("producer", h.nowhere, { {} }))
    end)

    it("is checked the same way where it is a topic's [8]", function()
        local p = h.track(kafka.producer(h.nowhere))
        local user = h.chunk("local p, conf = ...\np:create_topic('t', conf)")
        assert.are.equal("invalid config key type: number", h.error_of(user, p, { "x" }))
        assert.are.equal("invalid config value type: table", h.error_of(user, p, { ["acks"] = {} }))
        assert.are.equal("invalid config key type: number",
            refusal("consumer", h.nowhere, { "t" }, { ["group.id"] = "g" }, { "x" }))
        assert.are.equal("invalid config value type: function",
            refusal("consumer", h.nowhere, { "t" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = print }))
    end)

    -- Red when the table of a topic does not know what is the client's.
    it("says where a client's callback belongs when a topic is given it", function()
        local p = h.track(kafka.producer(h.nowhere))
        local function text(name)
            return "invalid config value type: function; option " .. name
                .. " is the client's: give it in the client's conf, not among a topic's properties"
        end
        assert.are.equal(text "on_delivery", h.error_of(p.create_topic, p, "t", { on_delivery = print }))
        assert.are.equal(text "on_error",
            refusal("consumer", h.nowhere, { "t" }, { ["group.id"] = "g" }, { on_error = print }))
    end)

    it("may hold our own options, which librdkafka never sees [8]", function()
        local function nothing() end
        h.track(kafka.producer(h.nowhere, {
            on_error = nothing, on_log = nothing, on_delivery = nothing, exit_timeout = 100, close_timeout = 100,
        }))
        h.track(kafka.consumer(h.nowhere, { "t" }, { ["group.id"] = "g", on_error = nothing, close_timeout = 100 }))
    end)

    it("takes numbers and booleans, also a whole number that is a float [8]", function()
        h.track(kafka.producer(h.nowhere, {
            ["queue.buffering.max.messages"] = 2e4, ["batch.num.messages"] = 200, ["socket.keepalive.enable"] = true,
            ["log.connection.close"] = false,
        }))
    end)

    it("takes a property of the other kind of client, as librdkafka does [8]", function()
        h.track(kafka.producer(h.nowhere, { ["group.id"] = "g" }))
        h.track(kafka.consumer(h.nowhere, { "t" }, { ["group.id"] = "g", ["linger.ms"] = 5 }))
    end)

    it("reports a rejected value in librdkafka's words and without a position [9]", function()
        assert.are.equal('Failed to set batch.num.messages = 0 : Configuration property "batch.num.messages" value 0 '
            .. "is outside allowed range 1..1000000", without_newline(refusal("producer", h.nowhere, { ["batch.num.messages"] = 0 })))
        assert.are.equal('Failed to set socket.keepalive.enable = maybe : Expected bool value for '
            .. '"socket.keepalive.enable": true or false',
            without_newline(refusal("producer", h.nowhere, { ["socket.keepalive.enable"] = "maybe" })))
        assert.are.equal('Failed to set compression.codec = brotli : Invalid value "brotli" for configuration property '
            .. '"compression.codec"; accepted: none, gzip, snappy, lz4 or zstd',
            without_newline(refusal("producer", h.nowhere, { ["compression.codec"] = "brotli" })))
        assert.are.equal('Failed to set queued.min.messages = -1 : Configuration property "queued.min.messages" value -1 '
            .. "is outside allowed range 1..10000000",
            without_newline(refusal("consumer", h.nowhere, { "t" }, { ["group.id"] = "g", ["queued.min.messages"] = -1 })))
    end)

    it("reports a rejected topic property the same way, wherever it was given [9]", function()
        local sentence = 'Failed to set message.timeout.ms = -7 : Configuration property "message.timeout.ms" value -7 '
            .. "is outside allowed range 0..2147483647"
        assert.are.equal(sentence, without_newline(refusal("producer", h.nowhere, { ["message.timeout.ms"] = -7 })))
        local p = h.track(kafka.producer(h.nowhere))
        assert.are.equal(sentence,
            without_newline(h.error_of(h.chunk("local p = ...\np:create_topic('t', {['message.timeout.ms'] = -7})"), p)))
        assert.are.equal('Failed to set auto.offset.reset = never : Invalid value "never" for configuration property "auto.offset.reset"; '
            .. "accepted: smallest, earliest, beginning, largest, latest, end or error",
            without_newline(refusal("consumer", h.nowhere, { "t" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = "never" })))
    end)

    it("reports an unknown property in librdkafka's words, and names the nearest known one [9]", function()
        local err = refusal("producer", h.nowhere, { ["queue.buffering.max.mesages"] = 1 })
        assert.are.equal(1, (err:find("Failed to set queue.buffering.max.mesages = 1 : No such configuration property: "
            .. '"queue.buffering.max.mesages"', 1, true)), err)
        assert.truthy(err:find("queue.buffering.max.messages", 1, true), err)
    end)

    it("names the property that begins with an unknown one, and for a topic one that topics have [9]", function()
        local err = refusal("producer", h.nowhere, { linger = 5 })
        assert.truthy(err:find('did you mean "linger.ms"?', 1, true), err)
        local p = h.track(kafka.producer(h.nowhere))
        err = h.error_of(p.create_topic, p, "t", { ack = 1 })
        assert.truthy(err:find('did you mean "acks"?', 1, true), err)
        err = h.error_of(p.create_topic, p, "t", { ["lnger.ms"] = 1 })
        assert.is_nil(err:find("linger", 1, true), err)
    end)

    it("may spell properties in the old ways [16]", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local p = h.track(kafka.producer(h.nowhere, {
            ["metadata.broker.list"] = mock:bootstrap_servers(), ["request.required.acks"] = 1, ["queue.buffering.max.ms"] = 1,
        }))
        p:create_topic(topic, { ["request.required.acks"] = -1, ["delivery.timeout.ms"] = 9000 })
        assert.are.equal(0, p:send(topic, 0, 1, "old"))
        assert.is_true(p:flush(10000))
        local c = h.track(kafka.consumer(mock:bootstrap_servers(), { topic .. ":0" }, { ["group.id"] = h.topic("g") },
            { ["auto.offset.reset"] = "smallest" }))
        assert.are.equal("old", h.receive(c)[1])
    end)
end)

describe("a constructor's checks", function()
    after_each(h.cleanup)
    local contradiction = { ["enable.idempotence"] = true, ["max.in.flight"] = 10 } -- only rd_kafka_new sees it

    -- Text of a refusal whose position the old document leaves open.
    local function text(name, ...) return (refusal(name, ...):gsub("^user%.lua:2: ", "")) end

    it("start with the arguments, then conf, for a producer [10]", function()
        assert.are.equal("user.lua:2: bad argument #3 to 'producer' (incorrect number of arguments)",
            refusal("producer", "", { "x" }, 1))
        assert.are.equal("invalid config key type: number",
            refusal("producer", "", { "x", ["enable.idempotence"] = true, ["max.in.flight"] = 10 }))
    end)

    it("go on with librdkafka's own verdict on the whole [10]", function()
        assert.are.equal("rd_kafka_new failed: `max.in.flight` must be set <= 5 when `enable.idempotence` is true",
            text("producer", h.nowhere, contradiction))
        assert.are.equal("rd_kafka_new failed: `max.in.flight` must be set <= 5 when `enable.idempotence` is true",
            text("producer", "", contradiction))
    end)

    it("end with the broker list, and say so at the caller [10]", function()
        assert.are.equal("user.lua:2: invalid broker list", refusal("producer", ""))
        assert.are.equal("user.lua:2: invalid broker list", refusal("producer", "", { ["bootstrap.servers"] = h.nowhere }))
        assert.are.equal("invalid broker list", h.error_of(kafka.producer, ""))
        assert.are.equal("user.lua:2: invalid broker list", refusal("consumer", "", { "t" }, { ["group.id"] = "g" }))
    end)

    it("of a consumer come in the old module's order [11]", function()
        local bad, group = { [1] = 2 }, { ["group.id"] = "g" }
        local never = { ["group.id"] = "g", ["max.poll.interval.ms"] = 1000, ["session.timeout.ms"] = 6000 }
        local mixed = { "one", item = "x" }
        local cases = {
            { "bad argument #5 to 'consumer' (incorrect number of arguments)", "", {}, bad, bad, 1 },
            { "bad argument #2 to 'consumer' (the topics array is empty)", "", {}, bad, bad },
            { "invalid config key type: number", "", mixed, bad, bad },
            { "group.id must be set", "", mixed, {}, bad },
            { "group.id must be set", "", mixed, { ["group.id"] = "" }, bad },
            { "invalid config key type: number", "", mixed, never, bad },
            { "rd_kafka_new failed: `max.poll.interval.ms`must be >= `session.timeout.ms`", "", mixed, never, {} },
            { "invalid broker list", "", mixed, group, {} },
            { "topics must be an array of strings", h.nowhere, mixed, group, {} },
        }
        for _, case in ipairs(cases) do
            assert.are.equal(case[1], text("consumer", unpack(case, 2)))
        end
    end)
end)

describe("the broker list", function()
    after_each(h.cleanup)

    it("is added to the brokers of conf, and does not replace them [12]", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        for _, key in ipairs { "bootstrap.servers", "metadata.broker.list" } do
            for _, order in ipairs { { h.nowhere, mock:bootstrap_servers() }, { mock:bootstrap_servers(), h.nowhere } } do
                local p = h.track(kafka.producer(order[1], { [key] = order[2] }))
                p:create_topic(topic)
                assert.are.equal(0, p:send(topic, 0, 1, "m"))
                assert.is_true(p:flush(10000))
            end
        end
    end)
end)
