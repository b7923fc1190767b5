-- Logging in with SASL to Kafka's own listeners: every mechanism, with and without TLS, right and wrong.
local h = require "spec.helper"
local cluster = require "fixture.cluster"
local on_kafka = require "spec.integration.on_kafka"
local secured = require "spec.integration.secured"
local token = require "spec.support.token"

local with = secured.with

-- The brokers of somebody else have no users of ours.
local describe = cluster.external() and function(title)
    pending(title .. " (skipped: the cluster of KAFKA_BROKERS has no SASL listener of the fixture)")
end or describe

describe("a SASL listener of Apache Kafka", function()
    local kafka = on_kafka { nodes = 1, listeners = { "sasl", "sasl_tls", "oauth" } }
    after_each(h.cleanup)

    local function login(mechanism, user, password, more)
        return with({
            ["security.protocol"] = "sasl_plaintext", ["sasl.mechanisms"] = mechanism,
            ["sasl.username"] = user, ["sasl.password"] = password,
        }, more)
    end

    local function bearer(fetch, more)
        return with({
            ["security.protocol"] = "sasl_plaintext", ["sasl.mechanisms"] = "OAUTHBEARER", on_oauth_token = fetch,
        }, more)
    end

    local USERS = {
        { "PLAIN", "alice", "alice-secret" }, { "SCRAM-SHA-256", "scram256", "secret-256" },
        { "SCRAM-SHA-512", "scram512", "secret-512" },
    }

    for _, row in ipairs(USERS) do
        local mechanism, user, password = row[1], row[2], row[3]

        it("serves who logs in with " .. mechanism, function()
            secured.round_trip(kafka, kafka.listeners.sasl, login(mechanism, user, password))
        end)

        it(("serves who logs in with %s over TLS"):format(mechanism), function()
            secured.round_trip(kafka, kafka.listeners.sasl_tls, login(mechanism, user, password, {
                ["security.protocol"] = "sasl_ssl", ["ssl.ca.location"] = kafka.ca,
            }))
        end)

        it("refuses a wrong password for " .. mechanism, function()
            secured.assert_refused(kafka.listeners.sasl, login(mechanism, user, "not-" .. password), "_AUTHENTICATION", "[Aa]uthentication")
        end)
    end

    it("serves the example, and tells it when the password is wrong", function()
        kafka:create_topic("sasl-example", 1)
        local function run(password)
            return h.run("arg[0] = 'examples/sasl_password.lua' dofile(arg[0])", {
                args = { kafka.listeners.sasl, "scram256", password, "SCRAM-SHA-256" },
            })
        end
        local right, wrong = run("secret-256"), run("not-it")
        assert.equal("", right.err)
        assert.matches("delivered by scram256", right.out)
        assert.equal(1, wrong.status)
        assert.matches("_AUTHENTICATION", wrong.err)
    end)

    it("refuses who nobody knows, without showing the password", function()
        local conf = login("PLAIN", "nobody", "a-very-private-word")
        secured.assert_refused(kafka.listeners.sasl, conf, "_AUTHENTICATION", "[Aa]uthentication")
        local producer = h.track(h.kafka.producer(kafka.listeners.sasl, conf))
        h.wait_until(function() producer:poll(50) return producer:last_error() end)
        assert.is_nil(producer:last_error().message:find("private", 1, true))
        assert.equal("(hidden)", producer:config()["sasl.password"])
    end)

    it("refuses a mechanism that it does not have, and says so", function()
        secured.assert_refused(kafka.listeners.oauth, login("PLAIN", "alice", "alice-secret"), "_AUTHENTICATION", "mechanism")
    end)

    it("serves a client whose credentials are set right while it runs", function()
        local topic = kafka:create_topic(h.topic("sasl"), 1)
        local producer = h.track(h.kafka.producer(kafka.listeners.sasl, login("PLAIN", "alice", "old")))
        assert(producer:produce(topic, "kept"))
        h.wait_until(function() producer:poll(50) return producer:last_error() end)
        assert.equal("_AUTHENTICATION", producer:last_error().name)
        assert.is_true(producer:set_sasl_credentials("alice", "alice-secret"))
        assert.is_true(producer:flush(10000))
        assert.equal(1, kafka:count(topic))
    end)

    it("serves who brings a token that a Lua function made", function()
        local asked = {}
        local producer, consumer = secured.round_trip(kafka, kafka.listeners.oauth, bearer(function(config)
            asked[#asked + 1] = config
            return token.new("carol", 300)
        end, { ["sasl.oauthbearer.config"] = "realm=harbour" }))
        assert.same({ "realm=harbour", "realm=harbour" }, asked)
        assert.is_nil(producer:last_error())
        assert.is_nil(consumer:last_error())
    end)

    it("serves a client that asks a question first, before it has a token", function()
        local calls = 0
        local producer = h.track(h.kafka.producer(kafka.listeners.oauth, bearer(function()
            calls = calls + 1
            return token.new("carol", 300)
        end)))
        assert.is_string(producer:cluster_id(5000))
        assert.equal(1, calls)
    end)

    it("serves a producer that has nothing but close to fetch its token in", function()
        local topic = kafka:create_topic(h.topic("sasl"), 1)
        local producer = h.kafka.producer(kafka.listeners.oauth, bearer(function() return token.new("carol", 300) end))
        assert(producer:produce(topic, "last minute"))
        assert.is_true(producer:close(10000))
        assert.equal(1, kafka:count(topic))
    end)

    it("serves a token function that yields, under a wait that yields", function()
        local topic = kafka:create_topic(h.topic("sasl"), 1)
        local yielded = 0
        local producer = h.track(h.kafka.producer(kafka.listeners.oauth, bearer(function()
            yielded = yielded + 1
            coroutine.yield("fetching")
            return token.new("carol", 300)
        end)))
        h.kafka.wrap(producer, function() coroutine.yield("waiting") end)
        assert(producer:produce(topic, "x"))
        local task = coroutine.create(function() return producer:flush(10000) end)
        local seen, ok, result = {}, nil, nil
        while coroutine.status(task) ~= "dead" do
            ok, result = coroutine.resume(task)
            if type(result) == "string" then seen[result] = true end
            h.sleep(0.01)
        end
        h.kafka.wrap(producer, nil)
        assert.is_true(ok, result)
        assert.is_true(result)
        assert.is_true(seen.fetching)
        assert.equal(1, yielded)
    end)

    it("refuses a token that has expired, and says so", function()
        local conf = bearer(function() return token.new("carol", -100, 300) end)
        secured.assert_refused(kafka.listeners.oauth, conf, "_AUTHENTICATION", "[Aa]uthentication")
    end)

    local FAILURES = {
        { "raises", function() error("the token server is away") end, "the token server is away" },
        { "returns nil and why", function() return nil, "no token today" end, "no token today" },
        { "returns nothing", function() end, "returned nothing" },
        { "returns no table", function() return "a token" end, "expected" },
        { "returns a table without a token", function() return { expires_at = 1 } end, "token: a string expected" },
        { "counts seconds", function() return { token = "a.b.", expires_at = os.time() + 60 } end, "milliseconds" },
        { "returns a table that raises", function()
            return setmetatable({}, { __index = function() error("no such field") end })
        end, "no such field" },
    }

    for _, row in ipairs(FAILURES) do
        it(("makes a token function that %s an error of the client, which lives on"):format(row[1]), function()
            local heard = {}
            local conf = bearer(row[2], { on_error = function(err) heard[#heard + 1] = err end })
            local producer = h.track(h.kafka.producer(kafka.listeners.oauth, conf))
            h.wait_until(function() producer:poll(50) return heard[1] end, 5)
            assert.equal("_AUTHENTICATION", heard[1].name)
            assert.is_truthy(heard[1].message:find(row[3], 1, true), heard[1].message)
            assert.is_truthy(heard[1].message:find("OAUTHBEARER token", 1, true), heard[1].message)
            local consumer = h.track(h.kafka.consumer(kafka.listeners.oauth, { "never:0" }, with(conf, { ["group.id"] = "g" })))
            local _, err
            h.wait_until(function() _, err = consumer:poll(50) return err end, 5)
            assert.equal("_AUTHENTICATION", err.name)
        end)
    end

    it("asks a token function that failed again by itself", function()
        local topic, calls = kafka:create_topic(h.topic("sasl"), 1), 0
        local producer = h.track(h.kafka.producer(kafka.listeners.oauth, bearer(function()
            calls = calls + 1
            if calls == 1 then error("the token server is away") end
            return token.new("carol", 300)
        end)))
        assert(producer:produce(topic, "kept"))
        assert.is_true(producer:flush(25000))
        assert.equal(2, calls)
        assert.equal(1, kafka:count(topic))
    end)
end)
