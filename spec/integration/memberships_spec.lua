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

    -- Two members; the first leaves and comes back. → its partitions before and after, what the other one's callbacks
    -- were told meanwhile, and by how many generations the group moved.
    local function come_back(named)
        local topic, group, told = kafka:create_topic(h.topic("static"), 4), h.topic("group"), 0
        local function join(name, on_change)
            return h.track(h.kafka.consumer {
                ["bootstrap.servers"] = kafka.brokers, ["group.id"] = group, topics = { topic }, ["heartbeat.interval.ms"] = 300,
                ["group.instance.id"] = named and name or nil, on_assign = on_change, on_revoke = on_change,
            })
        end
        local function serve(first, second)
            assert(not first:poll(20))
            assert(not second:poll(20))
            return #first:assignment() == 2 and #second:assignment() == 2
        end
        local function places(consumer)
            local found = {}
            for _, place in ipairs(consumer:assignment()) do found[#found + 1] = place.partition end
            table.sort(found)
            return found
        end
        local second = join("second", function() told = told + 1 end)
        local first = join "first"
        h.wait_until(function() return serve(first, second) end, 30, "both have their share")
        local before, generation = places(first), second:group_metadata().generation_id
        told = 0
        assert(first:close())
        first = join "first"
        h.wait_until(function() return serve(first, second) end, 30, "both have their share again")
        local stop = h.now() + 1.5 -- five heartbeats: a rebalance would be known by now
        while h.now() < stop do serve(first, second) end
        return before, places(first), told, second:group_metadata().generation_id - generation
    end

    it("gives a static member that comes back what it had, and disturbs nobody", function()
        local before, after, told, moves = come_back(true)
        assert.same(before, after)
        assert.equal(0, told)
        assert.equal(0, moves)
    end)

    it("disturbs the others when a member without a name of its own comes back", function()
        local _, _, told, moves = come_back(false)
        assert.is_true(told > 0)
        assert.is_true(moves > 0)
    end)
end)
