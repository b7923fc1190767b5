-- Rarer methods cost `require` nothing: their Lua is compiled when a program first names one of them.
local h = require "spec.helper"
local late = require "spec.support.late"
local kafka = h.kafka

local function objects()
    local mock = h.mock{ topics = { late = 1 } }
    local brokers = mock:bootstrap_servers()
    return {
        Producer = h.track(kafka.producer(brokers)),
        Consumer = h.track(kafka.consumer(brokers, { "late" }, { ["group.id"] = "late" })),
    }
end

describe("a late method", function()
    after_each(h.cleanup)

    it("is not there before its first use, and is itself from then on", function()
        local result = h.run([[
            local kafka = require "kafka"
            local producer = kafka.producer("127.0.0.1:1", {on_log = "none"})
            local methods = getmetatable(producer).__index
            print(rawget(methods, "create_topic") == nil)
            producer:create_topic("first")
            print(rawget(methods, "create_topic") == producer.create_topic, producer:has_topic("first"))
            producer:close(0)
        ]])
        assert.equal("", result.err)
        assert.equal("true\ntrue\ttrue\n", result.out)
    end)

    it("names the user's line and call when its first use is a mistake", function()
        local result = h.run([[
            local kafka = require "kafka"
            local producer = kafka.producer("127.0.0.1:1", {on_log = "none"})
            local function use() producer:create_topic({}) end
            local first, second = select(2, pcall(use)), select(2, pcall(use))
            print(first)
            print(first == second)
            producer:close(0)
        ]])
        assert.equal("", result.err)
        assert.truthy(result.out:find(":3: bad argument #1 to 'create_topic' (string expected, got table)\ntrue\n", 1, true), result.out)
    end)

    it("is defined by the form that is said to define it", function()
        for class, object in pairs(objects()) do
            local methods = getmetatable(object).__index
            for name in pairs(late.names(methods)) do
                assert.equal("function", type(methods[name]), class .. ":" .. name)
            end
        end
    end)

    it("leaves a name that nobody has nil", function()
        for _, object in pairs(objects()) do
            assert.is_nil(object.no_such_method)
            assert.is_nil(object[1])
        end
    end)
end)
