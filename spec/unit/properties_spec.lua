-- kafka.properties(): librdkafka's properties as data.
local h = require "spec.helper"
local kafka = h.kafka
local properties = kafka.properties()

describe("kafka.properties", function()
    it("lists librdkafka's properties with all that is known of them", function()
        local count = 0
        for name, property in pairs(properties) do
            count = count + 1
            assert.are.equal(name, property.name)
            assert.truthy(property.scope == "producer" or property.scope == "consumer" or property.scope == "both", name)
            assert.are.equal("string", type(property.description), name)
            assert.are.equal("string", type(property.type), name)
            assert.truthy(property.importance == "low" or property.importance == "medium" or property.importance == "high", name)
        end
        assert.is_true(count > 150, "only " .. count)
    end)

    it("knows scope, range and default of some that everybody uses", function()
        local expected = {
            ["batch.num.messages"] = { "producer", "1 .. 1000000", "10000" }, ["group.id"] = { "consumer" }, ["client.id"] = { "both", nil, "rdkafka" },
            ["session.timeout.ms"] = { "consumer", "1 .. 3600000", "45000" }, ["socket.timeout.ms"] = { "both", "10 .. 300000", "60000" },
        }
        for name, facts in pairs(expected) do
            local property = properties[name]
            assert.are.equal(facts[1], property.scope, name)
            if facts[2] then assert.are.equal(facts[2], property.range, name) end
            if facts[3] then assert.are.equal(facts[3], tostring(property.default), name) end
        end
    end)

    it("answers for one name", function()
        assert.are.same(properties["linger.ms"], kafka.properties("linger.ms"))
    end)

    it("raises for an unknown name and names the nearest", function()
        local err = h.error_of(h.chunk("local kafka = ...\nlocal p = kafka.properties('linger.mss')"), kafka)
        assert.truthy(err:match("^user%.lua:2: ") and err:find('"linger.ms"', 1, true), err)
    end)

    it("does not name an option of the module as the nearest property", function()
        for _, name in ipairs { "ack", "on_full", "max_unacked" } do
            local err = h.error_of(h.chunk("local kafka, name = ...\nlocal p = kafka.properties(name)"), kafka, name)
            assert.is_nil(err:find('did you mean "' .. name .. '"', 1, true), err)
        end
        assert.truthy(h.error_of(h.chunk("local kafka = ...\nlocal p = kafka.properties('ack')"), kafka):find('"acks"', 1, true))
    end)

    it("hands out tables the caller may change", function()
        kafka.properties()["linger.ms"].range = "mine"
        assert.are_not.equal("mine", kafka.properties("linger.ms").range)
    end)
end)
