-- TLS against Kafka's own listener, with a CA of the test's own: accepted when it is given, refused by every default.
local h = require "spec.helper"
local cluster = require "fixture.cluster"
local on_kafka = require "spec.integration.on_kafka"

-- The brokers of somebody else have no certificates of ours.
local describe = cluster.external() and function(title)
    pending(title .. " (skipped: the cluster of KAFKA_BROKERS has no TLS listener of the fixture)")
end or describe

describe("a TLS listener of Apache Kafka", function()
    local kafka = on_kafka { nodes = 1, listeners = { "tls", "tls_wrong_host", "tls_expired", "tls_other_ca" } }
    after_each(h.cleanup)

    local function text_of(path)
        local file = assert(io.open(path))
        local text = file:read("*a")
        file:close()
        return text
    end

    local function settings(more)
        local conf = { ["security.protocol"] = "ssl" }
        for key, value in pairs(more or {}) do conf[key] = value end
        return conf
    end

    -- One message there and back over `brokers` with these settings.
    local function round_trip(brokers, conf)
        local topic = kafka:create_topic(h.topic("tls"), 1)
        local producer = h.track(h.kafka.producer(brokers, conf))
        producer:create_topic(topic)
        assert.equal(0, producer:send(topic, 0, 1, "a secret"))
        assert(producer:flush(10000))
        local reader = settings(conf)
        reader["group.id"], reader["auto.offset.reset"] = h.topic("group"), "earliest"
        local consumer = h.track(h.kafka.consumer(brokers, { topic }, reader))
        assert.equal("a secret", h.receive(consumer)[1])
    end

    -- The error a producer hears about within five seconds; nothing may be delivered meanwhile.
    local function refusal(brokers, conf)
        local heard = {}
        conf.on_error = function(err) heard[#heard + 1] = err end
        local producer, started = h.track(h.kafka.producer(brokers, conf)), h.now()
        assert(producer:produce("never", "a secret"))
        while not heard[1] and h.now() - started < 5 do producer:poll(100) end
        assert.is_truthy(heard[1], "no error within 5 s")
        assert.equal(heard[#heard].code, producer:last_error().code)
        assert.equal(1, #producer)
        producer:close(0)
        return heard[1]
    end

    local function assert_refused(brokers, conf, pattern)
        local err = refusal(brokers, settings(conf))
        assert.equal("_SSL", err.name)
        assert.matches(pattern or "certificate verify failed", err.message)
    end

    it("serves clients that are given its CA by ssl.ca.location", function()
        round_trip(kafka.tls_brokers, settings { ["ssl.ca.location"] = kafka.ca })
    end)

    it("serves clients that are given its CA by ssl.ca.pem", function()
        round_trip(kafka.tls_brokers, settings { ["ssl.ca.pem"] = text_of(kafka.ca) })
    end)

    it("is refused by default, for the system's store does not know our CA", function()
        assert_refused(kafka.tls_brokers, {})
    end)

    it("is refused when another CA is given, by file or by text", function()
        local other = kafka.certificates .. "/other-ca.pem"
        assert_refused(kafka.tls_brokers, { ["ssl.ca.location"] = other })
        assert_refused(kafka.tls_brokers, { ["ssl.ca.pem"] = text_of(other) })
    end)

    it("is refused when its certificate is for another host, and served when that check is switched off", function()
        local brokers = kafka.listeners.tls_wrong_host
        assert_refused(brokers, { ["ssl.ca.location"] = kafka.ca })
        round_trip(brokers, settings {
            ["ssl.ca.location"] = kafka.ca, ["ssl.endpoint.identification.algorithm"] = "none",
        })
    end)

    it("is refused when its certificate is out of date", function()
        assert_refused(kafka.listeners.tls_expired, { ["ssl.ca.location"] = kafka.ca })
    end)

    it("is refused when somebody else signed it, and served when that one is trusted", function()
        local brokers = kafka.listeners.tls_other_ca
        assert_refused(brokers, { ["ssl.ca.location"] = kafka.ca })
        round_trip(brokers, settings { ["ssl.ca.location"] = kafka.certificates .. "/other-ca.pem" })
    end)

    it("gives a consumer the same error, from receive and from on_error", function()
        local heard = {}
        local consumer = h.track(h.kafka.consumer(kafka.tls_brokers, { "never" }, settings {
            ["group.id"] = h.topic("group"),
            on_error = function(err) heard[#heard + 1] = err end,
        }))
        local started, err = h.now(), nil
        while not err and h.now() - started < 5 do
            local _
            _, _, _, _, err = consumer:receive()
        end
        assert.is_truthy(err, "no error within 5 s")
        assert.equal("_SSL", err.name)
        assert.matches("certificate verify failed", err.message)
        assert.equal("_SSL", heard[1].name)
        assert.equal("_SSL", consumer:last_error().name)
    end)

    it("names the file when ssl.ca.location does not exist", function()
        local err = h.error_of(h.kafka.producer, kafka.tls_brokers, settings { ["ssl.ca.location"] = "/nowhere/ca.pem" })
        assert.matches("/nowhere/ca.pem", err, 1, true)
    end)
end)
