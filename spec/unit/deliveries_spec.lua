-- Handles to wait for, full queues that are waited for, messages taken back, and how far delivery has got.
local h = require "spec.helper"
local kafka = h.kafka

local function setup()
    local topic = h.topic()
    local mock = h.mock { topics = { [topic] = 2 } }
    local function producer(options)
        options = options or {}
        options["bootstrap.servers"] = options["bootstrap.servers"] or mock:bootstrap_servers()
        options["linger.ms"] = options["linger.ms"] or 1
        return h.track(kafka.producer(options))
    end
    return topic, producer, mock
end

describe("produce_async", function()
    local topic, producer
    before_each(function() topic, producer = setup() end)
    after_each(h.cleanup)

    it("gives a handle whose wait returns the report", function()
        local p = producer()
        local delivery = assert(p:produce_async(topic, "v", "k", { partition = 1 }))
        assert.is_false(delivery:done())
        local report = assert(delivery:wait())
        assert.same({ "v", "k", 1, "persisted" }, { report.value, report.key, report.partition, report.status })
        assert.is_true(delivery:done())
        assert.equal(report, delivery:wait(0))
        assert.matches("^kafka%.Delivery: delivered$", tostring(delivery))
    end)

    it("calls the message's own callback and the client's as well", function()
        local calls = {}
        local p = producer { on_delivery = function() calls[#calls + 1] = "client's" end }
        local delivery = assert(p:produce_async { topic = topic, value = "v", opaque = 7, on_delivery = function(_, report)
            calls[#calls + 1] = report.opaque
        end })
        assert(delivery:wait())
        assert.same({ 7, "client's" }, calls)
    end)

    it("tells of a failure by its error and report", function()
        local p = producer { ["message.timeout.ms"] = 200, ["bootstrap.servers"] = h.nowhere }
        local report, err, failed = assert(p:produce_async(topic, "v")):wait()
        assert.is_nil(report)
        assert.equal("_MSG_TIMED_OUT", err.name)
        assert.equal("v", failed.value)
    end)

    it("returns at the deadline, and can be waited for again", function()
        local p = producer { ["linger.ms"] = 700 }
        local delivery = assert(p:produce_async(topic, "v"))
        local report, err = delivery:wait(50)
        assert.is_nil(report)
        assert.equal("_TIMED_OUT", err.name)
        assert.truthy(delivery:wait(10000))
    end)

    it("refuses what produce refuses, at the user's line", function()
        local p = producer { ["message.max.bytes"] = 1000 }
        local delivery, err = p:produce_async(topic, ("x"):rep(2000))
        assert.is_nil(delivery)
        assert.equal("MSG_SIZE_TOO_LARGE", err.name)
        assert.matches("^user%.lua:1: bad argument #%d to 'produce_async' %(.*'partitoin': unknown",
            h.error_of(h.chunk("local p, t = ... local d = p:produce_async(t, 'v', nil, { partitoin = 1 })", "user.lua"), p, topic))
        assert.matches("whole number", h.error_of(p.produce_sync, p, topic, "v", nil, { timeout = -2 }))
    end)

    it("names the argument, as produce does, when a call is wrong: in its options, or by what is missing", function()
        for _, p in ipairs { producer(), producer { on_full = "block" } } do
            for _, name in ipairs { "produce", "produce_async", "produce_sync" } do
                local function said(arguments)
                    return h.error_of(h.chunk("local p = ...\np:" .. name .. "(" .. arguments .. ")", "user.lua"), p)
                end
                local misspelt = said "'t', 'v', 'k', { partiton = 1 }"
                assert.matches("^user%.lua:2: bad argument #4 to '" .. name .. "' %(option 'partiton': unknown; .*did you mean 'partition'", misspelt)
                assert.matches("^user%.lua:2: bad argument #1 to '" .. name .. "' %(field 'partiton': unknown; .*did you mean 'partition'",
                    said "{ topic = 't', partiton = 1 }")
                assert.matches("^user%.lua:2: bad argument #3 to '" .. name .. "' %(string or nil expected, got table", said "'t', 'v', {}, {}")
                assert.equal("user.lua:2: bad argument #1 to '" .. name .. "' (a topic, or the table of a message, expected, got no value)",
                    said "")
                assert.equal("user.lua:2: bad argument #2 to '" .. name ..
                    "' (a value (string, array of strings or nil) expected, got no value)", said "'t'")
                assert.matches("^user%.lua:2: bad argument #5 to '" .. name .. "' %(incorrect number of arguments", said "'t', 'v', 'k', {}, 5")
            end
            local function said(arguments)
                return h.error_of(h.chunk("local p = ...\np:produce_batch(" .. arguments .. ")", "user.lua"), p)
            end
            assert.equal("user.lua:2: bad argument #1 to 'produce_batch' (a topic, or an array of messages expected, got no value)", said "")
            assert.equal("user.lua:2: bad argument #2 to 'produce_batch' (an array of messages expected, got no value)", said "'t'")
            assert.equal("user.lua:2: bad argument #4 to 'produce_batch' (incorrect number of arguments)", said "'t', {}, {}, 4")
        end
        assert.equal("user.lua:2: bad argument #1 to 'wait_all' (an array of deliveries expected, got no value)",
            h.error_of(h.chunk("local kafka = ...\nkafka.wait_all()", "user.lua"), kafka))
        assert.equal("user.lua:2: bad argument #1 to 'wait_all' (an array of deliveries expected, got nil)",
            h.error_of(h.chunk("local kafka = ...\nkafka.wait_all(nil)", "user.lua"), kafka))
    end)

    it("lets several coroutines wait at once, each for its own", function()
        local p = producer()
        kafka.wrap(p, function(_, ms) coroutine.yield(ms) end)
        local done, threads = 0, {}
        for i = 1, 5 do
            threads[i] = coroutine.create(function()
                local report = assert(assert(p:produce_async(topic, "v" .. i)):wait())
                assert(report.value == "v" .. i)
                done = done + 1
            end)
        end
        h.wait_until(function()
            for _, thread in ipairs(threads) do
                if coroutine.status(thread) == "suspended" then assert(coroutine.resume(thread)) end
            end
            return done == 5
        end)
        kafka.wrap(p, nil)
    end)

    it("wakes a coroutine whose report another call has served", function()
        local p = producer()
        p:pollfd()
        local delivery = assert(p:produce_async(topic, "v"))
        kafka.wrap(p, function() coroutine.yield() end)
        local thread = coroutine.create(function() return assert(delivery:wait()) end)
        assert(coroutine.resume(thread))
        kafka.wrap(p, nil)
        h.wait_until(function()
            p:poll(10)
            return delivery:done()
        end)
        p:poll(0)
        local ok, report = coroutine.resume(thread)
        assert.is_true(ok)
        assert.equal("v", report.value)
    end)
end)

describe("produce_sync and wait_all", function()
    local topic, producer
    before_each(function() topic, producer = setup() end)
    after_each(h.cleanup)

    it("return once the messages are delivered", function()
        local p = producer()
        assert.equal("v", assert(p:produce_sync(topic, "v", nil, { timeout = 10000 })).value)
        local deliveries = {}
        for i = 1, 20 do deliveries[i] = assert(p:produce_async { topic = topic, value = "v" }) end
        assert.is_true(kafka.wait_all(deliveries, 10000))
        for i = 1, 20 do assert.is_true(deliveries[i]:done()) end
        assert.equal(0, #p)
    end)

    it("tell how many are missing, within their time", function()
        local p = producer { ["bootstrap.servers"] = h.nowhere }
        local deliveries, before = {}, h.now()
        for i = 1, 100 do deliveries[i] = assert(p:produce_async("t", "a")) end
        local ok, err, missing = kafka.wait_all(deliveries, 100)
        assert.is_nil(ok)
        assert.same({ "_TIMED_OUT", 100 }, { err.name, missing })
        assert.is_true(h.now() - before < 5)
        local report, why = p:produce_sync("t", "c", nil, { timeout = 0 })
        assert.is_nil(report)
        assert.equal("_TIMED_OUT", why.name)
        assert.matches("got string at index 1", h.error_of(kafka.wait_all, { "x" }))
        assert.matches("got one with a hole: nothing at index 1, but something at index 7", h.error_of(kafka.wait_all, { [7] = deliveries[1] }))
    end)

    it("raise what a callback raised, once, when the message is known to be delivered", function()
        local problem, raised = { "mine" }, 0
        local p = producer { on_delivery = function()
            raised = raised + 1
            if raised == 1 then error(problem, 0) end
        end }
        assert.equal(problem, h.error_of(p.produce_sync, p, topic, "v"))
        assert.truthy(p:produce_sync(topic, "v"))
    end)
end)

describe("a full queue", function()
    local topic, producer
    before_each(function() topic, producer = setup() end)
    after_each(h.cleanup)

    it("is an error without on_full, and nothing is queued", function()
        local p = producer { ["bootstrap.servers"] = h.nowhere, ["queue.buffering.max.messages"] = 10 }
        for _ = 1, 10 do assert(p:produce("t", "v")) end
        local ok, err = p:produce("t", "v")
        assert.is_nil(ok)
        assert.equal("_QUEUE_FULL", err.name)
        assert.matches("call poll", err.message)
        assert.equal(10, #p)
    end)

    it("is waited for with on_full=\"block\", and all arrives once", function()
        local seen = 0
        local p = producer { on_full = "block", ["queue.buffering.max.messages"] = 10, on_delivery = function(err)
            assert(not err)
            seen = seen + 1
        end }
        local messages = {}
        for i = 1, 60 do messages[i] = "v" .. i end
        for i = 1, 60 do assert.is_true(p:produce(topic, messages[i])) end
        for i = 1, 60 do assert.is_true(p:produce { topic = topic, value = messages[i] }) end
        assert.equal(60, (p:produce_batch(topic, messages)))
        for i = 1, 60 do assert(p:produce_async(topic, messages[i])) end
        p:create_topic(topic)
        for i = 1, 60 do assert.equal(0, p:send(topic, 0, i, "v")) end
        assert.is_true(p:flush())
        assert.equal(300, seen)
    end)

    it("is waited for by produce_batch to its end, and what a callback raised comes out then", function()
        local problem, seen = { "mine" }, 0
        local p = producer { on_full = "block", ["queue.buffering.max.messages"] = 10, on_delivery = function()
            seen = seen + 1
            if seen <= 2 then error(problem, 0) end
        end }
        local messages = {}
        for i = 1, 60 do messages[i] = "v" .. i end
        assert.equal(problem, h.error_of(p.produce_batch, p, topic, messages))
        assert.is_true(p:flush())
        assert.equal(60, seen)
        assert.equal(60, (p:produce_batch(topic, messages)))
    end)

    it("leaves the count of a batch that was not accepted whole, whatever a callback raised meanwhile", function()
        local problem = { "mine" }
        local p = producer { on_full = "block", on_full_timeout = 3000, ["queue.buffering.max.messages"] = 10, ["message.timeout.ms"] = 300,
            ["bootstrap.servers"] = h.nowhere, ["message.max.bytes"] = 1000, on_delivery = function() error(problem, 0) end }
        local messages = {}
        for i = 1, 15 do messages[i] = i == 12 and ("x"):rep(2000) or "v" end
        local accepted, errors = p:produce_batch("t", messages)
        assert.equal(14, accepted)
        assert.equal("MSG_SIZE_TOO_LARGE", errors[12].name)
        assert.equal(problem, errors.raised)
        assert.is_nil(errors.first)
        local left = #p
        assert.equal(problem, h.error_of(function() h.wait_until(function() p:poll(50) return #p < left end) end))
        p:purge()
    end)

    -- Turns red when a refusal for want of room is handed on without a look at what would ever fit.
    it("is not waited for by a message that is larger than all of the queue: that one is too large", function()
        for _, on_full in ipairs { "error", "block" } do
            local p = producer { on_full = on_full, on_full_timeout = 2000, ["queue.buffering.max.kbytes"] = 1 }
            p:create_topic(topic)
            local large, before = ("x"):rep(2000), h.now()
            for _, value in ipairs { large, { large:sub(1, 1000), large:sub(1, 1000) } } do
                local ok, err = p:produce(topic, value, "key")
                assert.is_nil(ok)
                assert.equal("MSG_SIZE_TOO_LARGE", err.name)
                assert.matches("queue.buffering.max.kbytes=1", err.message, 1, true)
                assert.equal(90, p:send(topic, 0, 1, value))
            end
            local accepted, errors = p:produce_batch(topic, { "small", large, "small" })
            assert.same({ 2, "MSG_SIZE_TOO_LARGE" }, { accepted, errors[2].name })
            assert.is_nil(errors.first)
            assert.is_true(h.now() - before < 1.5)
            assert.is_true(p:flush())
        end
    end)

    it("is an error after on_full_timeout", function()
        local p = producer { ["bootstrap.servers"] = h.nowhere, on_full = "block", on_full_timeout = 100, ["queue.buffering.max.messages"] = 2 }
        assert.equal(2, (p:produce_batch("t", { "a", "b" })))
        local before = h.now()
        local ok, err = p:produce("t", "v")
        assert.is_nil(ok)
        assert.equal("_QUEUE_FULL", err.name)
        assert.is_true(h.now() - before >= 0.09)
        local accepted, errors = p:produce_batch("t", { "c", "d" })
        assert.same({ 0, 1, "_QUEUE_FULL" }, { accepted, errors.first, errors[1].name })
    end)
end)

describe("purge", function()
    local topic, mock, producer
    before_each(function() topic, producer, mock = setup() end)
    after_each(h.cleanup)

    it("takes back what is queued, with a report for each, and nothing that is produced afterwards", function()
        local taken, delivered = 0, 0
        local p = producer { ["linger.ms"] = 300, on_delivery = function(err)
            if err then
                assert.equal("_PURGE_QUEUE", err.name)
                taken = taken + 1
            else
                delivered = delivered + 1
            end
        end }
        assert(p:produce_sync(topic, "first"))
        for _ = 1, 20 do p:produce(topic, "old", nil, { partition = 0 }) end
        assert.is_true(p:purge())
        for _ = 1, 20 do p:produce(topic, "new", nil, { partition = 0 }) end
        assert.is_true(p:flush())
        assert.same({ 20, 21 }, { taken, delivered })
    end)

    it("takes back what is in flight as well, which may be stored all the same", function()
        local told = {}
        local p = producer { ["linger.ms"] = 0, on_delivery = function(err, report)
            told[#told + 1] = { err and err.name or "delivered", report.status }
        end }
        assert(p:produce_sync(topic, "first", nil, { partition = 0 }))
        local function produced()
            local count = 0
            for _, request in ipairs(mock:requests()) do count = count + (request.api == "Produce" and 1 or 0) end
            return count
        end
        local before = produced()
        mock:set_rtt(1, 3000)
        assert(p:produce(topic, "second", nil, { partition = 0 }))
        h.wait_until(function() return produced() > before end)
        assert.is_true(p:purge { in_flight = false })
        assert.equal(1, #p)
        assert.is_true(p:purge { queued = false })
        h.wait_until(function() p:poll(10) return #p == 0 end)
        assert.same({ { "delivered", "persisted" }, { "_PURGE_INFLIGHT", "possibly_persisted" } }, told)
        mock:set_rtt(1, 0)
    end)

    it("may spare what is queued", function()
        local p = producer { ["bootstrap.servers"] = h.nowhere }
        p:produce("t", "v")
        assert.is_true(p:purge { queued = false })
        p:poll(0)
        assert.equal(1, #p)
        assert.is_true(p:purge { in_flight = false })
        h.wait_until(function() p:poll(10) return #p == 0 end)
        assert.matches("unknown option \"queud\"", h.error_of(p.purge, p, { queud = true }))
    end)
end)

describe("How far delivery has got", function()
    local topic, mock, producer
    before_each(function() topic, producer, mock = setup() end)
    after_each(h.cleanup)

    it("is told by last_offset, for a topic and a partition", function()
        local p = producer()
        assert.is_nil(p:last_offset(topic))
        for _ = 1, 3 do assert(p:produce_sync(topic, "v", nil, { partition = 1 })) end
        assert(p:produce_sync(topic, "v", nil, { partition = 0 }))
        assert.equal(2, p:last_offset(topic, 1))
        assert.equal(0, p:last_offset(topic, 0))
        assert.equal(2, p:last_offset(topic))
    end)

    it("is told by on_checkpoint, which a failed id holds back until it is delivered", function()
        local told = {}
        local p = producer { on_checkpoint = function(id, failures) told[#told + 1] = { id or "none", failures } end }
        p:create_topic(topic)
        assert.equal(0, p:send(topic, 0, 1, "v"))
        assert.is_true(p:flush())
        assert.same({ { 1, 0 } }, told)
        mock:push_errors("Produce", { "INVALID_RECORD" })
        assert.equal(0, p:send(topic, 0, 2, "v"))
        h.wait_until(function() p:poll(10) return #p == 0 end)
        assert.same({ 1, 1 }, told[#told])
        assert.equal(0, p:send(topic, 0, 3, "v"))
        h.wait_until(function() p:poll(10) return #p == 0 end)
        assert.same({ 1, 1 }, told[#told])
        assert.equal(0, p:send(topic, 0, 2, "v"))
        h.wait_until(function() p:poll(10) return #p == 0 end)
        assert.same({ 3, 0 }, told[#told])
    end)

    it("is not told past an id that a slow broker has yet to answer, whatever others have delivered", function()
        local two = h.mock { brokers = 2, topics = { t = 2 } }
        two:set_leader("t", 0, 1)
        two:set_leader("t", 1, 2)
        local told = {}
        local p = producer { ["bootstrap.servers"] = two:bootstrap_servers(), on_checkpoint = function(id) told[#told + 1] = id end }
        p:create_topic "t"
        for id = 1, 2 do assert.equal(0, p:send("t", id - 1, id, "v")) end
        assert.is_true(p:flush())
        two:set_rtt(1, 1000)
        for id = 3, 6 do assert.equal(0, p:send("t", id == 3 and 0 or 1, id, "v")) end
        h.wait_until(function() p:poll(10) return #p == 1 end)
        assert.equal(2, told[#told])
        assert.is_true(p:flush())
        assert.equal(6, told[#told])
    end)

    it("is told for one message in so many, and for every failure", function()
        local good, bad = 0, 0
        local p = producer { delivery_report_every = 10, on_delivery = function(err) if err then bad = bad + 1 else good = good + 1 end end }
        -- First, while the topic is unknown: afterwards produce itself refuses them.
        for _ = 1, 3 do p:produce(topic, "v", nil, { partition = 77 }) end
        for _ = 1, 95 do p:produce(topic, "v", nil, { partition = 0 }) end
        h.wait_until(function() p:poll(10) return #p == 0 end)
        assert.same({ 9, 3 }, { good, bad })
        assert.equal(0, #p)
        local own = 0
        for _ = 1, 4 do p:produce(topic, "v", nil, { partition = 0, on_delivery = function() own = own + 1 end }) end
        p:flush()
        assert.same({ 4, 9 }, { own, good })
    end)
end)
