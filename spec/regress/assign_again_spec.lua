-- A partition whose committed offset could not be asked for is assigned again after a while. What was done of the others
-- was forgotten by that: the next commit said true and committed nothing.
-- Turns red when assign_again (client/rebalance.rs) assigns again what is read.
local h = require "spec.helper"
local kafka = h.kafka

describe("a partition that is assigned again", function()
    after_each(h.cleanup)

    it("takes nothing from what is stored of the others", function()
        local mock = h.mock { topics = { t = 2 } }
        local values = {}
        for i = 1, 10 do values[i] = { value = "v" .. i, partition = 0 } end
        h.fill(mock:bootstrap_servers(), "t", values)
        h.fill(mock:bootstrap_servers(), "t", { { value = "other", partition = 1 } })
        local c = h.track(kafka.consumer {
            ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g", ["enable.auto.commit"] = false,
            ["auto.offset.reset"] = "earliest",
        })
        assert(c:assign { { topic = "t", partition = 0, offset = 0 } })
        for _ = 1, 10 do h.next_message(c) end
        c:poll(0) -- all ten are done
        mock:push_errors("OffsetFetch", { "GROUP_AUTHORIZATION_FAILED" })
        assert(c:incremental_assign { "t:1" })
        local refused
        local message = h.wait_until(function()
            local message, err = c:poll(100)
            refused = refused or err
            return message
        end, 30, "the message of the other partition")
        assert.equal("other", message.value)
        assert.equal("GROUP_AUTHORIZATION_FAILED", refused.name)
        assert.is_true(c:commit())
        assert.equal(10, assert(c:committed { "t:0" })[1].offset)
    end)
end)
