-- Delivery reports: one for each accepted message, and what stands in it.
local h = require "spec.helper"
local kafka = h.kafka

describe("a delivery report", function()
    local mock, topic
    before_each(function()
        topic = h.topic()
        mock = h.mock { topics = { [topic] = 2 } }
    end)
    after_each(h.cleanup)

    -- Produces with produce's own on_delivery and returns its err and report.
    local function delivered(p, to, value, key, options)
        local err, report
        options = options or {}
        options.on_delivery = function(...)
            assert.is_nil(report) -- exactly one
            err, report = ...
        end
        assert.is_true(p:produce(to, value, key, options))
        h.wait_until(function()
            p:poll(1000)
            return report
        end)
        return err, report
    end

    it("of a delivered message has all its fields", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        local opaque = {}
        local err, report = delivered(p, topic, "value", "key", { partition = 1, timestamp = 1700000000123, opaque = opaque })
        assert.is_nil(err)
        assert.are.equal(topic, report.topic)
        assert.are.equal(1, report.partition)
        assert.are.equal(0, report.offset)
        assert.are.equal("number", type(report.timestamp)) -- the mock cluster puts a time of its own
        assert.are.equal("key", report.key)
        assert.are.equal("value", report.value)
        assert.are.equal("persisted", report.status)
        assert.are.equal(opaque, report.opaque)
        assert.is_true(report.latency_us > 0 and report.latency_us < 10000000)
        assert.are.equal(1, report.broker)
        assert.is_nil(report.headers)
        assert.is_nil(report.sequence_id)
        assert.are.equal(1, select(2, delivered(p, topic, "value", "key", { partition = 1 })).offset)
    end)

    it("of a sent message has the sequence id", function()
        local reports = {}
        local p = h.track(kafka.producer(mock:bootstrap_servers(), {
            on_delivery = function(err, report) reports[#reports + 1] = { err, report } end,
        }))
        p:create_topic(topic)
        p:send(topic, 0, 2 ^ 53, "m")
        assert.is_true(p:flush(10000))
        assert.are.equal(1, #reports)
        assert.is_nil(reports[1][1])
        assert.are.equal(2 ^ 53, reports[1][2].sequence_id)
        assert.are.equal("m", reports[1][2].value)
    end)

    -- Turns red when a callback counts as one without a second parameter that can see the report (stack/arity.rs).
    it("comes to every callback that can see it, whatever its parameters", function()
        local reports = {}
        local p = h.track(kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers() })
        local stripped = (loadstring or load)(string.dump((loadstring or load) [[
            local into = ...
            return function(err, report) into.stripped = report end
        ]], true))(reports)
        local function none() reports.none = true end
        local callbacks = {
            none,
            function(err) reports.one = { err == nil } end,
            function(_, report) reports.two = report end,
            function(...) reports.any = select(2, ...) end,
            function(_, ...) reports.more = (...) end,
            function(_, report, third) reports.three, reports.third = report, third end,
            stripped,
        }
        for round = 1, 3 do -- each after each: what was found out of one holds for no other
            for i = 1, #callbacks do
                assert.is_true(p:produce(topic, "v" .. i, nil, { on_delivery = callbacks[(i * round) % #callbacks + 1] }))
            end
            assert.is_true(p:flush(10000))
            for _, name in ipairs { "two", "any", "more", "three", "stripped" } do
                assert.are.equal("table", type(reports[name]), name)
                assert.are.equal("persisted", reports[name].status)
                reports[name] = nil
            end
            assert.are.same({ true }, reports.one)
            assert.is_true(reports.none)
            assert.is_nil(reports.third)
            reports.one, reports.none = nil, nil
        end
    end)

    it("comes to the client's callback whatever the message's own takes", function()
        local report
        local own = 0
        local p = h.track(kafka.producer {
            ["bootstrap.servers"] = mock:bootstrap_servers(), on_delivery = function(_, all) report = all end,
        })
        assert.is_true(p:produce(topic, "v", "k", { on_delivery = function(err) own = own + (err and 100 or 1) end }))
        assert.is_true(p:flush(10000))
        assert.are.equal(1, own)
        assert.are.equal("k", report.key)
    end)

    it("is not needed to hear of a failure, nor that a callback raises", function()
        local p = h.track(kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers() })
        local heard
        assert.is_true(p:produce(topic, "v", nil, { partition = 77, on_delivery = function(err) heard = err end }))
        h.wait_until(function()
            p:poll(100)
            return heard
        end)
        assert.are.equal("_UNKNOWN_PARTITION", heard.name)
        assert.is_true(p:produce(topic, "v", nil, { on_delivery = function(_) error("raised", 0) end }))
        local ok, why = pcall(p.flush, p, 10000)
        assert.are.same({ false, "raised" }, { ok, why })
        assert.are.equal(0, #p)
    end)

    it("tells a null value and key from empty ones", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        local _, report = delivered(p, topic, nil, nil)
        assert.is_nil(report.value)
        assert.is_nil(report.key)
        _, report = delivered(p, topic, "", "")
        assert.are.equal("", report.value)
        assert.are.equal("", report.key)
    end)

    it("has the headers in their order, with repeats, null values and bytes that are not UTF-8", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        local headers = { { "b", "1" }, { "a", "2" }, { "b", "" }, { "null" }, { "\255\254", "\0\1" } }
        local err, report = delivered(p, topic, "v", nil, { headers = headers })
        assert.is_nil(err)
        assert.are.same(headers, report.headers)
    end)

    it("has the headers that were given as a map", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        local _, report = delivered(p, topic, "v", nil, { headers = { one = "1", two = "2" } })
        local map = {}
        for _, pair in ipairs(report.headers) do map[pair[1]] = pair[2] end
        assert.are.same({ one = "1", two = "2" }, map)
    end)

    it("is not for a message whose headers are half an array, half a map: what would be lost is refused", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        local pair = { "a", "1" }
        for _, headers in ipairs { { pair, trace = "2" }, { pair, [3.5] = pair }, { pair, [0] = pair } } do
            local err = h.error_of(h.chunk("local p, topic, headers = ...\np:produce(topic, 'v', nil, { headers = headers })"), p, topic, headers)
            assert.truthy(err:match("^user%.lua:2: ") and err:find("other keys beside it", 1, true), err)
        end
        assert.are.equal(0, #p)
    end)

    it("is not for a message with a header of more than a name and a value", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        for _, pair in ipairs { { "a", "1", "2" }, { name = "a", value = "1" } } do
            local err = h.error_of(h.chunk("local p, topic, pair = ...\np:produce(topic, 'v', nil, { headers = { pair } })"), p, topic, pair)
            assert.truthy(err:match("^user%.lua:2: ") and err:find("{name, value} expected at index 1", 1, true), err)
        end
        assert.are.equal(0, #p)
    end)

    it("tells no offset when the broker answers nothing, and then there is no last_offset", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { acks = 0 }))
        local err, report = delivered(p, topic, "v", nil, { partition = 0 })
        assert.is_nil(err)
        assert.are.same({ kafka.OFFSET_INVALID, "possibly_persisted" }, { report.offset, report.status })
        assert.is_nil(p:last_offset(topic))
        assert.is_nil(p:last_offset(topic, 0))
    end)

    it("of an unknown topic comes under its name when topic.metadata.propagation.max.ms is over", function()
        mock:set_topic_error("unknown", "UNKNOWN_TOPIC_OR_PART")
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["topic.metadata.propagation.max.ms"] = 1000 }))
        local begun = h.now()
        local err, report = delivered(p, "unknown", "v")
        assert.are.equal("UNKNOWN_TOPIC_OR_PART", err.name)
        assert.are.equal("not_persisted", report.status)
        assert.is_true(h.now() - begun < 5, "took " .. h.now() - begun) -- librdkafka's own default is 30 s
    end)

    it("has the joined value of an array of strings", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        local _, report = delivered(p, topic, { "a", "b", "c" })
        assert.are.equal("abc", report.value)
    end)

    it("of a message that timed out says that it was not persisted", function()
        local p = h.track(kafka.producer(h.nowhere, { ["message.timeout.ms"] = 200 }))
        local opaque = function() end
        local err, report = delivered(p, "t", "value", "key", { opaque = opaque, partition = 3 })
        assert.are.equal("_MSG_TIMED_OUT", err.name)
        assert.are.equal("not_persisted", report.status)
        assert.are.equal("value", report.value)
        assert.are.equal("key", report.key)
        assert.are.equal("t", report.topic)
        assert.are.equal(3, report.partition)
        assert.are.equal(opaque, report.opaque)
        assert.truthy(report.offset == nil or report.offset < 0)
    end)

    it("of a message to a partition that turned out not to exist says so", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        local err, report = delivered(p, topic, "v", nil, { partition = 7 })
        assert.are.equal("_UNKNOWN_PARTITION", err.name)
        assert.are.equal("not_persisted", report.status)
        assert.are.equal(7, report.partition)
    end)

    it("of a message the broker refused has the broker's error", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        mock:push_errors("Produce", { "TOPIC_AUTHORIZATION_FAILED" })
        local err, report = delivered(p, topic, "v", nil, { partition = 0 })
        assert.are.equal("TOPIC_AUTHORIZATION_FAILED", err.name)
        assert.are_not.equal("persisted", report.status)
    end)

    it("of a message whose answer was lost says that it may be persisted", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["message.timeout.ms"] = 700, ["socket.timeout.ms"] = 400, retries = 0 }))
        assert.is_nil((delivered(p, topic, "first", nil, { partition = 0 })))
        mock:set_rtt(1, 3000)
        local err, report = delivered(p, topic, "second", nil, { partition = 0 })
        assert.truthy(err)
        assert.are.equal("possibly_persisted", report.status)
    end)

    it("does not come for a message that was refused", function()
        local calls = 0
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["message.max.bytes"] = 1000, on_delivery = function() calls = calls + 1 end }))
        local ok = p:produce(topic, ("x"):rep(2000), nil, { on_delivery = function() calls = calls + 1 end })
        assert.is_nil(ok)
        assert.is_true(p:flush(1000))
        p:poll(100)
        assert.are.equal(0, calls)
    end)

    it("comes exactly once for each of many messages, whichever call serves it", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        local seen = {}
        for i = 1, 2000 do
            assert(p:produce(topic, "v", nil, { on_delivery = function(err)
                assert(not err)
                seen[i] = (seen[i] or 0) + 1
            end }))
            if i % 500 == 0 then p:poll(1) end
        end
        assert.is_true(p:close())
        for i = 1, 2000 do assert.are.equal(1, seen[i]) end
    end)

    it("comes at close for what could not be delivered", function()
        local p = h.track(kafka.producer(h.nowhere))
        local failed
        p:produce("t", "v", nil, { on_delivery = function(err) failed = err end })
        local ok, _, undelivered = p:close(200)
        assert.is_nil(ok)
        assert.are.equal(1, undelivered)
        assert.truthy(failed)
    end)

    -- The flush that close gives up may have all reports in hand by then, in a thread of its own.
    it("comes at close for each of many that could not be delivered", function()
        local all = {}
        for i = 1, 50000 do all[i] = "v" end
        for _ = 1, 5 do
            local failed = 0
            local p = h.track(kafka.producer(h.nowhere, { on_delivery = function(err) failed = failed + (err and 1 or 0) end }))
            assert.are.equal(50000, (p:produce_batch("t", all)))
            assert.are.equal(50000, (p:produce_batch("t", all)))
            local _, _, undelivered = p:close(60)
            assert.are.same({ 100000, 100000 }, { undelivered, failed })
        end
    end)

    it("never comes inside send or produce", function()
        local inside, calls = false, 0
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 0, on_delivery = function()
            assert.is_false(inside)
            calls = calls + 1
        end }))
        p:create_topic(topic)
        for i = 1, 200 do
            inside = true
            p:send(topic, 0, i, "v")
            p:produce(topic, "v")
            inside = false
            if i % 20 == 0 then h.sleep(0.005) end -- gives reports a chance to arrive
        end
        assert.is_true(p:flush(10000))
        assert.are.equal(400, calls)
    end)
end)
