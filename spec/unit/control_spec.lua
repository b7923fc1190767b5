-- What a running client can be told, and what it tells of itself without asking anybody.
local h = require "spec.helper"
local kafka = h.kafka

local function clients(brokers, conf)
    local settings = { ["group.id"] = h.topic("group") }
    for key, value in pairs(conf or {}) do settings[key] = value end
    return {
        h.track(kafka.producer(brokers, conf)),
        h.track(kafka.consumer(brokers, { "told:0" }, settings)),
    }
end

describe("Every client", function()
    after_each(h.cleanup)

    it("starts from brokers that are added to it later", function()
        local mock = h.mock { topics = { told = 1 } }
        for _, client in ipairs(clients(h.nowhere)) do
            assert.equal(1, client:add_brokers(mock:bootstrap_servers()))
            assert.is_string((client:cluster_id(10000)))
            assert.equal(2, client:add_brokers("127.0.0.1:2,127.0.0.1:3"))
            assert.matches("no broker was understood", h.error_of(client.add_brokers, client, ""))
        end
    end)

    it("shows what librdkafka knows of it", function()
        local mock = h.mock { topics = { told = 1 } }
        for _, client in ipairs(clients(mock:bootstrap_servers(), { ["sasl.password"] = "very-private" })) do
            assert(client:watermarks("told", 0))
            local text = client:dump()
            assert.is_truthy(text:find(client:name(), 1, true), text)
            assert.is_truthy(text:find(mock:bootstrap_servers(), 1, true), text)
            assert.is_nil(text:find("very-private", 1, true))
        end
    end)

    it("has no statistics before the first, and the latest from then on", function()
        local mock = h.mock { topics = { told = 1 } }
        for _, client in ipairs(clients(mock:bootstrap_servers(), { ["statistics.interval.ms"] = 50 })) do
            h.wait_until(function() return client:stats() end)
            local first = client:stats()
            assert.equal(client:name(), first.name)
            assert.is_table(first.brokers)
            h.wait_until(function() return client:stats().ts > first.ts end)
        end
        assert.is_nil(clients(mock:bootstrap_servers())[1]:stats())
    end)

    it("gives statistics to on_stats as well, as a table and as they came", function()
        local mock = h.mock { topics = { told = 1 } }
        local heard
        local producer = h.track(kafka.producer(mock:bootstrap_servers(), {
            ["statistics.interval.ms"] = 50, on_stats = function(found, json) heard = { found, json } end,
        }))
        h.wait_until(function() producer:poll(20) return heard end)
        assert.equal(producer:name(), heard[1].name)
        assert.is_truthy(heard[2]:find('"name": ?"' .. producer:name():gsub("%p", "%%%0") .. '"'))
        assert.is_true(producer:stats().ts >= heard[1].ts)
    end)

    it("tells log lines from the level on that it is told", function()
        local lines = 0
        local producer = h.track(kafka.producer(h.nowhere, {
            ["reconnect.backoff.ms"] = 10, ["reconnect.backoff.max.ms"] = 20, debug = "broker",
            on_log = function() lines = lines + 1 end,
        }))
        h.wait_until(function() producer:poll(20) return lines > 0 end)
        assert.is_true(producer:set_log_level("emerg"))
        producer:poll(0)
        producer:poll(50)
        producer:poll(0)
        lines = 0
        local begun = h.now()
        while h.now() - begun < 0.3 do producer:poll(20) end
        assert.equal(0, lines)
        assert.is_true(producer:set_log_level("debug"))
        h.wait_until(function() producer:poll(20) return lines > 0 end)
        assert.matches('did you mean "debug"', h.error_of(producer.set_log_level, producer, "debgu"))
    end)

    it("takes other credentials, and shows them nowhere", function()
        for _, client in ipairs(clients(h.nowhere)) do
            assert.is_true(client:set_sasl_credentials("user", "very-private"))
            for _, value in pairs(client:config()) do assert.not_equal("very-private", value) end
            assert.is_nil(tostring(client):find("private", 1, true))
            local err = h.error_of(client.set_sasl_credentials, client, "user", "very\0private")
            assert.is_nil(err:find("private", 1, true))
        end
    end)
end)
