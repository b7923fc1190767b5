-- Members of a group join and leave while messages flow (ten times by each protocol; spec/hammer does it fifty times).
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"
local memberships = require "spec.support.memberships"

describe("a group whose members come and go", function()
    local kafka = on_kafka { nodes = 1, settings = memberships.settings }
    local CHANGES = h.is_jit and 10 or 4 -- a second each, of waiting for heartbeats
    after_each(h.cleanup)

    for _, way in ipairs(memberships.ways) do
        it("balances what is assigned and revoked, with one owner a partition at each commit (" .. way.name .. ")", function()
            local told = memberships.change(kafka, CHANGES, way.conf)
            assert.equal(told.assigned, told.revoked)
            assert.is_true(told.commits > CHANGES / 2, told.commits) -- whoever joined has left and committed
            assert.is_true(told.handled >= 6 * CHANGES, told.handled)
        end)
    end
end)
