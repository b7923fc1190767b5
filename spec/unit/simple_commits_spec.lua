-- A simple consumer with a group commits what is done, wherever it was started: librdkafka commits only what was
-- started at "stored", and the next program that starts there would pass over messages, or read them again.
local h = require "spec.helper"
local kafka = h.kafka

describe("a simple consumer with a group that starts elsewhere than at what is stored", function()
    after_each(h.cleanup)
    local mock, group

    before_each(function()
        mock, group = h.mock { topics = { t = 2 } }, h.topic "group"
        for partition = 0, 1 do
            local values = {}
            for i = 1, 10 do values[i] = { value = "v" .. i, partition = partition } end
            h.fill(mock:bootstrap_servers(), "t", values)
        end
    end)

    local function simple(conf)
        local all = { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = group, ["fetch.wait.max.ms"] = 10 }
        for key, value in pairs(conf or {}) do all[key] = value end
        return h.track(kafka.consumer(all))
    end

    local function read(consumer, partition, count)
        for _ = 1, count do
            h.wait_until(function()
                local message, err = consumer:consume_one("t", partition, 100)
                assert(err == nil, err)
                return message
            end, 20, "a message")
        end
    end

    local function committed()
        local asker = h.track(kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = group })
        local list = assert(asker:committed { "t:0", "t:1" })
        asker:close()
        return { list[1].offset or "none", list[2].offset or "none" }
    end

    it("commits by consume_stop", function()
        local consumer = simple()
        assert(consumer:consume_start("t", 0, "earliest"))
        read(consumer, 0, 4)
        assert(consumer:consume_stop("t", 0))
        assert.are.same({ 4, "none" }, committed())
        -- The next one counts from where it is started, and goes back where that is told to.
        assert(consumer:consume_start("t", 0, 1))
        read(consumer, 0, 1)
        assert(consumer:consume_stop("t", 0))
        assert.are.same({ 2, "none" }, committed())
    end)

    it("commits by close, every partition, also of a queue", function()
        local consumer = simple()
        local queue = consumer:queue()
        assert(consumer:consume_start("t", 0, 3, queue))
        assert(consumer:consume_start("t", 1, "earliest"))
        assert.are.equal(3, h.next_message(queue).offset)
        read(consumer, 1, 2)
        assert(consumer:close())
        assert.are.same({ 4, 2 }, committed())
    end)

    it("commits what a partition that is started anew has done, whatever was on its way before", function()
        local consumer = simple { ["auto.commit.interval.ms"] = 1 }
        assert(consumer:consume_start("t", 0, "earliest"))
        mock:set_rtt(1, 100)
        read(consumer, 0, 10)
        -- The look that begins a commit is at most every 100 ms.
        local deadline = h.now() + 0.15
        while h.now() < deadline do consumer:consume_one("t", 0, 10) end
        assert(consumer:consume_stop("t", 0))
        assert(consumer:consume_start("t", 0, 1))
        read(consumer, 0, 1)
        mock:set_rtt(1, 0)
        assert(consumer:close())
        assert.are.same({ 2, "none" }, committed())
    end)

    it("commits every auto.commit.interval.ms", function()
        local consumer = simple { ["auto.commit.interval.ms"] = 50 }
        assert(consumer:consume_start("t", 0, "earliest"))
        read(consumer, 0, 4)
        h.wait_until(function()
            consumer:consume_callback("t", 1 - 1, 0, function() end)
            return (committed()[1] == 10)
        end, 20, "a commit")
    end)

    it("commits nothing with enable.auto.commit=false, nor what was cancelled", function()
        local consumer = simple { ["enable.auto.commit"] = false }
        assert(consumer:consume_start("t", 0, "earliest"))
        read(consumer, 0, 4)
        assert(consumer:close())
        assert.are.same({ "none", "none" }, committed())
        consumer = simple()
        assert(consumer:consume_start("t", 0, "earliest"))
        read(consumer, 0, 2)
        h.wait_until(function() return consumer:consume_one("t", 0, 100) end, 20, "a message"):cancel()
        read(consumer, 0, 3)
        assert(consumer:close())
        assert.are.same({ 2, "none" }, committed())
    end)

    it("says by consume_stop and close that it could not commit", function()
        local consumer = simple()
        assert(consumer:consume_start("t", 0, "earliest"))
        assert(consumer:consume_start("t", 1, "earliest"))
        read(consumer, 0, 4)
        read(consumer, 1, 4)
        local refusals = {}
        for i = 1, 200 do refusals[i] = "GROUP_AUTHORIZATION_FAILED" end
        mock:push_errors("OffsetCommit", refusals)
        local done, err = consumer:consume_stop("t", 0)
        assert.is_nil(done)
        assert.are.equal("GROUP_AUTHORIZATION_FAILED", err.name)
        done, err = consumer:close(3000)
        assert.is_nil(done)
        assert.are.equal("GROUP_AUTHORIZATION_FAILED", err.name)
    end)
end)
