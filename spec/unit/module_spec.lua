-- The module table itself: loading, versions, the table of error codes.
local h = require "spec.helper"
local kafka = h.kafka

local function output(script)
    local child = h.run(script)
    assert.are.equal(0, child.status, child.err)
    return child.out
end

describe("the module", function()
    it("tells its own version and librdkafka's", function()
        assert.truthy(kafka.version():match("^%d+%.%d+%.%d+"))
        assert.are.equal("2.12.1", kafka.librdkafka_version())
    end)

    it("may be required again and again, also after package.loaded forgot it", function()
        assert.are.equal("true\ttrue\ttrue\n", output [[
            local kafka = require "kafka"
            local same = require "kafka" == kafka
            local mock = kafka.mock_cluster { brokers = 1, topics = { t = 1 } }
            local early = kafka.producer(mock:bootstrap_servers())
            local versions = true
            for _ = 1, 20 do
                package.loaded.kafka = nil
                local again = require "kafka"
                versions = versions and again.version() == kafka.version()
                collectgarbage()
            end
            early:create_topic("t")
            early:send("t", 0, 1, "m")
            print(same, versions, early:flush(10000))]])
    end)

    it("lives on when it was first required in a coroutine that is gone", function()
        assert.are.equal("7\t0\ttrue\n", output [[
            local dead = coroutine.create(function() require "kafka" end)
            assert(coroutine.resume(dead))
            dead = nil
            for _ = 1, 5 do collectgarbage() end
            local kafka = require "kafka"
            local mock = kafka.mock_cluster { brokers = 1, topics = { t = 1 } }
            local p = kafka.producer(mock:bootstrap_servers())
            p:create_topic("t")
            p:send("t", 0, 7, "m")
            collectgarbage()
            local id, failures = p:poll(10000)
            print(id, failures, p:close())]])
    end)

    -- Red when mlua's own error, a userdata with stack traces in it, comes out of `require`.
    it("says in a line why it cannot be loaded", function()
        local function reason(obstacle)
            return output([[
                local call, print, require, type, at = pcall, print, require, type, string.find
                ]] .. obstacle .. [[
                local _, err = call(require, "kafka")
                print(type(err) == "string" and not at(err, "stack traceback", 1, true) and err)]])
        end
        assert.matches("^kafka cannot be loaded: kafka%.%w+:%d+: .*'setmetatable'[^\n]*\n$", reason "setmetatable = nil\n")
        local meets_global = h.is_jit or h.version == "5.1"
        local hostile = 'kafka = setmetatable({}, { __newindex = function() error("not here", 0) end })\n'
        assert.equal(meets_global and "kafka cannot be loaded: not here\n" or "false\n", reason(hostile))
    end)

    it("adds no global but `kafka`, and that on Lua 5.1 and LuaJIT only", function()
        assert.are.equal((h.is_jit or h.version == "5.1") and "kafka\n" or "\n", output [[
            local before, new = {}, {}
            for name in pairs(_G) do before[name] = true end
            local kafka = require "kafka"
            kafka.producer("127.0.0.1:1"):close(0)
            for name in pairs(_G) do if not before[name] then new[#new + 1] = name end end
            print(table.concat(new, " "))]])
    end)
end)

describe("kafka.errors", function()
    it("maps names to librdkafka's codes and codes to names", function()
        assert.are.equal(-184, kafka.errors._QUEUE_FULL)
        assert.are.equal("_QUEUE_FULL", kafka.errors[-184])
        assert.are.equal(-192, kafka.errors._MSG_TIMED_OUT)
        assert.are.equal(3, kafka.errors.UNKNOWN_TOPIC_OR_PART)
        assert.are.equal("UNKNOWN_TOPIC_OR_PART", kafka.errors[3])
        assert.are.equal("TOPIC_AUTHORIZATION_FAILED", kafka.errors[29])
    end)

    it("knows our own code for a forked child", function()
        assert.are.equal(-1001, kafka.errors._FORKED)
        assert.are.equal("_FORKED", kafka.errors[-1001])
    end)

    it("has as many names as codes, each the other's inverse", function()
        local names, codes = 0, 0
        for key, value in pairs(kafka.errors) do
            if type(key) == "string" then names = names + 1 else codes = codes + 1 end
            assert.are.equal(key, kafka.errors[value])
        end
        assert.are.equal(names, codes)
        assert.is_true(names > 150, "only " .. names)
    end)
end)
