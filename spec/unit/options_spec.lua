-- Option tables: our own options, unknown names, dangerous properties, secrets, hostile tables.
local h = require "spec.helper"
local kafka = h.kafka

-- Each way to hand an option table over; returns the error it raises.
local ways = {
    ["the modern producer"] = function(options)
        options["bootstrap.servers"] = h.nowhere
        return h.error_of(kafka.producer, options)
    end,
    ["the modern consumer"] = function(options)
        options["bootstrap.servers"], options["group.id"], options.topics = h.nowhere, "g", { "t" }
        return h.error_of(kafka.consumer, options)
    end,
    ["the classic producer"] = function(options) return h.error_of(kafka.producer, h.nowhere, options) end,
    ["the classic consumer"] = function(options)
        options["group.id"] = "g"
        return h.error_of(kafka.consumer, h.nowhere, { "t" }, options)
    end,
}

local function copy(options)
    local result = {}
    for key, value in pairs(options) do result[key] = value end
    return result
end

describe("an option", function()
    after_each(h.cleanup)

    for way, refused in pairs(ways) do
        it("of a name nobody knows is refused with the nearest one, by " .. way, function()
            local cases = {
                ["close_timeot"] = "close_timeout", ["exittimeout"] = "exit_timeout", ["on_eror"] = "on_error",
                ["sokcet.timeout.ms"] = "socket.timeout.ms", ["client.ids"] = "client.id", ["lnger.ms"] = "linger.ms",
                ["on_checkpont"] = "on_checkpoint", ["delivery_report_evry"] = "delivery_report_every",
                ["on_fll"] = "on_full", ["on_full_timeot"] = "on_full_timeout",
            }
            for wrong, right in pairs(cases) do
                local err = refused { [wrong] = "100" }
                assert.are.equal("string", type(err))
                assert.truthy(err:find(wrong, 1, true), err)
                assert.truthy(err:gsub(wrong:gsub("%p", "%%%0"), ""):find(right, 1, true), err)
            end
        end)

        it("of a wrong type is refused with its name, the value and what is accepted, by " .. way, function()
            local cases = {
                { "on_error", 5, "5", "function" }, { "on_log", "file", "file", "stderr" }, { "on_log", 5, "5", "function" },
                { "on_stats", "x", "x", "function" }, { "exit_timeout", "soon", "soon", "number" },
                { "close_timeout", -2, "-2", "" }, { "close_timeout", 1.5, "1.5", "" }, { "allow_unsafe_config", "yes", "yes", "boolean" },
            }
            for _, case in ipairs(cases) do
                local err = refused { [case[1]] = case[2] }
                assert.are.equal("string", type(err))
                for i = 1, 4 do
                    if i ~= 2 then assert.truthy(err:find(tostring(case[i]), 1, true), err) end
                end
            end
        end)

        it("that runs code is refused and says how to allow it, by " .. way, function()
            for _, name in ipairs { "plugin.library.paths", "ssl.engine.location", "ssl.providers", "sasl.kerberos.kinit.cmd" } do
                for _, allowed in ipairs { "nil", false } do
                    local options = { [name] = "/nonexistent/secret-path" }
                    if allowed == false then options.allow_unsafe_config = false end
                    local err = refused(options)
                    assert.are.equal("string", type(err))
                    assert.truthy(err:find(name, 1, true), err)
                    assert.truthy(err:find("allow_unsafe_config", 1, true), err)
                end
            end
        end)

        it("that runs code reaches librdkafka when that was allowed, by " .. way, function()
            local err = refused { ["plugin.library.paths"] = "/nonexistent/plugin.so", allow_unsafe_config = true }
            assert.are.equal("string", type(err))
            assert.is_nil(err:find("allow_unsafe_config", 1, true), err)
            assert.truthy(err:find("plugin", 1, true), err)
        end)

        it("with a NUL in key or value is refused, not cut short, by " .. way, function()
            assert.are.equal("string", type(refused { ["client.id"] = "a\0b" }))
            assert.are.equal("string", type(refused { ["client.id\0x"] = "a" }))
            assert.are.equal("string", type(refused { ["plugin.library.paths\0"] = "a" }))
        end)

        it("that is a secret never stands in the refusal, by " .. way, function()
            local secret = "s3cr3t-value"
            local cases = {
                { ["sasl.password"] = secret .. "\0" }, { ["ssl.key.password"] = secret .. "\0" }, { ["ssl.key.pem"] = secret .. "\0" },
                { ["ssl.keystore.password"] = secret .. "\0" }, { ["sasl.oauthbearer.client.secret"] = secret .. "\0" },
                { ["sasl.oauthbearer.config"] = secret .. "\0" }, { ["sasl.oauthbearer.assertion.private.key.pem"] = secret .. "\0" },
                { ["sasl.oauthbearer.assertion.private.key.passphrase"] = secret .. "\0" },
                { ["ssl.key.pem"] = secret, ["security.protocol"] = "ssl" },
                { ["sasl.password"] = secret, ["sasl.username"] = "u", ["security.protocol"] = "sasl_plaintext", ["sasl.mechanisms"] = "NONSENSE" },
                { ["sasl.pasword"] = secret }, -- misspelled, and still a secret
            }
            for _, options in ipairs(cases) do
                local err = refused(copy(options))
                assert.are.equal("string", type(err))
                assert.is_nil(err:find(secret, 1, true), err)
            end
        end)

        it("table whose metamethods raise has the error object come through, by " .. way, function()
            local mark = {}
            local function hostile() error(mark) end
            assert.is_true(rawequal(mark, refused(setmetatable({}, { __index = hostile, __newindex = rawset }))))
            if not h.is_jit and h.version ~= "5.1" then -- there pairs has no metamethod
                assert.is_true(rawequal(mark, refused(setmetatable({}, { __pairs = hostile }))))
            end
        end)
    end

    -- librdkafka stops reading at such an entry, or takes another port, and says so nowhere but in its log.
    it("that lists brokers is refused with the entry that would be passed over or misread", function()
        local function refusal(list)
            return h.error_of(kafka.producer, { ["bootstrap.servers"] = list })
        end
        assert.equal('Failed to set bootstrap.servers = a:9092,http://b:9092 : "http://b:9092": no protocol of Kafka\'s is called "http"; '
            .. "write host:port, security.protocol says how to connect", refusal "a:9092,http://b:9092")
        assert.equal('Failed to set bootstrap.servers = localhost:99999 : "localhost:99999": a port from 1 to 65535 expected behind '
            .. 'the colon, got "99999"', refusal "localhost:99999")
        assert.matches("names no broker; a list such as", refusal " , ")
        assert.matches("a port from 1 to 65535", h.error_of(kafka.session, { ["metadata.broker.list"] = "localhost:port" }))
        h.track(kafka.producer { ["bootstrap.servers"] = "PLAINTEXT://localhost:1, [::1]:1,", exit_timeout = 0 })
    end)

    it("of the producer alone is unknown to the consumer", function()
        local err = ways["the modern consumer"] { on_delivery = function() end }
        assert.truthy(err:find("on_delivery", 1, true), err)
    end)

    it("may come through __index, and keeps its effect", function()
        local called
        local p = h.track(kafka.producer(setmetatable({ ["bootstrap.servers"] = h.nowhere }, {
            __index = { on_error = function() called = true end },
        })))
        h.wait_until(function()
            p:poll(100)
            return called
        end)
    end)

    it("table is left as it was", function()
        local options = { ["bootstrap.servers"] = h.nowhere, on_error = print, ["linger.ms"] = 5, close_timeout = 100 }
        local before = copy(options)
        h.track(kafka.producer(options))
        assert.are.same(before, options)
    end)

    it("that is false counts as not given where it is a callback, and takes back what is inherited", function()
        local p = h.track(kafka.producer { ["bootstrap.servers"] = h.nowhere, on_error = false, on_delivery = false })
        assert.is_nil(p:config().on_error)
        local inherits = setmetatable({ ["bootstrap.servers"] = h.nowhere, on_error = false }, { __index = { on_error = print } })
        assert.is_nil(h.track(kafka.producer(inherits)):config().on_error)
        local s = h.track(kafka.session { ["bootstrap.servers"] = h.nowhere, on_error = print, on_checkpoint = print })
        p = s:producer { on_checkpoint = false }
        assert.same({ print }, { p:config().on_error, p:config().on_checkpoint })
        s:set("on_error", false)
        assert.is_nil(s:config().on_error)
        assert.is_nil(s:producer():config().on_error)
    end)

    it("of the consumer alone is refused by the producer, and a value of no use by its name", function()
        local refused = ways["the modern producer"]
        for name, value in pairs { topics = { "t" }, on_assign = print, ack = "manual" } do
            local err = refused { [name] = value }
            assert.truthy(err:find("option " .. name .. ": a consumer's option; this is a producer", 1, true), err)
        end
        for _, way in ipairs { "the modern producer", "the modern consumer" } do
            for _, value in ipairs { {}, print } do
                local err = ways[way] { ["client.id"] = value }
                assert.truthy(err:find("option client.id: a string, number or boolean expected, got " .. type(value), 1, true), err)
            end
        end
        local err = h.error_of(kafka.session, { ["linger.ms"] = {} })
        assert.truthy(err:find("option linger.ms: ", 1, true), err)
    end)
end)

