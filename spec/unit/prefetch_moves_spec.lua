-- Messages fetched ahead of the program: whatever moves or takes a partition drops or keeps what it concerns, no more.
-- Turns red when acks.rs keeps the buffer in discard or discard_all, or assignment.rs in unsubscribe.
local h = require "spec.helper"
local kafka = h.kafka

describe("what was fetched ahead", function()
    local mock
    before_each(function()
        mock = h.mock { topics = { t = 2 } }
        local values = {}
        for i = 0, 599 do values[i + 1] = { value = tostring(i), partition = i < 300 and 0 or 1 } end
        h.fill(mock:bootstrap_servers(), "t", values)
    end)
    after_each(h.cleanup)

    local function consumer(conf)
        conf["bootstrap.servers"], conf["group.id"] = mock:bootstrap_servers(), conf["group.id"] or "g"
        conf["auto.offset.reset"] = "earliest"
        -- The mock waits that long for members that have left.
        conf["session.timeout.ms"], conf["heartbeat.interval.ms"] = conf["session.timeout.ms"] or 1000, 100
        return h.track(kafka.consumer(conf))
    end

    local function next_of(c, seconds)
        return h.wait_until(function() return c:poll(100) end, seconds or 15, "a message")
    end

    -- A consumer of both partitions that was handed one message of partition 0, with more of it here.
    local function reading()
        local c = consumer {}
        assert(c:assign { { topic = "t", partition = 0, offset = 0 } })
        assert.equal(0, next_of(c).offset)
        return c
    end

    it("goes by seek: the next message is the one sought", function()
        local c = reading()
        assert(c:seek("t", 0, 250))
        assert.equal(250, next_of(c).offset)
        assert(c:seek("t", 0, "earliest"))
        assert.equal(0, next_of(c).offset)
    end)

    it("goes by assign and unassign", function()
        local c = reading()
        assert(c:assign { { topic = "t", partition = 1, offset = 200 } })
        local message = next_of(c)
        assert.same({ 1, 200 }, { message.partition, message.offset })
        assert(c:unassign())
        assert.is_nil(c:poll(300))
    end)

    it("goes by incremental_unassign of its partition only", function()
        local c = consumer {}
        assert(c:assign { { topic = "t", partition = 0, offset = 0 }, { topic = "t", partition = 1, offset = 0 } })
        local seen = { [0] = 0, [1] = 0 }
        local first = next_of(c)
        seen[first.partition] = 1
        local gone, stays = first.partition, 1 - first.partition
        assert(c:incremental_unassign { { topic = "t", partition = gone } })
        while seen[stays] < 300 do
            local message = next_of(c)
            assert.equal(stays, message.partition)
            assert.equal(seen[stays], message.offset)
            seen[stays] = seen[stays] + 1
        end
        assert.is_nil(c:poll(100))
    end)

    it("goes by unsubscribe, and comes again from the first message that was not handed out", function()
        local c = consumer { topics = { "t" } }
        local counts = { [0] = 0, [1] = 0 }
        for _ = 1, 3 do
            local message = next_of(c)
            counts[message.partition] = counts[message.partition] + 1
        end
        assert(c:unsubscribe())
        assert.is_nil(c:poll(300))
        assert(c:subscribe { "t" })
        local message = next_of(c)
        assert.equal(counts[message.partition], message.offset)
    end)

    it("stays when unsubscribe finds nothing subscribed: partitions assigned by hand are read on without a gap", function()
        local c = reading()
        assert(c:unsubscribe())
        assert.equal(1, #c:assignment())
        assert.equal(1, next_of(c).offset)
    end)

    it("goes by close, and comes again to the next consumer", function()
        local c = consumer { topics = { "t" } }
        local first = next_of(c)
        assert(c:close())
        local second = consumer { topics = { "t" } }
        for _ = 1, 300 do
            local message = next_of(second)
            if message.partition == first.partition then
                assert.equal(1, message.offset)
                return
            end
        end
        error("the first partition did not come")
    end)

    -- A question serves rebalances and hands out nothing, so what was fetched ahead is still there when they come.
    local function serve(c) return c:committed({ "t:0" }, 1000) end

    it("goes by a revoke: what moves to another consumer begins there where the group knows, and comes here no more", function()
        local assigned, there, first = 0, nil, nil
        local patient = 4000 -- on a busy machine a second is too short to stay a member
        local a = consumer { topics = { "t" }, ["session.timeout.ms"] = patient, on_assign = function() assigned = assigned + 1 end }
        next_of(a)
        local b = consumer { topics = { "t" }, ["session.timeout.ms"] = patient, on_assign = function(_, list) there, first = list, nil end }
        h.wait_until(function()
            serve(a)
            local message = not first and b:poll(20) -- by itself: what it assigns is newer than what came before
            first = first or message
            return assigned >= 2 and there and #there == 1 and first
        end, 40, "a partition for each")
        -- The mock may refuse what a commits while the group moves; then the group knows nothing.
        local function known(partition) return assert(b:committed { { topic = "t", partition = partition } })[1].offset or 0 end
        assert.equal(known(first.partition), first.offset)
        local stays = 1 - first.partition
        for offset = known(stays), 299 do
            local message = next_of(a)
            assert.same({ stays, offset }, { message.partition, message.offset })
        end
    end)

    it("goes when partitions are lost, and comes again from what is committed", function()
        local lost, revoked, assigned = 0, 0, 0
        local c = consumer {
            topics = { "t" }, ["enable.auto.commit"] = false,
            on_assign = function() assigned = assigned + 1 end,
            on_lost = function() lost = lost + 1 end, on_revoke = function() revoked = revoked + 1 end,
        }
        next_of(c)
        mock:push_errors("Heartbeat", { "UNKNOWN_MEMBER_ID" })
        h.wait_until(function()
            serve(c)
            return assigned == 2
        end, 20, "a second assignment")
        assert.same({ 1, 0 }, { lost, revoked })
        assert.equal(0, next_of(c).offset)
    end)

    it("waits here while its partition is paused, and comes first when that is resumed", function()
        local c = reading()
        assert(c:pause { "t:0" })
        assert.is_nil(c:poll(300))
        assert.equal(1, c:position { "t:0" }[1].offset)
        assert(c:incremental_assign { { topic = "t", partition = 1, offset = 0 } })
        assert.equal(1, next_of(c).partition)
        assert(c:resume { "t:0" })
        for offset = 1, 299 do
            local message = next_of(c)
            while message.partition == 1 do message = next_of(c) end
            assert.equal(offset, message.offset)
        end
    end)

    -- Turns red when Prefetch::drop_partitions forgets what waits aside.
    it("waits here no more when its paused partition is sought: after resume the first message is the one sought", function()
        for _, to in ipairs { 250, 0 } do
            local c = reading()
            assert.equal(1, next_of(c).offset)
            assert(c:pause { "t:0" })
            assert(c:seek("t", 0, to))
            assert.is_nil(c:poll(300))
            assert(c:resume { "t:0" })
            for offset = to, to + 20 do assert.equal(offset, next_of(c).offset) end
            assert(c:close())
        end
    end)

    it("does not count: position and a commit tell what was handed out", function()
        local c = reading()
        next_of(c)
        assert.equal(2, c:position()[1].offset)
        assert(c:commit())
        assert.equal(2, c:committed()[1].offset)
    end)

    it("and what was never read begins where it was told, though librdkafka must assign all anew", function()
        local c = consumer { ["group.id"] = "moving" }
        assert(c:commit { { topic = "t", partition = 0, offset = 7 }, { topic = "t", partition = 1, offset = 7 } })
        mock:push_errors("OffsetFetch", { "NOT_COORDINATOR" })
        assert(c:assign { { topic = "t", partition = 0 }, { topic = "t", partition = 1, offset = 100 } })
        assert(c:pause { "t:1" })
        assert.equal(7, next_of(c).offset)
        assert(c:resume { "t:1" })
        for _ = 1, 300 do
            local message = next_of(c)
            if message.partition == 1 then
                assert.equal(100, message.offset)
                return
            end
        end
        error("partition 1 did not come")
    end)
end)
