-- TLS against Kafka's own listeners, with a CA of the test's own: accepted when it is given, refused by every default.
local h = require "spec.helper"
local cluster = require "fixture.cluster"
local on_kafka = require "spec.integration.on_kafka"
local secured = require "spec.integration.secured"

local with, text_of = secured.with, secured.text_of

-- The brokers of somebody else have no certificates of ours.
local describe = cluster.external() and function(title)
    pending(title .. " (skipped: the cluster of KAFKA_BROKERS has no TLS listener of the fixture)")
end or describe

describe("a TLS listener of Apache Kafka", function()
    local kafka = on_kafka { nodes = 1, listeners = {
        "tls", "tls_wrong_host", "tls_expired", "tls_other_ca", "tls_self_signed", "mutual_tls",
    } }
    after_each(h.cleanup)

    local function file(name) return kafka.certificates .. "/" .. name end
    local function settings(more) return with({ ["security.protocol"] = "ssl" }, more) end
    local function trusting(more) return settings(with({ ["ssl.ca.location"] = kafka.ca }, more)) end

    local function assert_refused(brokers, conf, pattern)
        secured.assert_refused(brokers, conf, "_SSL", pattern or "certificate verify failed")
    end

    it("serves clients that are given its CA by ssl.ca.location", function()
        secured.round_trip(kafka, kafka.tls_brokers, trusting())
    end)

    it("serves clients that are given its CA by ssl.ca.pem", function()
        secured.round_trip(kafka, kafka.tls_brokers, settings { ["ssl.ca.pem"] = text_of(kafka.ca) })
    end)

    it("is refused by default, for the system's store does not know our CA", function()
        assert_refused(kafka.tls_brokers, settings())
    end)

    it("is refused when another CA is given, by file or by text", function()
        assert_refused(kafka.tls_brokers, settings { ["ssl.ca.location"] = file "other-ca.pem" })
        assert_refused(kafka.tls_brokers, settings { ["ssl.ca.pem"] = text_of(file "other-ca.pem") })
    end)

    it("is refused when its certificate is for another host, and served when that check is switched off", function()
        local brokers = kafka.listeners.tls_wrong_host
        assert_refused(brokers, trusting())
        secured.round_trip(kafka, brokers, trusting { ["ssl.endpoint.identification.algorithm"] = "none" })
    end)

    it("is refused when its certificate is out of date", function()
        assert_refused(kafka.listeners.tls_expired, trusting())
    end)

    it("is refused when nobody signed its certificate but itself, and served when that one is trusted", function()
        assert_refused(kafka.listeners.tls_self_signed, trusting())
        secured.round_trip(kafka, kafka.listeners.tls_self_signed, settings { ["ssl.ca.location"] = file "self-signed.pem" })
    end)

    it("is refused when somebody else signed it, and served when that one is trusted", function()
        local brokers = kafka.listeners.tls_other_ca
        assert_refused(brokers, trusting())
        secured.round_trip(kafka, brokers, settings { ["ssl.ca.location"] = file "other-ca.pem" })
    end)

    it("that asks for the client's certificate serves who shows one, by file or by text", function()
        secured.round_trip(kafka, kafka.listeners.mutual_tls, trusting {
            ["ssl.certificate.location"] = file "client.pem", ["ssl.key.location"] = file "client.key",
        })
        secured.round_trip(kafka, kafka.listeners.mutual_tls, settings {
            ["ssl.ca.pem"] = text_of(kafka.ca),
            ["ssl.certificate.pem"] = text_of(file "client.pem"), ["ssl.key.pem"] = text_of(file "client.key"),
        })
    end)

    it("that asks for the client's certificate refuses who has none, or a stranger's", function()
        assert_refused(kafka.listeners.mutual_tls, trusting(), "certificate")
        assert_refused(kafka.listeners.mutual_tls, trusting {
            ["ssl.certificate.location"] = file "client-stranger.pem", ["ssl.key.location"] = file "client-stranger.key",
        }, "certificate")
    end)

    it("shows no secret in the error when a key does not fit its certificate", function()
        local key = text_of(file "server.key")
        local err = h.error_of(h.kafka.producer, kafka.tls_brokers, settings {
            ["ssl.ca.location"] = kafka.ca, ["ssl.certificate.pem"] = text_of(file "client.pem"), ["ssl.key.pem"] = key,
        })
        assert.is_nil(err:find(key:match("\n(%w%w%w%w%w%w%w%w)"), 1, true))
        assert.matches("key", err)
    end)

    it("names the file when ssl.ca.location does not exist", function()
        local err = h.error_of(h.kafka.producer, kafka.tls_brokers, settings { ["ssl.ca.location"] = "/nowhere/ca.pem" })
        assert.matches("/nowhere/ca.pem", err, 1, true)
    end)
end)
