-- What a member knows of itself and its group by each protocol, and how a slow one loses its partitions and comes back.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

-- Each way to be a member: its configuration, what it is called, and whether a member keeps its id when it joins again.
local WAYS = {
    { name = "range", conf = { ["partition.assignment.strategy"] = "range" }, protocol = "eager" },
    { name = "cooperative-sticky", conf = { ["partition.assignment.strategy"] = "cooperative-sticky" }, protocol = "cooperative" },
    { name = "KIP-848", conf = { ["group.protocol"] = "consumer" }, protocol = "cooperative", keeps_its_id = true },
}
local TOO_SLOW = 3000 -- ms without a poll

describe("a member of a group", function()
    local kafka = on_kafka {
        nodes = 1, -- heartbeats of KIP-848 are the brokers' to choose
        settings = {
            ["group.min.session.timeout.ms"] = 1000,
            ["group.consumer.heartbeat.interval.ms"] = 200, ["group.consumer.min.heartbeat.interval.ms"] = 100,
        },
    }
    after_each(h.cleanup)

    local function join(way, topic, group, more)
        local conf = { ["bootstrap.servers"] = kafka.brokers, ["group.id"] = group, ["auto.offset.reset"] = "earliest", topics = { topic } }
        for _, options in ipairs { way.conf, more or {} } do
            for key, value in pairs(options) do conf[key] = value end
        end
        if not conf["group.protocol"] then
            conf["heartbeat.interval.ms"] = 200
            conf["session.timeout.ms"] = conf["max.poll.interval.ms"] -- may not be longer than that
        end
        return h.track(h.kafka.consumer(conf))
    end

    for _, way in ipairs(WAYS) do
        it("knows its protocol, its id and its generation as the brokers do (" .. way.name .. ")", function()
            local topic, group = kafka:create_topic(h.topic("own"), 2), h.topic("group")
            h.fill(kafka.brokers, topic, { "v" })
            local first = join(way, topic, group)
            h.next_message(first)
            local before = first:group_metadata()
            assert.equal(way.protocol, first:rebalance_protocol())
            assert.is_false(first:assignment_lost())
            assert.same({ group, first:member_id() }, { before.group_id, before.member_id })
            assert.is_nil(before.group_instance_id)
            assert.is_true(before.generation_id >= 1)

            local second = join(way, topic, group)
            h.wait_until(function()
                assert(not first:poll(20))
                assert(not second:poll(20))
                return #first:assignment() == 1 and #second:assignment() == 1
                    and first:group_metadata().generation_id == second:group_metadata().generation_id
            end, 30, "both have their share, in one generation")
            local after, other = first:group_metadata(), second:group_metadata()
            assert.equal(before.member_id, after.member_id)
            assert.not_equal(after.member_id, other.member_id)
            assert.is_true(after.generation_id > before.generation_id)
            local known = {}
            for _, member in ipairs(assert(first:groups { group = group })[1].members) do known[member.member_id] = true end
            assert.same({ [first:member_id()] = true, [second:member_id()] = true }, known)
            assert.same({ false, false }, { first:assignment_lost(), second:assignment_lost() })
        end)

        it("that is too slow is told so once, loses its partitions, and is back with the next poll (" .. way.name .. ")", function()
            local topic, group, told = kafka:create_topic(h.topic("slow"), 1), h.topic("group"), {}
            h.fill(kafka.brokers, topic, { "first" })
            local function tell(kind)
                return function(consumer) told[#told + 1] = kind .. " " .. tostring(consumer:assignment_lost()) end
            end
            local slow = join(way, topic, group, {
                ["max.poll.interval.ms"] = TOO_SLOW, on_assign = tell "assign", on_revoke = tell "revoke", on_lost = tell "lost",
            })
            assert.equal("first", h.next_message(slow).value)
            local id = slow:member_id()
            h.wait_until(function() return slow:assignment_lost() end, 20, "the loss")
            assert.equal(1, #slow:assignment())
            h.fill(kafka.brokers, topic, { "second" })
            local errors, found = {}, {}
            h.wait_until(function()
                local message, err = slow:poll(50)
                if err then errors[#errors + 1] = err.name end
                if message then found[#found + 1] = message.value end
                return found[#found] == "second"
            end, 30, "the second message")
            assert.same({ "_MAX_POLL_EXCEEDED" }, errors)
            assert.same({ "assign false", "lost true", "assign false" }, told)
            assert.is_false(slow:assignment_lost())
            assert.equal(way.keeps_its_id or false, id == slow:member_id())
        end)
    end
end)
