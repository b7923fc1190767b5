-- What cannot be assigned says which partition is in the way and which call does it, and changes nothing.
local h = require "spec.helper"
local kafka = h.kafka

describe("assigning", function()
    after_each(h.cleanup)

    local function member(conf)
        conf = conf or {}
        conf["bootstrap.servers"] = conf["bootstrap.servers"] or h.nowhere
        conf["group.id"] = "g"
        return h.track(kafka.consumer(conf))
    end

    local function places(list)
        local found = {}
        for _, place in ipairs(list) do found[#found + 1] = place.topic .. ":" .. place.partition end
        table.sort(found)
        return table.concat(found, " ")
    end

    -- Turns red when the list goes to librdkafka as it is: that unassigns everything before it refuses a list, and
    -- breaks when it is to take one partition away twice.
    for _, call in ipairs { "assign", "incremental_assign", "incremental_unassign" } do
        it("refuses a partition that " .. call .. " is given twice, at the user's line, and leaves all as it was", function()
            local c = member()
            assert(c:assign { "t:0", "t:1" })
            local user = h.chunk(("local c, list = ...\nlocal ok = c:%s(list)\nreturn ok"):format(call), "user.lua")
            for _, case in ipairs {
                { { "t:1", "u:1", "t:0", { topic = "t", partition = 1, offset = 5 } }, "entry 4: t [1]" },
                { { t = { 3, 3 } }, 'entry "t": t [3]' },
            } do
                assert.equal(("user.lua:2: %s: %s stands there twice; name each partition once"):format(call, case[2]),
                    h.error_of(user, c, case[1]))
            end
            assert.equal("t:0 t:1", places(c:assignment()))
        end)
    end

    it("takes the same number in two topics", function()
        local c = member()
        assert(c:assign { "t:0", "u:0", u = { 1 } })
        assert.equal("t:0 u:0 u:1", places(c:assignment()))
    end)

    -- Turns red when what on_assign returned is not looked at: then all that is heard is a bare _INVALID_ARG.
    it("refuses a partition that on_assign returns twice, and assigns what it was to assign", function()
        local mock = h.mock { topics = { t = 2 } }
        local c = member {
            ["bootstrap.servers"] = mock:bootstrap_servers(), topics = { "t" },
            on_assign = function() return { "t:1", "t:1" } end,
        }
        local raised = h.wait_until(function()
            local ok, err = pcall(c.poll, c, 50)
            return not ok and err
        end)
        assert.equal("the list that on_assign returned: entry 2: t [1] stands there twice; name each partition once", raised)
        assert.equal("t:0 t:1", places(c:assignment()))
    end)

    -- Turns red with librdkafka's own words: they name no cure, and of an empty assignment no partition.
    it("names the partition that is assigned already, or is not", function()
        local c = member()
        local function says(name, message, ok, err)
            assert.is_nil(ok)
            assert.same({ name, message }, { err.name, err.message })
        end
        says("_INVALID_ARG", "t [1] is not assigned; assignment() tells what is", c:incremental_unassign { "t:1" })
        assert(c:assign { "t:0" })
        says("_INVALID_ARG", "t [1] is not assigned; assignment() tells what is", c:incremental_unassign { "t:0", "t:1" })
        says("_CONFLICT", "t [0] is assigned already; seek moves it, or take it away with incremental_unassign first",
            c:incremental_assign { "t:1", "t:0" })
        assert.equal("t:0", places(c:assignment()))
    end)

    -- Turns red when librdkafka alone says what is assigned: a partition of a topic it knows was paused, and stayed so
    -- when it was assigned later.
    it("takes no pause from before for a partition that was not assigned: that is refused by name", function()
        local mock = h.mock { topics = { t = 2 } }
        h.fill(mock:bootstrap_servers(), "t", { { value = "zero", partition = 0 }, { value = "one", partition = 1 } })
        local c = member { ["bootstrap.servers"] = mock:bootstrap_servers(), ["auto.offset.reset"] = "earliest" }
        assert(c:assign { "t:0" })
        assert.equal("zero", h.next_message(c).value)
        for _, call in ipairs { "pause", "resume" } do
            for _, partition in ipairs { 1, 9 } do
                local ok, err = c[call](c, { { topic = "t", partition = partition }, "t:0" })
                assert.is_nil(ok)
                assert.same({ "_UNKNOWN_PARTITION", ("t [%d] is not assigned; assignment() tells what is"):format(partition) },
                    { err.name, err.message })
            end
        end
        assert(c:incremental_assign { "t:1" })
        assert.equal("one", h.next_message(c).value)
    end)

    local function apply(c, call)
        if call == "unassign" then return c:unassign() end
        return c[call](c, { "t:0" })
    end

    local CURES = {
        range = {
            incremental_assign = "incremental_assign is for cooperative groups, this one is eager (rebalance_protocol): "
                .. "call assign with all the partitions to read",
            incremental_unassign = "incremental_unassign is for cooperative groups, this one is eager (rebalance_protocol): "
                .. "call assign with the partitions that are to stay",
        },
        ["cooperative-sticky"] = {
            assign = "assign is for eager groups, this one is cooperative (rebalance_protocol): "
                .. "incremental_assign adds partitions, incremental_unassign takes some away",
            unassign = "unassign is for eager groups, this one is cooperative (rebalance_protocol): "
                .. "call incremental_unassign with assignment()",
        },
    }
    for strategy, calls in pairs(CURES) do
        -- Turns red with librdkafka's own words: to assign and unassign it says "Erroneous state".
        it("in a group that shares by " .. strategy .. " names the call that does it there", function()
            local mock = h.mock { topics = { t = 2 } }
            local c = member {
                ["bootstrap.servers"] = mock:bootstrap_servers(), topics = { "t" }, ["partition.assignment.strategy"] = strategy,
            }
            h.wait_until(function()
                c:poll(20)
                return #c:assignment() == 2
            end, 20, "the assignment")
            for call, message in pairs(calls) do
                local ok, err = apply(c, call)
                assert.is_nil(ok)
                assert.same({ "_STATE", message }, { err.name, err.message })
            end
            assert.equal("t:0 t:1", places(c:assignment()))
        end)
    end
end)
