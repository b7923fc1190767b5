-- A listener that lets nobody stay longer than two seconds without logging in again: who keeps working loses nothing.
local h = require "spec.helper"
local cluster = require "fixture.cluster"
local on_kafka = require "spec.integration.on_kafka"
local secured = require "spec.integration.secured"
local token = require "spec.support.token"

local with = secured.with

-- The brokers of somebody else do not ask again.
local describe = cluster.external() and function(title)
    pending(title .. " (skipped: the cluster of KAFKA_BROKERS has no such listener of the fixture)")
end or describe

describe("a listener that asks for the login again every two seconds", function()
    local kafka = on_kafka { nodes = 1, listeners = { "reauthenticate" } }
    after_each(h.cleanup)

    -- On a new cluster a group's coordinator is made and loaded by the first who asks, who hears of that; so nobody counts yet.
    local function load_coordinator(topic)
        local first = h.track(h.kafka.consumer { ["bootstrap.servers"] = kafka.brokers, ["group.id"] = topic })
        h.wait_until(function() return first:commit { { topic = topic, partition = 0, offset = 0 } } end, 15, "the first commit")
        assert(first:close())
    end

    -- Produces and consumes for `seconds`. Every message must be delivered once and be read once, in order.
    -- Returns how often the clients logged in again; `meanwhile` runs every round.
    local function work(seconds, conf, meanwhile)
        local topic = kafka:create_topic(h.topic("reauth"), 1)
        load_coordinator(topic)
        local again, failed, reported, errors = 0, {}, 0, {}
        local common = with({
            ["security.protocol"] = "sasl_plaintext", debug = "security",
            on_log = function(line)
                if line.facility == "REAUTH" or line.message:find("reauthenticat", 1, true) then again = again + 1 end
            end,
            on_error = function(err) errors[#errors + 1] = err.name end,
        }, conf)
        local producer = h.track(h.kafka.producer(kafka.listeners.reauthenticate, with(common, {
            ["enable.idempotence"] = true, ["linger.ms"] = 1,
            on_delivery = function(err)
                reported = reported + 1
                failed[#failed + 1] = err
            end,
        })))
        local consumer = h.track(h.kafka.consumer(kafka.listeners.reauthenticate, { topic .. ":0" }, with(common, {
            ["group.id"] = topic, ["auto.offset.reset"] = "earliest",
        })))
        local sent, read, begun = 0, 0, h.now()
        local function take()
            for _, message in ipairs(consumer:poll_batch(1000, 0) or {}) do
                assert.equal(tostring(read + 1), message.value)
                read = read + 1
            end
        end
        while h.now() - begun < seconds do
            for _ = 1, 10 do
                assert(producer:produce(topic, tostring(sent + 1)))
                sent = sent + 1
            end
            producer:poll(5)
            take()
            if meanwhile then meanwhile(producer, consumer, h.now() - begun) end
        end
        assert.is_true(producer:flush(15000))
        h.wait_until(function() take() return read >= sent end, 15)
        take()
        assert.same({}, failed)
        assert.equal(sent, reported)
        assert.equal(sent, read)
        assert.equal(sent, kafka:count(topic))
        assert.is_true(sent > 500, sent)
        return again, errors
    end

    local function login(mechanism, user, password)
        return { ["sasl.mechanisms"] = mechanism, ["sasl.username"] = user, ["sasl.password"] = password }
    end

    for _, row in ipairs {
        { "PLAIN", "alice", "alice-secret" }, { "SCRAM-SHA-256", "scram256", "secret-256" },
        { "SCRAM-SHA-512", "scram512", "secret-512" },
    } do
        it(("gets it with %s, and no message is lost or doubled"):format(row[1]), function()
            local again, errors = work(4, login(row[1], row[2], row[3]))
            assert.is_true(again >= 2, again)
            assert.same({}, errors)
        end)
    end

    it("gets fresh tokens out of Lua, and no message is lost or doubled", function()
        -- librdkafka looks once a second whether four fifths of a token's time are over; after seven seconds the
        -- broker takes none but a fresh one.
        local tokens = 0
        local again, errors = work(8, {
            ["sasl.mechanisms"] = "OAUTHBEARER",
            on_oauth_token = function()
                tokens = tokens + 1
                return token.new("carol", 7, 6)
            end,
        })
        assert.is_true(again >= 4, again)
        assert.is_true(tokens >= 4, tokens)
        assert.same({}, errors)
    end)

    it("refuses a password that has become wrong, and goes on with the right one, and nothing is lost", function()
        local set, right = false, false
        local _, errors = work(6, login("PLAIN", "alice", "alice-secret"), function(producer, _, passed)
            if passed > 2 and not set then set = producer:set_sasl_credentials("alice", "wrong") end
            if passed > 4.5 and not right then
                right = producer:set_sasl_credentials("alice", "alice-secret")
                assert.equal("_AUTHENTICATION", producer:last_error().name)
            end
        end)
        assert.equal("_AUTHENTICATION", errors[1])
    end)
end)
