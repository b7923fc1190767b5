-- Receiving: messages as tables, batches, parallel arrays, loops; what errors do to them.
local h = require "spec.helper"
local kafka = h.kafka

describe("receiving", function()
    local mock
    before_each(function() mock = h.mock { topics = { t = 1, many = 4 } } end)
    after_each(h.cleanup)

    local function consumer(options) return h.reader(mock, options) end

    local function fill(count, topic)
        local values = {}
        for i = 1, count do values[i] = { value = tostring(i), partition = topic and i % 4 or 0 } end
        h.fill(mock:bootstrap_servers(), topic or "t", values)
    end

    local poll = h.next_message

    it("gives a message with all that it has, and without what it lacks", function()
        local bytes = "\0\255\r\n"
        h.fill(mock:bootstrap_servers(), "t", {
            { value = "v", key = "k", partition = 0, headers = { { "a", "1" }, { bytes:sub(2), bytes }, { "a" }, { "a", "" } } },
            { partition = 0 }, { value = "", key = "", partition = 0 },
        })
        local c = consumer {}
        local message = poll(c)
        assert.are.same({ "t", 0, 0, "k", "v" }, { message.topic, message.partition, message.offset, message.key, message.value })
        assert.are.same({ { "a", "1" }, { bytes:sub(2), bytes }, { "a" }, { "a", "" } }, message.headers)
        assert.are.equal("create_time", message.timestamp_type)
        assert.is_true(math.abs(message.timestamp / 1000 - os.time()) < 60)
        assert.are.equal("number", type(message.leader_epoch))
        assert.are.equal("kafka.Message: t [0] at offset 0", tostring(message))
        message = poll(c)
        assert.are.same({ nil, nil, nil, 1 }, { message.key, message.value, message.headers, message.offset })
        message = poll(c)
        assert.are.same({ "", "", nil, 2 }, { message.key, message.value, message.headers, message.offset })
    end)

    it("tells by the leader's epoch under which leader a message was written", function()
        local two = h.mock { brokers = 2, topics = { t = 1 } }
        for leader = 1, 2 do
            two:set_leader("t", 0, leader)
            h.fill(two:bootstrap_servers(), "t", { { value = "by " .. leader, partition = 0 } })
        end
        local c = h.reader(two, {})
        local first, second = poll(c), poll(c)
        assert.are.same({ "by 1", "by 2" }, { first.value, second.value })
        assert.is_true(first.leader_epoch >= 0)
        assert.are.equal(first.leader_epoch + 1, second.leader_epoch)
    end)

    it("gives headers of any bytes and any number", function()
        local many = {}
        for i = 1, 10000 do many[i] = { "\255\254" .. i, i % 2 == 0 and "\0" .. i or nil } end
        h.fill(mock:bootstrap_servers(), "t", {
            { value = "v", partition = 0, headers = many }, { partition = 0, headers = { { "", "" } } },
            -- librdkafka keeps an empty value elsewhere than in its record.
            { value = "", partition = 0, headers = { { "of", "nothing" } } }, { value = "w", partition = 0 },
        })
        local c = consumer {}
        local headers = poll(c).headers
        assert.are.equal(10000, #headers)
        for i = 1, 10000 do
            assert.are.equal(many[i][1], headers[i][1])
            assert.are.equal(many[i][2], headers[i][2])
        end
        assert.are.same({ { "", "" } }, poll(c).headers)
        assert.are.same({ { "of", "nothing" } }, poll(c).headers)
        assert.is_nil(poll(c).headers)
    end)

    it("gives numbers as integers where Lua has them", function()
        fill(1)
        local message = poll(consumer {})
        if not math.type then return end -- luacheck: ignore
        for _, name in ipairs { "partition", "offset", "timestamp", "leader_epoch" } do
            assert.are.equal("integer", math.type(message[name]), name) -- luacheck: ignore
        end
    end)

    it("returns a batch as soon as something is there, up to what was asked for, in order", function()
        fill(700)
        local c, all = consumer {}, {}
        while #all < 700 do
            local start = h.now()
            local batch = assert(c:poll_batch(300, 10000))
            assert.is_true(#batch > 0 and #batch <= 300)
            assert.is_true(h.now() - start < 9)
            for _, message in ipairs(batch) do all[#all + 1] = message end
        end
        for i, message in ipairs(all) do assert.are.equal(tostring(i), message.value) end
        assert.are.same({}, c:poll_batch(10, 0))
    end)

    it("gives parallel arrays without holes", function()
        h.fill(mock:bootstrap_servers(), "t", {
            { value = "v", key = "k", partition = 0 }, { partition = 0, key = "" }, { value = "", partition = 0 },
        })
        local c = consumer {}
        local got, payloads, topics, partitions, keys, offsets = 0, {}, {}, {}, {}, {}
        h.wait_until(function()
            local n, p, t, q, k, o = c:receive_batch(2, 100)
            for i = 1, n do
                payloads[got + i], topics[got + i], partitions[got + i] = p[i], t[i], q[i]
                keys[got + i], offsets[got + i] = k[i], o[i]
            end
            assert.is_true(n <= 2)
            got = got + n
            return got == 3
        end)
        assert.are.same({ { "v", false, "" }, { "t", "t", "t" }, { 0, 0, 0 }, { "k", "", false }, { 0, 1, 2 } },
            { payloads, topics, partitions, keys, offsets })
        assert.are.same({ 0, {}, {}, {}, {}, {} }, { c:receive_batch(10, 0) })
    end)

    it("tells topics and partitions apart within one batch", function()
        mock:create_topic("other", 2)
        fill(40, "many")
        h.fill(mock:bootstrap_servers(), "other", { { value = "x", partition = 0 }, { value = "y", partition = 1 } })
        local c = consumer { topics = { "many:0", "many:1", "many:2", "many:3", "other:0", "other:1" } }
        local seen, count = {}, 0
        h.wait_until(function()
            local n, p, t, q = c:receive_batch(100, 100)
            for i = 1, n do
                seen[t[i] .. q[i]] = p[i]
                count = count + 1
            end
            return count == 42
        end)
        assert.are.same({ many0 = "40", many1 = "37", many2 = "38", many3 = "39", other0 = "x", other1 = "y" }, seen)
    end)

    it("does not wait with timeout 0, and as long as it is told otherwise", function()
        local c = consumer {}
        c:poll(0)
        local start = h.now()
        for _ = 1, 10 do
            c:poll(0)
            c:poll_batch(5, 0)
            c:receive_batch(5, 0)
        end
        assert.is_true(h.now() - start < 0.5)
        for _, call in ipairs { function() c:poll(300) end, function() c:poll_batch(5, 300) end, function() c:receive_batch(5, 300) end } do
            start = h.now()
            call()
            assert.is_true(h.now() - start >= 0.29)
        end
    end)

    it("tells the end of a partition as a message without a value", function()
        fill(3)
        local c = consumer { ["enable.partition.eof"] = true }
        local ends, values = {}, {}
        for message in c:messages { limit = 4, timeout = 10000 } do
            if message.eof then ends[#ends + 1] = message else values[#values + 1] = message.value end
        end
        assert.are.same({ "1", "2", "3" }, values)
        assert.are.equal(1, #ends)
        assert.are.same({ "t", 0, 3, true }, { ends[1].topic, ends[1].partition, ends[1].offset, ends[1].eof })
        assert.is_nil(ends[1].value or ends[1].timestamp or ends[1].headers)
        fill(1)
        local n = h.wait_until(function()
            local got = c:receive_batch(10, 100)
            return got > 0 and got
        end)
        assert.are.equal(1, n)
    end)

    describe("in a loop", function()
        it("ends at its limit, and when nothing came in time", function()
            fill(5)
            local c, seen = consumer {}, {}
            for message in c:messages { limit = 3 } do seen[#seen + 1] = message.value end
            assert.are.same({ "1", "2", "3" }, seen)
            for message in c:messages { timeout = 300 } do seen[#seen + 1] = message.value end
            assert.are.same({ "1", "2", "3", "4", "5" }, seen)
            for _ in c:messages { limit = 0 } do error("no body was asked for") end
        end)

        it("counts a body as done when it ended, the last one too, and not when it was left early", function()
            fill(6)
            local c = consumer {}
            for _ in c:messages { limit = 2 } do end -- luacheck: ignore
            assert.is_true(c:close())
            c = consumer {}
            local next_one = c:messages() -- what `for` calls
            assert.are.equal("3", next_one().value)
            -- Asking for the next one says that it is done after all.
            assert.are.equal("4", poll(c).value)
        end)

        it("ends by cancel, and the cancelled message comes again", function()
            fill(6)
            local c, seen = consumer {}, {}
            for message in c:messages() do
                seen[#seen + 1] = message.value
                if message.value == "3" then message:cancel() end
            end
            assert.are.same({ "1", "2", "3" }, seen)
            assert.are.equal("4", poll(c).value) -- the program may go on
            assert.is_true(c:close())
            assert.are.equal("3", poll(consumer {}).value)
        end)

        it("goes on after a loop in its body has ended; a cancel ends both", function()
            fill(9)
            local c, outer, inner = consumer {}, {}, {}
            for message in c:messages { limit = 6 } do
                outer[#outer + 1] = message.value
                if #outer == 1 then
                    for within in c:messages { limit = 2 } do inner[#inner + 1] = within.value end
                end
                if #outer == 3 then
                    for within in c:messages() do
                        inner[#inner + 1] = within.value
                        within:cancel()
                    end
                end
            end
            assert.are.same({ "1", "4", "5" }, outer)
            assert.are.same({ "2", "3", "6" }, inner)
        end)

        it("ends when its body closes the consumer", function()
            fill(3)
            local c, count = consumer {}, 0
            for _ in c:messages() do
                count = count + 1
                c:close()
            end
            assert.are.equal(1, count)
        end)

        it("takes a function instead, and says how many it got", function()
            fill(5)
            local c, seen = consumer {}, {}
            local function keep(message) seen[#seen + 1] = message.value end
            assert.are.equal(2, c:each({ limit = 2 }, keep))
            assert.are.equal(3, c:each({ timeout = 300 }, function(message)
                keep(message)
                if message.value == "5" then message:cancel() end
            end))
            assert.are.same({ "1", "2", "3", "4", "5" }, seen)
            fill(1)
            local err = h.error_of(c.each, c, function() error("by the body") end)
            assert.truthy(err:find("by the body", 1, true))
        end)

        it("yields through a replaced wait, except in a for of plain 5.1", function()
            fill(3)
            local c, waits = consumer {}, 0
            kafka.wrap(c, function(_, ms)
                waits = waits + 1
                coroutine.yield(ms)
            end)
            local seen = {}
            local co = coroutine.create(function()
                if _VERSION == "Lua 5.1" and not h.is_jit then
                    local err = h.error_of(h.chunk("local c = ...\n for _ in c:messages() do end", "user.lua"), c)
                    assert.truthy(err:find("^user.lua:2: ") and err:find("client:each", 1, true), err)
                    c:each({ limit = 3 }, function(message) seen[#seen + 1] = message.value end)
                else
                    for message in c:messages { limit = 3 } do seen[#seen + 1] = message.value end
                end
            end)
            h.wait_until(function()
                assert(coroutine.resume(co))
                return coroutine.status(co) == "dead"
            end)
            kafka.wrap(c, nil)
            assert.are.same({ "1", "2", "3" }, seen)
            assert.is_true(waits > 0)
        end)

        it("goes on over errors that pass, and raises those it cannot go on after", function()
            local errors = {}
            local c = consumer { topics = { "nowhere-to-be-found:3" }, on_error = function(err) errors[#errors + 1] = err.name end }
            for _ in c:messages { timeout = 1500 } do error("nothing was written") end
            assert.is_true(#errors > 0)
        end)
    end)

    it("names topic, partition and offset when an offset is out of range and the policy is to say so", function()
        local c = consumer { ["auto.offset.reset"] = "error" }
        local err
        h.wait_until(function()
            local message, why = c:poll(100)
            assert.is_nil(message)
            err = why
            return err
        end)
        assert.are.equal("_AUTO_OFFSET_RESET", err.name)
        assert.truthy(err.message:find("^t %[0%]"), err.message)
        c = consumer { ["auto.offset.reset"] = "error", ["group.id"] = "loop" }
        err = h.error_of(function() for _ in c:messages() do error("nothing was written") end end)
        assert.are.equal("_AUTO_OFFSET_RESET", err.name)
    end)

    it("returns an error of a topic once a cause, and tells on_error", function()
        local told = {}
        local c = consumer { topics = { "absent:9" }, on_error = function(err) told[#told + 1] = err.name end }
        local err = h.wait_until(function() return select(2, c:poll(100)) end)
        assert.truthy(err.message:find("absent", 1, true), err.message)
        local again = 0
        for _ = 1, 20 do
            if select(2, c:poll(20)) then again = again + 1 end
        end
        assert.are.equal(0, again)
    end)

    it("raises for a consumer without a group, which can begin without topics", function()
        local c = h.track(kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers() })
        for _, call in ipairs { "poll", "receive", "messages" } do
            local err = h.error_of(h.chunk("local c = ...\nc:" .. call .. "()", "user.lua"), c)
            assert.truthy(err:find("^user.lua:2: ") and err:find("group.id", 1, true), err)
        end
        assert.is_true(c:close())
        local err = h.error_of(kafka.consumer, { ["bootstrap.servers"] = h.nowhere, topics = { "t" } })
        assert.truthy(err:find("group.id", 1, true), err)
    end)

    it("may begin without topics in a group: nothing comes then", function()
        local c = h.track(kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g" })
        assert.are.same({ n = 1 }, { n = select("#", c:poll(100)), c:poll(0) })
    end)

    it("raises the first error of a callback, once, and loses nothing by it", function()
        fill(5)
        local failing = true
        local c = consumer {
            ["statistics.interval.ms"] = 50, on_stats = function() if failing then error("by a callback", 0) end end,
        }
        local seen, raised = {}, 0
        h.wait_until(function()
            local ok, message = pcall(c.poll, c, 50)
            if not ok then
                assert.are.equal("by a callback", message)
                raised = raised + 1
            elseif message then
                seen[#seen + 1] = message.value
            end
            return #seen == 5 and raised > 0
        end)
        failing = false -- close serves callbacks too
        assert.are.same({ "1", "2", "3", "4", "5" }, seen)
    end)

    it("ends at once when a callback closes the consumer", function()
        local c
        c = consumer { ["statistics.interval.ms"] = 20, on_stats = function() c:close() end }
        local message, err = c:poll(10000)
        assert.is_nil(message)
        assert.are.equal("_DESTROY", err.name)
        assert.has_error(function() c:poll_batch(1) end)
    end)
end)
