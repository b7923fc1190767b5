-- A Lua function as partitioner: asked inside the call that produces.
local h = require "spec.helper"
local places = require "spec.support.places"
local kafka = h.kafka

local CLOSED = "attempt to use a closed kafka.Producer"

local producer, noting = places.producer, places.noting

describe("A partitioner in Lua", function()
    after_each(h.cleanup)

    it("gets topic, key and number of partitions, and its choice is where the message goes", function()
        local mock = h.mock{ topics = { t = 4, u = 9 } }
        local asked = {}
        local p, went = noting(mock:bootstrap_servers(), {
            partitioner = function(...)
                asked[#asked + 1] = { select("#", ...), ... }
                return tonumber((select(2, ...))) or 1
            end,
        })
        assert.is_true(p:produce("t", "a", "3"))
        assert.same({ { 3, "t", "3", 4 } }, asked) -- before produce returned
        assert.is_true(p:produce("u", "b", 8))
        assert.is_true(p:produce("t", "c"))
        assert.same({ { 3, "t", "3", 4 }, { 3, "u", "8", 9 }, { 3, "t", nil, 4 } }, asked)
        assert.is_true(p:flush())
        assert.same({ a = 3, b = 8, c = 1 }, went)
    end)

    it("is asked by send for partition -1, and not when a partition is named", function()
        local mock = h.mock{ topics = { t = 4 } }
        local calls = 0
        local p, went = noting(mock:bootstrap_servers(), { partitioner = function()
            calls = calls + 1
            return 3
        end })
        p:create_topic("t")
        assert.equal(0, p:send("t", -1, 1, "open"))
        assert.equal(1, calls)
        assert.equal(0, p:send("t", 2, 2, "named"))
        assert.is_true(p:produce("t", "named too", nil, { partition = 0 }))
        assert.equal(1, calls)
        assert.is_true(p:produce("t", "open too", nil, { partition = -1 }))
        assert.equal(2, calls)
        assert.is_true(p:flush())
        assert.same({ open = 3, named = 2, ["named too"] = 0, ["open too"] = 3 }, went)
        assert.matches("invalid topic", h.error_of(p.send, p, "unknown", -1, 3, "x"), 1, true)
    end)

    it("is asked in each way to produce: one table, batches, with a handle, waiting, on_full=block", function()
        local mock = h.mock{ topics = { t = 4, u = 2 } }
        for _, on_full in ipairs{ "error", "block" } do
            local asked = 0
            local p, went = noting(mock:bootstrap_servers(), { on_full = on_full, partitioner = function(topic, key, count)
                asked = asked + 1
                return topic == "u" and count - 1 or tonumber(key) or 2
            end })
            p:create_topic("t")
            assert.is_true(p:produce{ topic = "t", value = "table", key = "3" })
            assert.is_true(p:produce{ topic = "t", value = "table named", partition = 0 })
            assert.equal(0, p:send("t", -1, 1, "send"))
            local delivery = assert(p:produce_async("t", "async", "1"))
            assert.equal(3, assert(p:produce_sync{ topic = "t", value = "sync", key = 3 }).partition)
            assert.equal(1, assert(delivery:wait()).partition)
            assert.equal(4, p:produce_batch("t", { "b1", { value = "b2", key = "3" }, { value = "b3", partition = 0 }, { topic = "u", value = "b4" } }))
            assert.equal(1, (p:produce_batch({ { topic = "u", value = "skipped" }, { topic = "u", value = "b5" } }, { from = 2 })))
            assert.equal(1, (p:produce_batch("t", { "b6" }, { partition = 1 })))
            assert.is_true(p:flush())
            assert.equal(8, asked)
            assert.same({
                table = 3, ["table named"] = 0, send = 2, async = 1, sync = 3, b1 = 2, b2 = 3, b3 = 0, b4 = 1, b5 = 1, b6 = 1,
            }, went)
        end
    end)

    it("that chooses wrongly within a batch raises before anything of it is sent", function()
        local mock = h.mock{ topics = { t = 4 } }
        local p = producer(mock:bootstrap_servers(), { partitioner = function(_, key) return tonumber(key) end })
        local batch = h.chunk("local p, list = ...\nlocal n = p:produce_batch('t', list)")
        local err = h.error_of(batch, p, { { value = "a", key = "1" }, { value = "b", key = "4" } })
        assert.matches("^user%.lua:2: partitioner: a partition from 0 to 3 expected for topic t, got 4", err)
        err = h.error_of(h.chunk("local p = ...\nlocal ok = p:produce{ topic = 't', value = 'v', key = 'x' }"), p)
        assert.matches("^user%.lua:2: partitioner: a partition from 0 to 3 expected for topic t, got nil", err)
        assert.equal(0, #p)
    end)

    it("lets a batch tell by index what is wrong with a message, or with its topic", function()
        local mock = h.mock{ topics = { t = 4, gone = 1 } }
        mock:set_topic_error("gone", "UNKNOWN_TOPIC_OR_PART")
        local p = producer(mock:bootstrap_servers(), { partitioner = function() return 0 end, partitioner_timeout = 200 })
        local accepted, errors = p:produce_batch{
            { topic = "t", value = "a" }, { topic = "gone", value = "b" }, true, { topic = "t", value = "c" }, { topic = "gone", value = "d" },
        }
        assert.equal(2, accepted)
        assert.equal("UNKNOWN_TOPIC_OR_PART", errors[2].name)
        assert.equal("_INVALID_ARG", errors[3].name)
        assert.equal("UNKNOWN_TOPIC_OR_PART", errors[5].name)
        assert.is_nil(errors[1] or errors[4] or errors.first)
        assert.equal(2, #p)
    end)

    it("leaves resumption of a batch to the queue's limit as it is", function()
        local mock = h.mock{ topics = { t = 4 } }
        local p, went = noting(mock:bootstrap_servers(), { partitioner = function(_, key) return tonumber(key) end, ["queue.buffering.max.messages"] = 3 })
        local list = {}
        for i = 1, 8 do list[i] = { value = "m" .. i, key = i % 4 } end
        local accepted, errors = p:produce_batch("t", list)
        assert.same({ 3, 4, "_QUEUE_FULL" }, { accepted, errors.first, errors[4].name })
        assert.is_true(p:flush())
        accepted, errors = p:produce_batch("t", list, { from = errors.first })
        assert.same({ 3, 7, "_QUEUE_FULL" }, { accepted, errors.first, errors[7].name })
        assert.is_true(p:flush())
        accepted, errors = p:produce_batch("t", list, { from = errors.first })
        assert.equal(2, accepted)
        assert.is_nil(errors)
        assert.is_true(p:flush())
        assert.same({ m1 = 1, m2 = 2, m3 = 3, m4 = 0, m5 = 1, m6 = 2, m7 = 3, m8 = 0 }, went)
    end)

    it("is asked once for each message of a batch that waits for room", function()
        local mock = h.mock{ topics = { t = 4 } }
        local asked = 0
        local p, went = noting(mock:bootstrap_servers(), {
            on_full = "block", ["queue.buffering.max.messages"] = 5, ["message.max.bytes"] = 1000, partitioner = function()
                asked = asked + 1
                return asked % 4
            end,
        })
        local list = { "never", { value = ("x"):rep(2000) } }
        for i = 3, 60 do list[i] = "m" .. i end
        local accepted, errors = p:produce_batch("t", list, { from = 2 })
        assert.same({ 58, "MSG_SIZE_TOO_LARGE" }, { accepted, errors[2].name })
        assert.is_nil(errors.first)
        assert.is_true(p:flush())
        assert.equal(59, asked)
        for i = 3, 60 do assert.equal((i - 1) % 4, went["m" .. i]) end
    end)

    it("leaves the other options of a message as they are", function()
        local mock = h.mock{ topics = { t = 4 } }
        local p = producer(mock:bootstrap_servers(), { partitioner = function() return 2 end })
        local got
        local options = setmetatable({ headers = { { "h", "1" } } }, { __index = {
            on_delivery = function(err, report) got = assert(not err and report) end, opaque = "mine",
        } })
        assert.is_true(p:produce("t", { "joi", "ned" }, "k", options))
        assert.is_nil(rawget(options, "partition"))
        assert.is_true(p:flush())
        assert.same({ 2, "joined", "k", "mine" }, { got.partition, got.value, got.key, got.opaque })
        assert.same({ { "h", "1" } }, got.headers)
        local err = h.error_of(p.produce, p, "t", "v", "k", { opaqe = 1 })
        assert.matches("did you mean 'opaque'", err, 1, true)
    end)

    it("that chooses wrongly is told at the line that produced, and nothing is sent", function()
        local mock = h.mock{ topics = { t = 4 } }
        local choice
        local p = producer(mock:bootstrap_servers(), { partitioner = function() return choice end })
        local produce = h.chunk("local p = ...\nlocal ok = p:produce('t', 'v', 'k')")
        local send = h.chunk("local p = ...\nlocal code = p:send('t', -1, 1, 'v')")
        p:create_topic("t")
        for _, wrong in ipairs{ "nil", -1, 4, 1.5, 2 ^ 53, 0 / 0, 1 / 0, "1", true, {} } do
            choice = wrong
            if wrong == "nil" then choice = nil end
            for _, use in ipairs{ produce, send } do
                local err = h.error_of(use, p)
                assert.matches("^user%.lua:2: partitioner: a partition from 0 to 3 expected for topic t, got ", err)
            end
        end
        assert.equal(0, #p)
        choice = 0
        assert.same({ n = 1, true }, { n = select("#", p:produce("t", "v")), true })
        assert.equal(1, #p)
    end)

    it("that raises has its error come out as it is, and nothing is sent", function()
        local mock = h.mock{ topics = { t = 4 } }
        local failure = { "mine" }
        local p = producer(mock:bootstrap_servers(), { partitioner = function() error(failure) end })
        local ok, err = pcall(p.produce, p, "t", "v")
        assert.is_false(ok)
        assert.equal(failure, err)
        assert.equal(0, #p)
    end)

    it("may produce, poll, collect garbage and close inside", function()
        local mock = h.mock{ topics = { t = 4, other = 4 } }
        local p
        local act
        p = producer(mock:bootstrap_servers(), { partitioner = function(topic)
            if topic == "t" then act() end
            return 0
        end })
        act = function() assert(p:produce("other", "v")) end
        assert.is_true(p:produce("t", "v"))
        act = function()
            p:poll(0)
            collectgarbage()
        end
        assert.is_true(p:produce("t", "v"))
        assert.is_true(p:flush())
        act = function() p:close() end
        assert.matches(CLOSED, h.error_of(p.produce, p, "t", "v"), 1, true)
        p = producer(mock:bootstrap_servers(), { partitioner = function()
            p:close()
            return 0
        end })
        assert.equal("user.lua:2: " .. CLOSED, h.error_of(h.chunk("local p = ...\nlocal n = p:produce_batch('t', { 'a', 'b' })"), p))
    end)

    it("may yield", function()
        local mock = h.mock{ topics = { t = 4 } }
        local p, went = noting(mock:bootstrap_servers(), { partitioner = function() return coroutine.yield("which?") end })
        local co = coroutine.create(function() return p:produce("t", "v") end)
        local ok, question = coroutine.resume(co)
        assert.is_true(ok)
        assert.equal("which?", question)
        assert.same({ true, true }, { coroutine.resume(co, 3) })
        assert.is_true(p:flush())
        assert.equal(3, went.v)
    end)

    it("does not keep its producer alive", function()
        local mock = h.mock{ topics = { t = 4 } }
        local weak = setmetatable({}, { __mode = "v" })
        do
            local p
            p = kafka.producer{ ["bootstrap.servers"] = mock:bootstrap_servers(), partitioner = function() return p and 1 end }
            assert.is_true(p:produce("t", "v"))
            weak.p = p
        end
        for _ = 1, 4 do collectgarbage() end
        assert.is_nil(weak.p)
    end)

    it("makes no other class: tostring, wrap, # and misuse are a producer's", function()
        local p = producer(h.nowhere, { partitioner = print })
        assert.matches("^kafka%.Producer: ", tostring(p))
        assert.equal(0, #p)
        assert.equal(p, kafka.wrap(p, nil))
        assert.matches("bad argument #1 to 'produce' %(string expected, got table%)", h.error_of(h.chunk("local p = ... p:produce({}, 'v')"), p))
        assert.matches("bad argument #2 to 'produce'", h.error_of(h.chunk("local p = ... p:produce('t', true, nil, {partition=1})"), p))
        assert.matches("a value (string, array of strings or nil) expected, got no value", h.error_of(p.produce, p, "t"), 1, true)
        assert.matches("kafka.Producer expected", h.error_of(p.produce, io.stdout, "t", "v"), 1, true)
        assert.matches("kafka.Producer expected", h.error_of(p.poll, io.stdout), 1, true)
        local meta = getmetatable(p)
        meta.__gc(p)
        meta.__gc(p)
        assert.is_true(p:closed())
    end)
end)

describe("The first message to a topic nobody knows, with a partitioner in Lua,", function()
    after_each(h.cleanup)

    local function zero() return 0 end

    it("waits until its partitions are known, through the client's wait", function()
        local mock = h.mock{ topics = { t = 4 }, rtt = 100 }
        local p = producer(mock:bootstrap_servers(), { partitioner = zero })
        local waits = 0
        kafka.wrap(p, function()
            waits = waits + 1
            h.sleep(0.005)
        end)
        assert.is_true(p:produce("t", "v"))
        kafka.wrap(p, nil)
        assert.is_true(waits > 0)
    end)

    it("yields to the event loop that way", function()
        local mock = h.mock{ topics = { t = 4 }, rtt = 50 }
        local p = producer(mock:bootstrap_servers(), { partitioner = zero })
        kafka.wrap(p, function() coroutine.yield() end)
        local co = coroutine.create(function() return p:produce("t", "v") end)
        local yields = 0
        h.wait_until(function()
            assert(coroutine.resume(co))
            yields = yields + 1
            return coroutine.status(co) == "dead"
        end)
        kafka.wrap(p, nil)
        assert.is_true(yields > 1)
        assert.equal(1, #p)
    end)

    it("is the only one that waits, and does not when create_topic went before it", function()
        local mock = h.mock{ topics = { t = 4 } }
        local p = producer(mock:bootstrap_servers(), { partitioner = zero })
        p:create_topic("t")
        h.wait_until(function() return p:partition_count("t") end)
        kafka.wrap(p, function() error("spec: this would wait") end)
        assert.is_true(p:produce("t", "v"))
        assert.equal(0, p:send("t", -1, 1, "v"))
        kafka.wrap(p, nil)
    end)

    it("gives up after partitioner_timeout and says so; those after it do not wait, and are sent once it is known", function()
        local mock = h.mock{ topics = { t = 4 } }
        mock:broker_down(1)
        local p = producer(mock:bootstrap_servers(), { partitioner = zero, partitioner_timeout = 300, ["reconnect.backoff.max.ms"] = 100 })
        local before = h.now()
        local ok, err = p:produce("t", "v")
        local took = h.now() - before
        assert.is_nil(ok)
        assert.equal(kafka.Error, getmetatable(err))
        assert.matches("how many partitions topic t has", err.message, 1, true)
        assert.is_true(took >= 0.2 and took < 5, took)
        kafka.wrap(p, function() error("spec: this would wait") end)
        ok, err = p:produce("t", "v")
        assert.is_nil(ok)
        assert.matches("nothing was sent", err.message, 1, true)
        p:create_topic("t")
        assert.equal(2, p:send("t", -1, 1, "v"))
        assert.equal(0, #p)
        mock:broker_up(1)
        h.wait_until(function() return p:produce("t", "v") end, 20)
        kafka.wrap(p, nil)
        assert.equal(1, #p)
    end)

    it("does not wait at all with partitioner_timeout=0", function()
        local p = producer(h.nowhere, { partitioner = zero, partitioner_timeout = 0 })
        local ok, err = p:produce("t", "v")
        assert.is_nil(ok)
        assert.matches("nothing was sent", err.message, 1, true)
        assert.equal(0, #p)
    end)

    it("names the topic the brokers do not have", function()
        local mock = h.mock{ topics = { t = 4 } }
        mock:set_topic_error("t", "UNKNOWN_TOPIC_OR_PART")
        local p = producer(mock:bootstrap_servers(), { partitioner = zero, partitioner_timeout = 500 })
        local ok, err = p:produce("t", "v")
        assert.is_nil(ok)
        assert.equal("UNKNOWN_TOPIC_OR_PART", err.name)
        assert.matches("topic t", err.message, 1, true)
    end)

    it("gets _DESTROY when the client is closed meanwhile", function()
        local p = producer(h.nowhere, { partitioner = zero, partitioner_timeout = 20000 })
        kafka.wrap(p, function(client)
            kafka.wrap(client, nil)
            client:close(0)
        end)
        local ok, err = p:produce("t", "v")
        assert.is_nil(ok)
        assert.equal("_DESTROY", err.name)
    end)
end)

describe("A mistake, with a partitioner in Lua,", function()
    after_each(h.cleanup)

    it("is told as without one, at the user's line", function()
        local mock = h.mock{ topics = { t = 2 } }
        local p = producer(mock:bootstrap_servers(), { partitioner = function() return 0 end })
        local plain = producer(mock:bootstrap_servers(), {})
        local mistakes = {
            "p:produce('a b', 'v')", "p:produce('', 'v')", "p:produce{ topic = 'a b', value = 'v' }", "p:produce{ topic = 't', value = true }",
            "p:produce{ value = 'v' }", "p:produce_async('a b', 'v')", "p:send('a b', -1, 1, 'v')", "p:send('t', 'x', 1, 'v')", "p:send('t', -1)",
            "p.produce(io.stdout, 't', 'v')", "p.send(io.stdout, 't', -1, 1, 'v')", "p.produce_async(io.stdout, 't', 'v')",
        }
        local function told(client, call) return h.error_of(h.chunk("local p = ...\nlocal ok = " .. call .. "\nreturn ok"), client) end
        p:create_topic("t")
        plain:create_topic("t")
        for _, call in ipairs(mistakes) do
            assert.matches("^user%.lua:2: ", told(p, call))
            assert.equal(told(plain, call), told(p, call))
        end
        p:close()
        plain:close()
        for _, call in ipairs{ "p:produce('t', 'v')", "p:produce{ topic = 't', value = 'v' }", "p:send('t', -1, 1, 'v')", "p:produce_async('t', 'v')" } do
            assert.equal("user.lua:2: " .. CLOSED, told(p, call))
        end
    end)
end)
