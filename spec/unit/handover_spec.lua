-- Partitions that go and come: what was handed out last is committed when they go, and nothing of before sticks to them.
local h = require "spec.helper"

describe("a partition that", function()
    after_each(h.cleanup)

    local function fill(mock, value, partitions, count)
        local list = {}
        for partition = 0, partitions - 1 do
            for i = 1, count or 1 do list[#list + 1] = { value = value .. i, partition = partition } end
        end
        h.fill(mock:bootstrap_servers(), "t", list)
    end

    it("goes to another member takes with it what was handed out last, in a program without callbacks", function()
        local mock = h.mock { topics = { t = 8 } }
        fill(mock, "first", 8)
        local options = { topics = { "t" }, ["group.protocol"] = "consumer", ["auto.commit.interval.ms"] = 60000 }
        local seen, twice, later = {}, {}, 0
        local function take(message)
            local key = message.value .. "/" .. message.partition
            if seen[key] then twice[#twice + 1] = key end
            seen[key] = true
            if message.value == "later1" then later = later + 1 end
        end
        local first = h.reader(mock, options)
        local count = 0
        h.wait_until(function()
            local message = first:poll(20)
            if message then
                take(message)
                count = count + 1
            end
            return #first:assignment() == 8
        end, 30, "the first assignment")
        h.sleep(0.3) -- so that one batch holds them all; a slow machine makes the test weaker, not wrong
        h.wait_until(function()
            for _, message in ipairs(assert(first:poll_batch(8, 100))) do
                take(message)
                count = count + 1
            end
            return count == 8
        end, 20, "the first messages")
        -- The revoke comes while the program works on its batch: it is met by the call that asks for the next.
        local second = h.reader(mock, options)
        local deadline = h.now() + 4
        while h.now() < deadline do assert.is_nil((second:poll(100))) end
        local function both()
            for _, consumer in ipairs { first, second } do
                local message, err = consumer:poll(10)
                assert(err == nil, err)
                if message then take(message) end
            end
        end
        h.wait_until(function()
            both()
            return #second:assignment() > 0
        end, 30, "the second member's share")
        fill(mock, "later", 8)
        h.wait_until(function()
            both()
            return later == 8
        end, 30, "what came later")
        assert.are.same({}, twice)
    end)

    for name, calls in pairs {
        ["assigned anew"] = { "unassign", "assign" },
        ["taken away and added again"] = { "incremental_unassign", "incremental_assign" },
    } do
        it("was paused is not when it is " .. name, function()
            local mock = h.mock { topics = { t = 1 } }
            fill(mock, "v", 1, 5)
            local consumer = h.reader(mock, {})
            local place = { { topic = "t", partition = 0, offset = 2 } }
            assert.are.equal(0, h.next_message(consumer).offset)
            assert(consumer:pause { "t:0" })
            if calls[1] == "unassign" then assert(consumer:unassign()) else assert(consumer:incremental_unassign { "t:0" }) end
            assert(consumer[calls[2]](consumer, place))
            assert.are.equal(2, h.next_message(consumer).offset)
        end)
    end

    it("on_assign has sought is there before its first message", function()
        local mock = h.mock { topics = { t = 1 } }
        fill(mock, "v", 1, 5)
        local consumer = h.reader(mock, {
            topics = { "t" },
            on_assign = function(self, list)
                assert(self:seek("t", 0, 3))
                assert(self:pause(list))
            end,
        })
        h.wait_until(function()
            assert.is_nil((consumer:poll(20)))
            return #consumer:assignment() == 1
        end, 30, "the assignment")
        assert.are.equal(3, consumer:position()[1].offset)
        assert(consumer:resume())
        assert.are.equal(3, h.next_message(consumer).offset)
    end)
end)