describe("a client with secrets", function()
    after_each(h.cleanup)

    it("shows them in no error, log or text", function()
        local secret, seen = "s3cr3t-value", {}
        local p = h.track(kafka.producer {
            ["bootstrap.servers"] = h.nowhere, ["security.protocol"] = "sasl_plaintext", ["sasl.mechanisms"] = "PLAIN",
            ["sasl.username"] = "user", ["sasl.password"] = secret, debug = "all",
            on_log = function(log) seen[#seen + 1] = log.message end,
            on_error = function(err) seen[#seen + 1] = tostring(err) end,
        })
        p:produce("t", "v")
        h.wait_until(function()
            p:poll(100)
            return #seen > 20 and p:last_error()
        end)
        seen[#seen + 1] = tostring(p) .. p:name() .. tostring(p:last_error())
        assert.is_nil(table.concat(seen, "\n"):find(secret, 1, true))
    end)
end)

describe("close_timeout and exit_timeout", function()
    after_each(h.cleanup)

    it("are what close and the exit wait for when nothing else is said", function()
        local p = h.track(kafka.producer { ["bootstrap.servers"] = h.nowhere, close_timeout = 300 })
        p:produce("t", "v")
        local started = h.now()
        assert.is_nil((p:close()))
        local waited = h.now() - started
        assert.is_true(waited >= 0.25 and waited < 1.3, "waited " .. waited)

        local child = h.run([[
            local kafka = require "kafka"
            local p = kafka.producer { ["bootstrap.servers"] = "127.0.0.1:1", exit_timeout = 300 }
            p:produce("t", "v")]])
        assert.are.equal(0, child.status, child.err)
        assert.is_true(child.seconds < 2, "took " .. child.seconds)
    end)
end)
