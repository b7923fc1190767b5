-- librdkafka's batches count the end of a partition as a message: after a pause or a rebalance it would go on
-- behind one that had not been written yet, and that was lost.
local h = require "spec.helper"

describe("after the end of a partition", function()
    after_each(h.cleanup)

    local function values(count, prefix)
        local list = {}
        for i = 1, count do list[i] = { value = (prefix or "v") .. i, partition = 0 } end
        return list
    end

    -- Reads up to the end of the partition; how many messages there were.
    local function to_end(next_one)
        local count, ended = 0, nil
        h.wait_until(function()
            local message, err = next_one()
            assert(err == nil, err)
            if message and message.eof then ended = message.offset elseif message then count = count + 1 end
            return ended
        end, 20, "the end of the partition")
        return count, ended
    end

    local function next_value(next_one)
        return h.wait_until(function()
            local message, err = next_one()
            assert(err == nil, err)
            return message and not message.eof and message.value
        end, 20, "a message")
    end

    local ways = {
        poll = function(c) return c:poll(100) end,
        poll_batch = function(c)
            local batch, err = c:poll_batch(1, 100)
            return batch and batch[1], err
        end,
    }
    for name, way in pairs(ways) do
        it("a pause keeps the place: what is written then is the next one of " .. name, function()
            local mock = h.mock { topics = { t = 1 } }
            h.fill(mock:bootstrap_servers(), "t", values(10))
            local consumer = h.reader(mock, { ["enable.partition.eof"] = true })
            local function next_one() return way(consumer) end
            assert.are.same({ 10, 10 }, { to_end(next_one) })
            assert.are.equal(10, consumer:position()[1].offset)
            assert(consumer:pause())
            assert(consumer:resume())
            h.fill(mock:bootstrap_servers(), "t", values(2, "later"))
            assert.are.equal("later1", next_value(next_one))
            assert.are.equal("later2", next_value(next_one))
        end)
    end

    it("a rebalance that leaves the partition here keeps the place", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", values(10))
        local options = {
            topics = { "t" }, ["enable.partition.eof"] = true, ["partition.assignment.strategy"] = "cooperative-sticky",
            ["heartbeat.interval.ms"] = 100, ["session.timeout.ms"] = 6000,
        }
        local first = h.reader(mock, options)
        local function next_one() return first:poll(20) end
        assert.are.same({ 10, 10 }, { to_end(next_one) })
        -- Another member comes for another topic: the first one keeps what it has, and is asked anew.
        local generation = first:group_metadata().generation_id
        mock:create_topic("u", 1)
        options.topics = { "u" }
        local second = h.reader(mock, options)
        h.wait_until(function()
            next_one()
            second:poll(20)
            return first:group_metadata().generation_id > generation and #first:assignment() == 1
        end, 30, "a second generation")
        h.fill(mock:bootstrap_servers(), "t", values(2, "later"))
        assert.are.equal("later1", next_value(next_one))
        assert.are.equal("later2", next_value(next_one))
    end)

    it("a pause keeps the place of a partition's own queue", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", values(10))
        local queue
        local consumer = h.reader(mock, {
            topics = { "t" }, ["enable.partition.eof"] = true,
            on_assign = function(self, list) queue = self:partition_queue(list[1].topic, list[1].partition) end,
        })
        local function next_one()
            consumer:poll(0)
            if queue then return queue:poll(50) end
        end
        assert.are.same({ 10, 10 }, { to_end(next_one) })
        assert(consumer:pause())
        assert(consumer:resume())
        h.fill(mock:bootstrap_servers(), "t", values(1, "later"))
        assert.are.equal("later1", next_value(next_one))
    end)
end)
