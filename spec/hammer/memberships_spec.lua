-- The joins and leaves of spec/integration/memberships_spec.lua, fifty times, by each protocol.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"
local memberships = require "spec.support.memberships"

describe("fifty joins and leaves", function()
    local kafka = on_kafka { nodes = 1, settings = memberships.settings }
    after_each(h.cleanup)

    for _, way in ipairs(memberships.ways) do
        it("balance (" .. way.name .. ")", function()
            local told = memberships.change(kafka, 50, way.conf)
            assert.equal(told.assigned, told.revoked)
        end)
    end
end)
