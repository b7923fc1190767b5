-- A simple consumer with a group commits what is done, wherever it was started: librdkafka commits only what was
-- started at "stored", whatever enable.auto.commit says, and the next program would pass over messages, or read them again.
local h = require "spec.helper"
local kafka = h.kafka

describe("a simple consumer with a group", function()
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

    local function refusals(count, name)
        local list = {}
        for i = 1, count do list[i] = name end
        mock:push_errors("OffsetCommit", list)
    end

    -- Both partitions are done with and not committed yet.
    local function is_told_of_refusals(consumer)
        refusals(200, "GROUP_AUTHORIZATION_FAILED")
        local done, err = consumer:consume_stop("t", 0)
        assert.is_nil(done)
        assert.are.equal("GROUP_AUTHORIZATION_FAILED", err.name)
        done, err = consumer:close(3000)
        assert.is_nil(done)
        assert.are.equal("GROUP_AUTHORIZATION_FAILED", err.name)
    end

    it("says by consume_stop and close that it could not commit", function()
        local consumer = simple()
        assert(consumer:consume_start("t", 0, "earliest"))
        assert(consumer:consume_start("t", 1, "earliest"))
        read(consumer, 0, 4)
        read(consumer, 1, 4)
        is_told_of_refusals(consumer)
    end)

    local function commits()
        local count = 0
        for _, request in ipairs(mock:requests()) do
            if request.api == "OffsetCommit" then count = count + 1 end
        end
        return count
    end

    -- Has done some of partition 0, of which a commit has begun whose answer it has not read. How many were handed out.
    local function commit_under_way()
        local consumer = simple { ["auto.commit.interval.ms"] = 1 }
        assert(consumer:consume_start("t", 0, "earliest"))
        read(consumer, 0, 2)
        -- The look that begins a commit is at most every 100 ms.
        h.sleep(0.12)
        local done = 2 + #assert(consumer:consume_batch("t", 0, 1000, 1))
        h.wait_until(function() return commits() >= 1 end, 20, "a commit")
        return consumer, done
    end

    it("closes at once and commits all, with an automatic commit whose answer was not read", function()
        local consumer, done = commit_under_way()
        done = done + #assert(consumer:consume_batch("t", 0, 1000, 5))
        assert(consumer:close())
        assert.are.same({ done, "none" }, committed())
    end)

    for _, way in ipairs { "close", "consume_stop" } do
        it("commits last what was done last, also when an automatic commit is sent again: " .. way, function()
            refusals(1, "COORDINATOR_LOAD_IN_PROGRESS")
            local consumer, done = commit_under_way()
            done = done + #assert(consumer:consume_batch("t", 0, 1000, 5))
            if way == "consume_stop" then
                assert(consumer:consume_stop("t", 0))
            end
            assert(consumer:close())
            assert.are.same({ done, "none" }, committed())
        end)
    end

    describe("that starts at what is stored", function()
        local function start(conf, count)
            local all = { ["auto.offset.reset"] = "earliest" }
            for key, value in pairs(conf or {}) do all[key] = value end
            local consumer = simple(all)
            assert(consumer:consume_start("t", 0, "stored"))
            read(consumer, 0, count)
            return consumer
        end

        it("goes on after what was done, by consume_stop and close", function()
            local consumer = start(nil, 3)
            assert(consumer:consume_stop("t", 0))
            assert.are.same({ 3, "none" }, committed())
            assert(consumer:consume_start("t", 0, "stored"))
            assert.are.equal(3, h.wait_until(function() return consumer:consume_one("t", 0, 100) end, 20).offset)
            assert(consumer:close())
            assert.are.same({ 4, "none" }, committed())
        end)

        it("commits nothing with enable.auto.commit=false, neither by consume_stop nor by close", function()
            local consumer = start({ ["enable.auto.commit"] = false }, 3)
            assert(consumer:consume_stop("t", 0))
            assert(consumer:consume_start("t", 0, "stored"))
            read(consumer, 0, 3)
            assert(consumer:close())
            assert.are.equal(0, commits())
            assert.are.same({ "none", "none" }, committed())
        end)

        it("commits every auto.commit.interval.ms", function()
            local consumer = start({ ["auto.commit.interval.ms"] = 50 }, 4)
            h.wait_until(function()
                consumer:consume_callback("t", 0, 0, function() end)
                return committed()[1] == 10
            end, 20, "a commit")
        end)

        it("commits only by consume_stop and close with auto.commit.interval.ms=0", function()
            assert(start({ ["auto.commit.interval.ms"] = 0 }, 4):close())
            assert.are.same({ 4, "none" }, committed())
        end)

        it("says by consume_stop and close that it could not commit", function()
            local consumer = start(nil, 4)
            assert(consumer:consume_start("t", 1, "stored"))
            read(consumer, 1, 4)
            is_told_of_refusals(consumer)
        end)
    end)
end)
