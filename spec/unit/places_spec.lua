-- Where a consumer begins: offsets by name and tail, policies for offsets that are gone; and how far it is behind.
local h = require "spec.helper"
local kafka = h.kafka

describe("A consumer that is told where to begin", function()
    local mock, brokers
    before_each(function()
        mock = h.mock { topics = { t = 1 } }
        brokers = mock:bootstrap_servers()
        local values = {}
        for i = 0, 9 do values[i + 1] = tostring(i) end
        h.fill(brokers, "t", values)
    end)
    after_each(h.cleanup)

    local function consumer(conf)
        conf = conf or {}
        conf["bootstrap.servers"], conf["group.id"] = brokers, "g"
        conf["auto.offset.reset"] = conf["auto.offset.reset"] or "error"
        return h.track(kafka.consumer(conf))
    end

    local function first_at(c, offset)
        assert(c:assign { { topic = "t", partition = 0, offset = offset } })
        return h.wait_until(function() return c:poll(100) end, 15, "a message").offset
    end

    -- The end is told first, and then what is written there.
    local function new_after_end(c)
        h.wait_until(function()
            local message = c:poll(100)
            return message and message.eof
        end, 15, "the end")
        h.fill(brokers, "t", { "new" })
        local message = h.wait_until(function()
            local next_one = c:poll(100)
            return next_one and not next_one.eof and next_one
        end, 15, "the new message")
        assert.equal("new", message.value)
        assert.equal(10, message.offset)
    end

    it("begins at a number, the earliest, or so many before the end", function()
        local c = consumer()
        assert.equal(4, first_at(c, 4))
        assert.equal(0, first_at(c, "earliest"))
        assert.equal(0, first_at(c, kafka.OFFSET_BEGINNING))
        assert.equal(7, first_at(c, kafka.offset_tail(3)))
    end)

    it("begins at the latest with what comes from then on", function()
        local c = consumer { ["enable.partition.eof"] = true }
        assert(c:assign { { topic = "t", partition = 0, offset = "latest" } })
        new_after_end(c)
    end)

    it("begins at what is stored in the group", function()
        local c = consumer()
        assert.is_true(c:commit { { topic = "t", partition = 0, offset = 6 } })
        assert.equal(6, first_at(c, "stored"))
    end)

    it("goes to the policy's end when its offset is gone", function()
        assert.equal(0, first_at(consumer { ["auto.offset.reset"] = "earliest" }, 1000))
        local c = consumer { ["auto.offset.reset"] = "latest", ["enable.partition.eof"] = true }
        assert(c:assign { { topic = "t", partition = 0, offset = 1000 } })
        new_after_end(c)
    end)

    it("says which offset is gone where the policy is error, and goes on when it is assigned anew", function()
        local c = consumer()
        assert(c:assign { { topic = "t", partition = 0, offset = 1000 } })
        local err = h.wait_until(function() return select(2, c:poll(100)) end, 15, "the error")
        assert.equal("_AUTO_OFFSET_RESET", err.name)
        assert.matches("^t %[0%] at offset 1000: ", err.message)
        local done, why = c:seek("t", 0, 3)
        assert.is_nil(done)
        assert.matches("assign it with the offset", why.message, 1, true)
        assert.equal(3, first_at(c, 3))
    end)

    it("says where it cannot seek to", function()
        local c = consumer()
        first_at(c, 0)
        local done, why = c:seek("t", 0, "stored")
        assert.is_nil(done)
        assert.matches("a number from 0", why.message, 1, true)
    end)

    it("tells how far it is behind, counting what it was handed", function()
        local c = consumer()
        assert.equal(2, first_at(c, 2))
        local lag = h.wait_until(function()
            local known = assert(c:lag())[1]
            return known.lag and known
        end, 15, "a known end")
        assert.same({ topic = "t", partition = 0, lag = 7 }, lag)
        for _ = 1, 7 do assert.truthy(c:poll(1000)) end
        assert.equal(0, assert(c:lag())[1].lag)
    end)

    it("tells no lag of what is not assigned", function()
        assert.same({}, consumer():lag())
    end)
end)
