-- Where the function that fetches tokens runs, and what becomes of its failures. It is asked for a token as soon as
-- a client is made, so that no broker is needed; spec/integration/sasl_spec.lua logs in with one.
local h = require "spec.helper"
local token = require "spec.support.token"
local kafka = h.kafka

local function conf(fetch, more)
    local settings = {
        ["security.protocol"] = "sasl_plaintext", ["sasl.mechanisms"] = "OAUTHBEARER", on_oauth_token = fetch,
    }
    for key, value in pairs(more or {}) do settings[key] = value end
    return settings
end

local function producer(fetch, more) return h.track(kafka.producer(h.nowhere, conf(fetch, more))) end

local function consumer(fetch, more)
    local settings = conf(fetch, more)
    settings["group.id"] = "g"
    return h.track(kafka.consumer(h.nowhere, { "t:0" }, settings))
end

describe("on_oauth_token", function()
    after_each(h.cleanup)

    for name, serve in pairs {
        poll = function(fetch) producer(fetch):poll(5000) end,
        flush = function(fetch)
            local p = producer(fetch)
            p:produce("t", "x")
            p:flush(300)
        end,
        close = function(fetch)
            local p = kafka.producer(h.nowhere, conf(fetch))
            p:produce("t", "x")
            p:close(300)
        end,
        ["a question"] = function(fetch) producer(fetch):cluster_id(300) end,
        ["the consumer's close"] = function(fetch)
            local settings = conf(fetch)
            settings["group.id"] = "g"
            kafka.consumer(h.nowhere, { "t:0" }, settings):close(500)
        end,
        receive = function(fetch) consumer(fetch):receive() end,
        ["the consumer's poll"] = function(fetch) consumer(fetch):poll(300) end,
        poll_batch = function(fetch) consumer(fetch):poll_batch(10, 300) end,
        receive_batch = function(fetch) consumer(fetch):receive_batch(10, 300) end,
        ["the consumer's question"] = function(fetch) consumer(fetch):metadata { timeout = 300 } end,
    } do
        it("is served by " .. name, function()
            local calls = 0
            serve(function()
                calls = calls + 1
                return token.new("carol", 300)
            end)
            assert.equal(1, calls)
        end)
    end

    -- Without it librdkafka asks nobody, for ever, and says nothing of it.
    it("must be there to log in with tokens, unless librdkafka fetches them itself", function()
        for _, name in ipairs { "sasl.mechanisms", "sasl.mechanism" } do
            local settings = { ["security.protocol"] = "SASL_SSL", [name] = "OAUTHBEARER", ["group.id"] = "g" }
            for _, make in ipairs {
                function() return h.track(kafka.producer(h.nowhere, settings)) end,
                function() return h.track(kafka.consumer(h.nowhere, { "t:0" }, settings)) end,
                function() return h.track(kafka.session(settings)):producer { ["bootstrap.servers"] = h.nowhere } end,
            } do
                local err = h.error_of(make)
                assert.truthy(err:find(name .. " = OAUTHBEARER", 1, true) and err:find("on_oauth_token", 1, true), err)
            end
        end
        h.track(h.track(kafka.session(conf(nil))):producer { ["bootstrap.servers"] = h.nowhere, on_oauth_token = function() end })
        producer(nil, { ["enable.sasl.oauthbearer.unsecure.jwt"] = true, ["sasl.oauthbearer.config"] = "principal=x" })
        producer(nil, { ["sasl.oauthbearer.method"] = "oidc", ["sasl.oauthbearer.client.id"] = "x", ["sasl.oauthbearer.client.secret"] = "x",
            ["sasl.oauthbearer.token.endpoint.url"] = "http://127.0.0.1:1/token" })
        producer(nil, { ["security.protocol"] = "plaintext" })
    end)

    it("gets what sasl.oauthbearer.config says", function()
        local config
        producer(function(text) config = text return token.new("carol", 300) end, { ["sasl.oauthbearer.config"] = "a=b" }):poll(5000)
        assert.equal("a=b", config)
    end)

    it("makes the descriptor readable when a token is wanted", function()
        local loop = require "spec.input.loop"
        local calls = 0
        local p = producer(function() calls = calls + 1 return token.new("carol", 300) end)
        assert.is_true(loop.readable(p:pollfd(), 5000))
        h.wait_until(function() p:poll(0) return calls == 1 end)
    end)

    it("is asked again before a token is too old", function()
        local calls = 0
        local p = producer(function() calls = calls + 1 return token.new("carol", 300, 2) end)
        h.wait_until(function() p:poll(50) return calls >= 2 end, 10)
        assert.is_true(calls >= 2)
    end)

    it("may give extensions, which are checked", function()
        local heard
        local function fetch()
            local found = token.new("carol", 300)
            found.extensions = { ["not a name"] = "x" }
            return found
        end
        local p = producer(fetch, { on_error = function(err) heard = heard or err end })
        h.wait_until(function() p:poll(50) return heard end)
        assert.equal("_AUTHENTICATION", heard.name)
        assert.is_truthy(heard.message:find("extension", 1, true), heard.message)
    end)

    for what, row in pairs {
        ["raises"] = { function() error("away", 0) end, "on_oauth_token raised: away" },
        ["raises what cannot be printed"] = {
            function() error(setmetatable({}, { __tostring = function() error("no") end })) end, "cannot be printed",
        },
        ["returns nil and why"] = { function() return nil, "away" end, "away" },
        ["returns a number"] = { function() return 7 end, "got number" },
        ["returns no expiry"] = { function() return { token = "a" } end, "expires_at: a number expected" },
        ["returns a fraction"] = { function() return { token = "a", expires_at = 1.5 } end, "expires_at" },
        ["returns seconds"] = { function() return { token = "a", expires_at = os.time() + 9 } end, "os.time() seconds" },
        ["returns an old token"] = { function() return token.new("carol", -5) end, "unexpired" },
        ["returns a NUL"] = { function() return { token = "a\0b", expires_at = (os.time() + 9) * 1000 } end, "NUL" },
    } do
        it(("that %s is an error of the client, raised nowhere"):format(what), function()
            local heard
            local p = producer(row[1], { on_error = function(err) heard = heard or err end })
            h.wait_until(function() p:poll(50) return heard end)
            assert.equal("_AUTHENTICATION", heard.name)
            assert.is_truthy(heard.message:find(row[2], 1, true), heard.message)
            local err
            local c = consumer(row[1])
            h.wait_until(function() local _ _, err = c:poll(50) return err end)
            assert.equal("_AUTHENTICATION", err.name)
            assert.is_truthy(err.message:find(row[2], 1, true), err.message)
        end)
    end

    it("may close, drop or serve its own client", function()
        local p, closed
        p = kafka.producer(h.nowhere, conf(function()
            p:poll(0)
            closed = p:close(0)
            collectgarbage()
            return token.new("carol", 300)
        end))
        h.wait_until(function() return p:closed() or p:poll(50) and false end)
        assert.is_true(closed)
    end)

    it("that captures its client does not keep it alive", function()
        local gone = setmetatable({}, { __mode = "k" })
        do
            local p
            p = kafka.producer(h.nowhere, conf(function() return p and nil end))
            gone[p] = true
        end
        collectgarbage()
        collectgarbage()
        h.wait_until(function() collectgarbage() return next(gone) == nil end)
    end)
end)
