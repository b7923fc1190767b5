-- At least once: when a message counts as done, and what acks, cancels and bounds do to that.
-- Turns red when client/acks.rs stores at hand-over, when model/unacked.rs stores more than the prefix, or when an
-- old message is acked after a rebalance.
local h = require "spec.helper"
local kafka = h.kafka

describe("a message is done", function()
    local mock
    before_each(function() mock = h.mock { topics = { t = 1, many = 4 } } end)
    after_each(h.cleanup)

    local function consumer(options) return h.reader(mock, options) end

    local function fill(count, topic)
        local values = {}
        for i = 1, count do values[i] = { value = tostring(i), partition = topic and (i - 1) % 4 or 0 } end
        h.fill(mock:bootstrap_servers(), topic or "t", values)
    end

    local poll = h.next_message

    local function take(c, count)
        local messages = {}
        for i = 1, count do messages[i] = poll(c) end
        return messages
    end

    -- Where the next reader of the group begins.
    local function next_offset(entry)
        local c = consumer { topics = { entry or "t:0" } }
        local offset = poll(c).offset
        getmetatable(c).__close(c, "not handled")
        return offset
    end

    -- Leaves as a block does that an error ended: the last message is not done.
    local function leave(c) getmetatable(c).__close(c, "not handled") end

    describe("by default", function()
        it("when the next one is asked for, and not before", function()
            fill(5)
            local c = consumer {}
            take(c, 3)
            leave(c)
            assert.are.equal(2, next_offset())
        end)

        it("with all of its batch, in every partition", function()
            fill(40, "many")
            local entries, seen = { "many:0", "many:1", "many:2", "many:3" }, 0
            local c = consumer { topics = entries }
            h.wait_until(function()
                seen = seen + #c:poll_batch(3, 100)
                return seen > 20
            end)
            -- What is in hand then is not done.
            h.wait_until(function() return #c:poll_batch(3, 100) > 0 end)
            leave(c)
            fill(4, "many")
            local stored = 0
            for _, entry in ipairs(entries) do stored = stored + next_offset(entry) end
            assert.are.equal(seen, stored)
        end)

        it("except the cancelled one and what follows it; what came before it in its batch is", function()
            fill(10)
            local c = consumer {}
            local batch
            h.wait_until(function()
                batch = c:poll_batch(10, 100)
                return #batch == 10
            end)
            batch[4]:cancel()
            assert.is_true(c:close())
            assert.are.equal(3, next_offset())
        end)

        it("and acking it says which option that needs", function()
            fill(1)
            local message = poll(consumer {})
            local err = h.error_of(h.chunk("local m = ...\nm:ack()", "user.lua"), message)
            assert.truthy(err:find("^user.lua:2: ") and err:find('ack="manual"', 1, true), err)
        end)

        it("at hand-over with enable.auto.offset.store, which cannot be mixed with acks", function()
            fill(5)
            local c = consumer { ["enable.auto.offset.store"] = true }
            take(c, 3)
            leave(c)
            assert.are.equal(3, next_offset())
            local err = h.error_of(consumer, { ["enable.auto.offset.store"] = true, ack = "manual" })
            assert.truthy(err:find("enable.auto.offset.store", 1, true), err)
        end)
    end)

    describe('with ack="manual"', function()
        it("when it was acked and all before it were, in any order", function()
            fill(6)
            local c = consumer { ack = "manual" }
            local m = take(c, 6)
            for _, i in ipairs { 5, 2, 1, 4 } do assert.is_true(m[i]:ack()) end
            assert.is_false(m[2]:ack())
            assert.is_true(c:close())
            assert.are.equal(2, next_offset())
        end)

        it("not by asking for the next, and not by close", function()
            fill(3)
            local c = consumer { ack = "manual" }
            take(c, 3)
            assert.is_true(c:close())
            assert.are.equal(0, next_offset())
        end)

        it("never once it was cancelled, nor what follows it", function()
            fill(5)
            local c = consumer { ack = "manual" }
            local m = take(c, 5)
            m[3]:cancel()
            for _, i in ipairs { 4, 5, 1, 2 } do m[i]:ack() end
            assert.is_true(c:close())
            assert.are.equal(2, next_offset())
        end)

        it("for each partition by itself, also from batches", function()
            fill(8, "many")
            local entries = { "many:0", "many:1", "many:2", "many:3" }
            local c, count = consumer { topics = entries, ack = "manual" }, 0
            h.wait_until(function()
                for _, message in ipairs(c:poll_batch(8, 100)) do
                    count = count + 1
                    if message.partition == 1 or message.offset == 0 then message:ack() end
                end
                return count == 8
            end)
            assert.is_true(c:close())
            assert.are.equal(1, next_offset "many:0")
            fill(4, "many")
            assert.are.equal(2, next_offset "many:1")
        end)

        it("and no more than max_unacked are handed out and not stored", function()
            fill(30)
            local told = {}
            local c = consumer { ack = "manual", max_unacked = 10, on_error = function(err) told[#told + 1] = err.name end }
            local m = take(c, 10)
            local start = h.now()
            for _, call in ipairs { "poll", "receive_batch", "poll_batch" } do
                local got, err
                if call == "poll" then got, err = c:poll(100) else got, err = c[call](c, 5, 100) end
                assert.is_nil(got)
                assert.are.equal("_QUEUE_FULL", err.name)
                assert.truthy(err.message:find("max_unacked=10", 1, true) and err.message:find("message:ack()", 1, true))
            end
            assert.is_true(h.now() - start >= 0.25, "it waits for acks until its deadline")
            assert.are.same({ "_QUEUE_FULL" }, told)
            m[2]:ack()
            assert.is_nil((c:poll(0))) -- 1 is still missing
            m[1]:ack()
            assert.are.equal(2, #c:poll_batch(30, 1000))
        end)

        it("and a poll that waits for room goes on when another coroutine acks", function()
            fill(4)
            local c = consumer { ack = "manual", max_unacked = 1 }
            local first, second = poll(c), nil
            kafka.wrap(c, function() coroutine.yield() end)
            local co = coroutine.create(function() second = c:poll(10000) end)
            for _ = 1, 5 do assert(coroutine.resume(co)) end
            assert.is_nil(second)
            first:ack()
            h.wait_until(function()
                assert(coroutine.resume(co))
                return coroutine.status(co) == "dead"
            end)
            kafka.wrap(c, nil)
            assert.are.equal("2", second.value)
        end)

        it("and a descriptor is quiet while nothing can be handed out", function()
            fill(30)
            local c = consumer { ack = "manual", max_unacked = 3 }
            c:pollfd()
            local m = take(c, 3)
            c:poll(0)
            local waited = 0
            kafka.wrap(c, function(_, ms)
                waited = waited + 1
                h.sleep(math.min(ms, 100) / 1000)
            end)
            assert.is_nil((c:poll(300)))
            kafka.wrap(c, nil)
            assert.is_true(waited <= 6, waited .. " waits")
            for _, message in ipairs(m) do message:ack() end
            assert.are.equal("4", c:poll(0).value)
        end)

        it("only if no rebalance came between: its partition may be another's", function()
            fill(8, "many")
            local function member(on_assign)
                return consumer {
                    topics = { "many" }, ack = "manual", on_assign = on_assign,
                    ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 300,
                }
            end
            -- What was not acked comes again with each assignment, to whoever has the partition now.
            local again, theirs = {}, {}
            local c = member(function() again = {} end)
            local m = take(c, 8)
            local other = member(function() theirs = {} end)
            h.wait_until(function()
                local message = c:poll(20) -- by itself: the lists may be new when it returns
                again[#again + 1] = message
                message = other:poll(20)
                theirs[#theirs + 1] = message
                return #again > 0 and #theirs > 0 and #again + #theirs == 8
            end, 30)
            for _, message in ipairs(m) do assert.is_false(message:ack()) end
            local outdated, err = m[1]:commit()
            assert.is_nil(outdated)
            assert.are.equal("_STATE", err.name)
            for _, message in ipairs(again) do assert.is_true(message:ack()) end
        end)
    end)

    describe('with ack="required"', function()
        it("before another one of its partition comes; others flow", function()
            fill(8, "many")
            local c = consumer { topics = { "many:0", "many:1", "many:2", "many:3" }, ack = "required" }
            local m = take(c, 4)
            local partitions = {}
            for _, message in ipairs(m) do partitions[message.partition] = message.offset end
            assert.are.same({ [0] = 0, 0, 0, 0 }, partitions)
            assert.is_nil((c:poll(300)))
            m[2]:ack()
            local after = poll(c)
            assert.are.same({ m[2].partition, 1 }, { after.partition, after.offset })
            m[3]:cancel()
            after = poll(c)
            assert.are.same({ m[3].partition, 1 }, { after.partition, after.offset })
            assert.is_nil((c:poll(100)))
        end)

        it("and a batch holds one of each partition", function()
            fill(40, "many")
            local c = consumer { topics = { "many:0", "many:1", "many:2", "many:3" }, ack = "required" }
            local seen, last = 0, {}
            h.wait_until(function()
                local of = {}
                for _, message in ipairs(c:poll_batch(100, 100)) do
                    assert.is_nil(of[message.partition])
                    assert.are.equal((last[message.partition] or -1) + 1, message.offset)
                    of[message.partition], last[message.partition] = true, message.offset
                    seen = seen + 1
                    message:ack()
                end
                return seen == 40
            end)
        end)

        it("and a partition that waits neither fills the memory nor loses anything", function()
            local values = {}
            for i = 1, 6000 do values[i] = { value = ("x"):rep(100) .. i, partition = i % 2 } end
            h.fill(mock:bootstrap_servers(), "many", values)
            local c = consumer { topics = { "many:0", "many:1" }, ack = "required" }
            local stuck, flowed, deadline = nil, -1, h.now() + 30
            while not (stuck and flowed == 2999) and h.now() < deadline do
                local message = c:poll(100)
                if message and message.partition == 0 then
                    assert.is_nil(stuck)
                    stuck = message
                elseif message then
                    assert.are.equal(flowed + 1, message.offset)
                    flowed = message.offset
                    message:ack()
                end
            end
            assert.are.equal(2999, flowed)
            local offset = stuck.offset
            stuck:ack()
            while offset < 2999 and h.now() < deadline do
                local message = c:poll(100)
                if message then
                    assert.are.same({ 0, offset + 1 }, { message.partition, message.offset })
                    offset = message.offset
                    message:ack()
                end
            end
            assert.are.equal(2999, offset)
        end)
    end)

    describe("when it is committed", function()
        it("by itself, with metadata, and with all before it in its partition", function()
            fill(6)
            local c = consumer { ack = "manual", max_unacked = 3 }
            local m = take(c, 3)
            assert.is_true(m[2]:commit "by hand")
            assert.are.same({ 2, "by hand" }, { c:committed({ "t:0" })[1].offset, c:committed({ "t:0" })[1].metadata })
            assert.is_false(m[1]:ack()) -- no news
            assert.are.equal(2, #take(c, 2)) -- there is room again
            assert.is_true(m[3]:ack())
            assert.is_true(c:close())
            assert.are.equal(3, next_offset())
        end)

        it('and lets the next one come with ack="required"', function()
            fill(3)
            local c = consumer { ack = "required" }
            assert.is_true(poll(c):commit())
            local second = poll(c)
            assert.are.equal("2", second.value)
            assert.is_nil((c:poll(100)))
            assert.is_true(c:commit(second))
            assert.are.equal("3", poll(c).value)
        end)

        it("and a commit without one counts what was handed out last, but no unacked one", function()
            fill(5)
            local c = consumer {}
            take(c, 2)
            assert.is_true(c:commit())
            leave(c)
            assert.are.equal(2, next_offset())
            c = consumer { ack = "manual" }
            local m = take(c, 2)
            m[1]:ack()
            assert.is_true(c:commit())
            assert.are.equal(3, c:committed({ "t:0" })[1].offset)
        end)

        it("unless its partition was sought meanwhile", function()
            fill(5)
            local c = consumer { ack = "manual" }
            local m = take(c, 3)
            assert.is_true(c:seek("t", 0, 1))
            local again = poll(c)
            assert.are.equal(1, again.offset)
            local done, err = m[3]:commit()
            assert.is_nil(done)
            assert.are.equal("_STATE", err.name)
            assert.is_false(m[1]:ack() or m[2]:ack())
            assert.is_true(again:ack())
            assert.is_true(c:close())
            assert.are.equal(2, next_offset())
        end)
    end)

    it("as its own method is told, and nobody else", function()
        fill(1)
        local message = poll(consumer { ack = "manual" })
        for _, name in ipairs { "ack", "cancel", "commit" } do
            for _, wrong in ipairs { false, {}, "x", io.stdout } do
                local err = h.error_of(message[name], wrong)
                assert.truthy(err:find("kafka.Message", 1, true), err)
            end
        end
        assert.is_true(message:ack())
    end)

    it("no more when its consumer is closed", function()
        fill(1)
        local c = consumer { ack = "manual" }
        local message = poll(c)
        c:close()
        local err = h.error_of(h.chunk("local m = ...\nm:ack()", "user.lua"), message)
        assert.are.equal("user.lua:2: attempt to use a closed kafka.Consumer", err)
    end)

    it("and its consumer lives as long as it does, and no longer", function()
        fill(1)
        local c = kafka.consumer {
            ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g", topics = { "t:0" },
            ["auto.offset.reset"] = "earliest", ack = "manual",
        }
        local seen = setmetatable({ c }, { __mode = "v" })
        local message = poll(c)
        c = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        assert.is_true(message:ack())
        message = nil -- luacheck: ignore
        h.wait_until(function()
            collectgarbage()
            return seen[1] == nil
        end)
    end)
end)
