-- The joins and leaves of spec/integration/memberships_spec.lua, fifty times, by each protocol.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"
local memberships = require "spec.support.memberships"

describe("fifty joins and leaves", function()
    local kafka = on_kafka { nodes = 1 }
    after_each(h.cleanup)

    for name, conf in pairs {
        range = { ["partition.assignment.strategy"] = "range", ["heartbeat.interval.ms"] = 300 },
        ["cooperative-sticky"] = { ["partition.assignment.strategy"] = "cooperative-sticky", ["heartbeat.interval.ms"] = 300 },
        ["KIP-848"] = { ["group.protocol"] = "consumer" },
    } do
        it("balance (" .. name .. ")", function()
            local told = memberships(kafka, 50, conf)
            assert.equal(told.assigned, told.revoked)
        end)
    end
end)
