-- Committing: what a commit covers, whom it tells, and that it keeps its deadline.
local h = require "spec.helper"
local kafka = h.kafka

describe("a commit", function()
    local mock
    before_each(function()
        mock = h.mock { topics = { t = 2 } }
        local values = {}
        for i = 0, 19 do values[i + 1] = { value = tostring(i), partition = i % 2 } end
        h.fill(mock:bootstrap_servers(), "t", values)
    end)
    after_each(h.cleanup)

    local function reading(conf)
        conf = conf or {}
        conf["bootstrap.servers"], conf["group.id"] = mock:bootstrap_servers(), "g"
        conf["enable.auto.commit"] = conf["enable.auto.commit"] or false
        local c = h.track(kafka.consumer(conf))
        assert(c:assign { { topic = "t", partition = 0, offset = 0 } })
        return c
    end

    local function next_of(c)
        return h.wait_until(function() return c:poll(100) end, 15, "a message")
    end

    local function committed(c) return assert(c:committed { "t:0" })[1] end

    it("of nothing in particular covers what was handed out last", function()
        local c = reading()
        assert.is_nil(committed(c).offset)
        for _ = 1, 3 do next_of(c) end
        assert.is_true(c:commit())
        assert.equal(3, committed(c).offset)
    end)

    it("of a message covers the offset after it, with metadata, and of a list what it says", function()
        local c = reading()
        local first = next_of(c)
        next_of(c)
        assert.is_true(c:commit(first))
        assert.equal(1, committed(c).offset)
        assert.is_true(first:commit "a note")
        assert.same({ 1, "a note" }, { committed(c).offset, committed(c).metadata })
        assert.is_true(c:commit { { topic = "t", partition = 0, offset = 7, metadata = "b" } })
        local place = committed(c)
        assert.same({ 7, "b" }, { place.offset, place.metadata })
        assert.is_true(c:commit { place })
    end)

    it("of the end of a partition does not step over what is written there next", function()
        local c = reading { ["enable.partition.eof"] = true }
        local message
        repeat message = next_of(c) until message.eof
        assert.equal(10, message.offset)
        assert.is_true(message:commit())
        assert.equal(10, committed(c).offset)
        assert.is_true(c:commit(message))
        assert.is_true(c:store(message))
        assert.is_true(c:commit())
        assert.equal(10, committed(c).offset)
    end)

    it("that was begun without waiting is answered before the consumer has closed, or is told that it did", function()
        local c, told = reading(), {}
        next_of(c)
        committed(c) -- the coordinator is known from here on: close gives answers 400 ms
        local function keep(err, offsets) told[#told + 1] = err and err.name or offsets[1].offset end
        assert.is_true(c:commit_async({ { topic = "t", partition = 0, offset = 4 } }, keep))
        assert.is_true(c:close())
        assert.same({ 4 }, told)
        c = reading()
        mock:broker_down(1)
        assert.is_true(c:commit_async({ { topic = "t", partition = 0, offset = 5 } }, keep))
        c:close(0)
        assert.same({ 4, "_DESTROY" }, told)
    end)

    it("passes over partitions that position() and committed() know no offset of, and does nothing when there are no others", function()
        local c = reading()
        assert(c:assign { { topic = "t", partition = 0, offset = "earliest" }, { topic = "t", partition = 1, offset = "earliest" } })
        assert(c:pause { "t:1" })
        for _, list in ipairs { assert(c:position()), assert(c:committed()), {} } do
            local heard
            for _, place in ipairs(list) do assert.is_nil(place.offset) end
            assert.is_true(c:store(list))
            assert.is_true(c:commit(list))
            assert.is_true(c:commit_async(list, function(err, offsets) heard = { err or false, offsets } end))
            h.wait_until(function() return heard or c:commit {} and nil end)
            assert.same({ false, {} }, heard)
        end
        assert.is_nil(committed(c).offset)
        next_of(c)
        local list = c:position()
        assert.equal(2, #list)
        assert.is_true(c:commit(list))
        list = assert(c:committed())
        assert.same({ 1 }, { list[1].offset, list[2].offset })
        assert.is_true(c:commit(list))
        assert.is_true(c:store(list))
    end)

    it("still refuses an entry that cannot have an offset or misspells it", function()
        local c = reading()
        for _, name in ipairs { "commit", "commit_async", "store" } do
            for _, wrong in ipairs {
                { { { topic = "t", partition = 0, ofset = 3 } }, "entry 1: unknown field \"ofset\"" },
                { { "t:0" }, "entry 1: offset: missing for t [0]" }, { { t = { 0 } }, "entry \"t\": offset: missing for t [0]" },
                { { { topic = "t" } }, "entry 1: \"t\" names no partition" },
            } do
                local err = h.error_of(c[name], c, wrong[1])
                assert.truthy(err:find(name .. ": " .. wrong[2], 1, true), err)
            end
        end
    end)

    it("takes the next offset to read, and refuses a word for a place, which would commit nothing", function()
        local c = reading()
        next_of(c)
        for _, place in ipairs { "earliest", "stored", kafka.offset_tail(2) } do
            for _, name in ipairs { "commit", "commit_async", "store" } do
                local err = h.error_of(c[name], c, { { topic = "t", partition = 0, offset = place } })
                assert.truthy(err:find(name .. ": entry 1: offset: the next one to read expected (a whole number from 0), got ", 1, true), err)
            end
        end
    end)

    it("of a message whose consumer is closed is an error at the line that asks", function()
        local c = reading()
        local message = next_of(c)
        assert(c:close())
        assert.equal("user.lua:2: attempt to use a closed kafka.Consumer",
            h.error_of(h.chunk("local message = ...\nmessage:commit()\nreturn 1", "user.lua"), message))
    end)

    it("refuses a message from before a seek, and a single entry where a list is due", function()
        local c = reading()
        local message = next_of(c)
        assert(c:seek("t", 0, 5))
        local ok, err = c:commit(message)
        assert.same({ nil, "_STATE" }, { ok, err.name })
        assert.truthy(h.error_of(c.commit, c, { topic = "t", partition = 0, offset = 1 }):find("a list of offsets expected", 1, true))
    end)

    it("covers what store has stored", function()
        local c = reading { ack = "manual" }
        next_of(c)
        assert.is_true(c:store { { topic = "t", partition = 0, offset = 4 } })
        local ok, err = c:store { { topic = "t", partition = 1, offset = 4 } }
        assert.same({ nil, "_STATE" }, { ok, err.name })
        assert.is_true(c:commit())
        assert.equal(4, committed(c).offset)
    end)

    it("in the background tells its function and on_commit, in the order of the calls", function()
        local told, last = {}, nil
        local c = reading { on_commit = function(err, offsets) last = not err and offsets[1].offset end }
        next_of(c)
        for offset = 1, 5 do
            assert.is_true(c:commit_async({ { topic = "t", partition = 0, offset = offset } }, function(err, offsets)
                told[#told + 1] = err or offsets[1].offset
            end))
        end
        h.wait_until(function()
            c:poll(20)
            return #told == 5 and last == 5
        end)
        assert.same({ 1, 2, 3, 4, 5 }, told)
        assert.equal(5, committed(c).offset)
    end)

    -- Turns red when a commit does not wait for the one before (is_over in client/commits.rs).
    it("never passes an older one, however many come while the coordinator is looked for", function()
        mock:set_rtt(1, 40)
        local told, called = {}, 0
        local c = reading()
        local function tell(err, offsets) told[#told + 1] = err or offsets[1].offset end
        local deadline = h.now() + 10
        repeat
            for _ = 1, 20 do
                called = called + 1
                assert.is_true(c:commit_async({ { topic = "t", partition = 0, offset = called } }, tell))
            end
            c:poll(0)
        until #told > 0 or h.now() > deadline
        called = called + 1
        assert.is_true(c:commit { { topic = "t", partition = 0, offset = called } })
        assert.equal(called, committed(c).offset)
        h.wait_until(function()
            c:poll(0)
            return #told == called - 1
        end, 60)
        for i, offset in ipairs(told) do assert.equal(i, offset) end
    end)

    it("never passes one that is tried again, and tells each call of the offsets it named", function()
        for _, refused in ipairs { "COORDINATOR_LOAD_IN_PROGRESS", "REQUEST_TIMED_OUT" } do
            local c, told = reading(), {}
            assert(c:commit { { topic = "t", partition = 0, offset = 1 } }) -- the coordinator is known from here on
            mock:push_errors("OffsetCommit", { refused })
            for offset = 2, 6 do
                assert(c:commit_async({ { topic = "t", partition = offset % 2, offset = offset, metadata = "m" .. offset } }, function(err, offsets)
                    told[#told + 1] = err and err.name or ("%d:%d %s"):format(offsets[1].partition, offsets[1].offset, offsets[1].metadata)
                    assert.equal(1, #offsets)
                end))
            end
            assert.is_true(c:commit { { topic = "t", partition = 0, offset = 7 } })
            c:poll(0)
            assert.same({ "0:2 m2", "1:3 m3", "0:4 m4", "1:5 m5", "0:6 m6" }, told)
            assert.equal(7, committed(c).offset)
            assert.equal(5, assert(c:committed { "t:1" })[1].offset)
            assert.is_true(c:close())
        end
    end)

    -- One by one they would take a session each.
    it("waits together with others for a coordinator that is not to be found", function()
        local nobody = {}
        for i = 1, 200 do nobody[i] = "COORDINATOR_NOT_AVAILABLE" end
        mock:push_errors("FindCoordinator", nobody)
        local told, first = 0, nil
        local c = reading { ["session.timeout.ms"] = 1000 }
        for offset = 1, 20 do
            assert.is_true(c:commit_async({ { topic = "t", partition = 0, offset = offset } }, function(err)
                assert.is_truthy(err)
                told, first = told + 1, first or h.now()
            end))
        end
        h.wait_until(function()
            c:poll(20)
            return told == 20
        end, 30)
        assert.is_true(h.now() - first < 10)
    end)

    -- A program whose wait is dropped: the commit it asked for is still made, and others after it.
    it("that nobody waits for any more holds up no other", function()
        local told = {}
        local c = reading()
        coroutine.wrap(function() c:commit { { topic = "t", partition = 0, offset = 1 } } end)()
        collectgarbage()
        collectgarbage()
        for offset = 2, 4 do
            c:commit_async({ { topic = "t", partition = 0, offset = offset } }, function(err, offsets)
                told[#told + 1] = err and err.name or offsets[1].offset
            end)
        end
        assert.is_true(c:close())
        assert.same({ 2, 3, 4 }, told)
        assert.equal(4, committed(reading()).offset)
    end)

    it("that waits for another is made when its consumer is collected", function()
        do
            local c = kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g" }
            for offset = 1, 4 do assert.is_true(c:commit_async { { topic = "t", partition = 0, offset = offset } }) end
        end
        collectgarbage()
        collectgarbage()
        local other = reading()
        h.wait_until(function() return committed(other).offset == 4 end)
    end)

    local function closing(on_commit, auto)
        return reading {
            ["enable.auto.commit"] = auto ~= false, ["auto.commit.interval.ms"] = 3600000, on_commit = on_commit,
        }
    end

    it("that close makes tells on_commit before close returns, one that was refused as well", function()
        for _, case in ipairs { { {}, { 2 } }, { { "GROUP_AUTHORIZATION_FAILED" }, { "GROUP_AUTHORIZATION_FAILED", 2 } } } do
            local told = {}
            local c
            c = closing(function(err, list)
                assert.is_true(c:closed())
                told[#told + 1] = err and err.name or list[1].offset
            end)
            next_of(c)
            next_of(c)
            mock:push_errors("OffsetCommit", case[1])
            assert.is_true(c:close())
            assert.same(case[2], told)
        end
    end)

    it("that close makes is made whatever on_commit does, and what that raises comes out of close", function()
        local thrown, told = {}, 0
        local c = closing(function()
            told = told + 1
            error(thrown, 0)
        end)
        next_of(c)
        assert.equal(thrown, h.error_of(c.close, c))
        assert.equal(1, told)
        assert.is_true(c:close())
        assert.equal(1, committed(reading()).offset)
    end)

    -- Turns red when serve_closing (native/consumer.rs) drops answers.
    it("whose answer comes while the group is being left tells on_commit before close returns", function()
        for _, auto in ipairs { false, true } do
            local told = {}
            local c = closing(function(err, list) told[#told + 1] = err and err.name or list[1].offset end, auto)
            next_of(c)
            assert(c:commit { { topic = "t", partition = 0, offset = 3 } }) -- the coordinator is known from here on
            mock:set_rtt(1, 700)
            assert.is_true(c:commit_async { { topic = "t", partition = 0, offset = 4 } })
            assert.is_true(c:close())
            mock:set_rtt(1, 0)
            -- With auto commit librdkafka commits once more what is stored: what the list said.
            assert.same(auto and { 3, 4, 4 } or { 3, 4 }, told)
        end
    end)

    it("that is automatic tells on_commit, too", function()
        local offset
        local c = reading {
            ["enable.auto.commit"] = true, ["auto.commit.interval.ms"] = 50, on_commit = function(_, list) offset = list[1].offset end,
        }
        h.wait_until(function()
            c:poll(20)
            return offset == 10
        end)
    end)

    it("keeps its deadline while the broker is silent, and says what it waited for", function()
        local c = reading()
        next_of(c)
        assert(c:commit())
        mock:set_rtt(1, 3000)
        local started = h.now()
        local ok, err = c:commit({ { topic = "t", partition = 0, offset = 3 } }, 200)
        assert.same({ nil, "_TIMED_OUT" }, { ok, err.name })
        assert.truthy(err.message:find("commit", 1, true))
        assert.is_true(h.now() - started < 2.5)
        mock:set_rtt(1, 0)
    end)
end)
