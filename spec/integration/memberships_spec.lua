-- Members of a group join and leave while messages flow (ten times; spec/hammer does it fifty times).
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"
local memberships = require "spec.support.memberships"

describe("a group whose members come and go", function()
    local kafka = on_kafka { nodes = 1 }
    after_each(h.cleanup)

    for _, strategy in ipairs { "range", "cooperative-sticky" } do
        it("balances what is assigned and revoked, with one owner a partition at each commit (" .. strategy .. ")", function()
            local told = memberships(kafka, 5, { ["partition.assignment.strategy"] = strategy, ["heartbeat.interval.ms"] = 300 })
            assert.equal(told.assigned, told.revoked)
            assert.is_true(told.commits >= 5, told.commits)
            assert.is_true(told.handled >= 30, told.handled)
        end)
    end
end)
