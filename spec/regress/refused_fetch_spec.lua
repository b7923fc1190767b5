-- A fetch that is refused comes as an error with the offset of the next message. librdkafka's batches count it as a
-- message: after a pause or a rebalance it would go on behind that offset, and a message was lost.
local h = require "spec.helper"

describe("after a fetch that was refused", function()
    after_each(h.cleanup)

    local function values(count, prefix)
        local list = {}
        for i = 1, count do list[i] = { value = prefix .. i, partition = 0 } end
        return list
    end

    local function at_end_and_refused(mock, consumer, next_one)
        for i = 1, 3 do assert.are.equal("v" .. i, h.wait_until(next_one, 20, "a message").value) end
        -- librdkafka makes the end of the partition of the first answer there, whatever its error.
        mock:push_errors("Fetch", { "MSG_SIZE_TOO_LARGE", "MSG_SIZE_TOO_LARGE" })
        h.wait_until(function()
            local _, err = next_one()
            return err and err.name == "MSG_SIZE_TOO_LARGE"
        end, 20, "the error")
        assert.are.equal(3, consumer:position()[1].offset)
        assert(consumer:pause())
        assert(consumer:resume())
        h.fill(mock:bootstrap_servers(), "t", values(2, "later"))
    end

    local function next_value(next_one)
        return h.wait_until(function()
            local message = next_one()
            return message and message.value
        end, 20, "a message")
    end

    it("a pause keeps the place: no message is passed over", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", values(3, "v"))
        local consumer = h.reader(mock, { ["fetch.wait.max.ms"] = 10 })
        local function next_one() return consumer:poll(100) end
        at_end_and_refused(mock, consumer, next_one)
        assert.are.equal("later1", next_value(next_one))
        assert.are.equal("later2", next_value(next_one))
    end)

    it("so it does for a partition with a queue of its own", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", values(3, "v"))
        local queue
        local consumer = h.reader(mock, {
            topics = { "t" }, ["fetch.wait.max.ms"] = 10,
            on_assign = function(self) queue = self:partition_queue("t", 0) end,
        })
        local function next_one()
            consumer:poll(0)
            if queue then return queue:poll(50) end
        end
        at_end_and_refused(mock, consumer, next_one)
        assert.are.equal("later1", next_value(next_one))
        assert.are.equal("later2", next_value(next_one))
    end)
end)
