-- The producer's own methods: produce, flush, close, and what it says about itself.
local h = require "spec.helper"
local kafka = h.kafka

describe("a producer", function()
    local mock, topic
    before_each(function()
        topic = h.topic()
        mock = h.mock { topics = { [topic] = 2 } }
    end)
    after_each(h.cleanup)

    local function producer(conf)
        conf = conf or {}
        conf["bootstrap.servers"] = mock:bootstrap_servers()
        return h.track(kafka.producer(conf))
    end

    it("made from one table has the classic methods, and a classic one the modern methods", function()
        local modern, classic = producer(), h.track(kafka.producer(mock:bootstrap_servers()))
        for _, p in ipairs { modern, classic } do
            p:create_topic(topic)
            assert.are.equal(0, p:send(topic, 0, 1, "sent"))
            assert.is_true(p:produce(topic, "produced", nil, { partition = 0 }))
            assert.is_true(p:flush(10000))
        end
        assert.are.equal(4, #h.drain(mock:bootstrap_servers(), topic, { count = 4 }))
        assert.are.equal(getmetatable(modern).__index, getmetatable(classic).__index)
    end)

    it("of the classic form has the modern options as well", function()
        local ids, partitions = {}, {}
        local p = h.track(kafka.producer(mock:bootstrap_servers(), {
            on_full = "block", ["queue.buffering.max.messages"] = 4, ["linger.ms"] = 1, partitioner = function() return 1 end,
            on_checkpoint = function(id) ids[#ids + 1] = id end, delivery_report_every = 5,
            on_delivery = function(_, report) partitions[#partitions + 1] = report.partition end,
        }))
        p:create_topic(topic)
        h.wait_until(function() return p:partition_count(topic) end)
        for i = 1, 20 do assert.are.equal(0, p:send(topic, -1, i, "v")) end
        assert.is_true(p:flush(10000))
        assert.are.equal(20, ids[#ids])
        assert.are.same({ 1, 1, 1, 1 }, partitions)
    end)

    it("produces value and key without a handle made beforehand", function()
        local p = producer()
        assert.is_true(p:produce(topic, "v", "k", { partition = 1 }))
        assert.is_true(p:flush(10000))
        assert.are.same({ { value = "v", key = "k", partition = 1 } },
            h.drain(mock:bootstrap_servers(), topic, { count = 1 }))
    end)

    it("puts equal keys into one partition", function()
        local p = producer()
        for i = 1, 40 do assert(p:produce(topic, "v", "key" .. i % 4)) end
        assert.is_true(p:flush(10000))
        local home = {}
        for _, message in ipairs(h.drain(mock:bootstrap_servers(), topic, { count = 40 })) do
            home[message.key] = home[message.key] or message.partition
            assert.are.equal(home[message.key], message.partition)
        end
    end)

    it("joins a value given as an array of strings", function()
        local p = producer()
        assert.is_true(p:produce(topic, { "a", "\0", 1, "z" }, "key", { partition = 0 }))
        assert.is_true(p:flush(10000))
        assert.are.equal("a\0001z", h.drain(mock:bootstrap_servers(), topic, { count = 1 })[1].value)
    end)

    -- Which of the parts # finds of an array with a hole is not the same on all Luas.
    it("refuses an array of strings with holes, or with other keys: something of the value would be lost", function()
        local p = producer()
        p:create_topic(topic)
        for _, parts in ipairs { { "a", nil, "b" }, { "a", "b", [9] = "c" }, { "a", key = "b" }, { [0] = "a", "b" } } do
            for _, call in ipairs { "p:produce(topic, parts)", "p:produce{ topic = topic, value = parts }", "p:send(topic, 0, 1, parts)" } do
                local err = h.error_of(h.chunk("local p, topic, parts = ...\n" .. call), p, topic, parts)
                assert.truthy(err:match("^user%.lua:2: ") and err:find("array of strings", 1, true), err)
            end
            local accepted, errors = p:produce_batch(topic, { { value = parts } })
            assert.same({ 0, "_INVALID_ARG" }, { accepted, errors[1].name })
        end
        assert.are.equal(0, #p)
    end)

    it("counts what was accepted and not yet reported", function()
        local p = producer { ["linger.ms"] = 300 }
        assert.are.equal(0, #p)
        for i = 1, 3 do
            p:produce(topic, "v")
            assert.are.equal(i, #p)
        end
        assert.is_true(p:flush(10000))
        assert.are.equal(0, #p)
    end)

    it("tells as poll's third value how much was served", function()
        local p = producer { ["linger.ms"] = 50 }
        p:create_topic(topic)
        for i = 1, 3 do p:send(topic, 0, i, "v") end
        assert.are.same({ 3, 0, 3 }, { p:poll(10000) })
        assert.are.same({ 3, nil, 0, 0 }, { select("#", p:poll(0)), p:poll(0) })
    end)

    it("cuts its linger short when flushed", function()
        local p = producer { ["linger.ms"] = 20000 }
        p:produce(topic, "v")
        local started = h.now()
        assert.is_true(p:flush(10000))
        assert.is_true(h.now() - started < 5)
    end)

    it("tells by flush how many remain at the deadline, and keeps them", function()
        local p = h.track(kafka.producer(h.nowhere))
        for _ = 1, 3 do p:produce("t", "v") end
        local started = h.now()
        local ok, err, remaining = p:flush(300)
        local waited = h.now() - started
        assert.is_nil(ok)
        assert.are.equal("_TIMED_OUT", err.name)
        assert.are.equal(3, remaining)
        assert.are.equal(3, #p)
        assert.is_true(waited >= 0.29 and waited < 1.3, "waited " .. waited)
    end)

    it("tells without a callback why flush timed out", function()
        local p = h.track(kafka.producer(h.nowhere))
        p:produce("t", "v")
        local _, err = p:flush(600)
        assert.truthy(err.message:find("127.0.0.1:1", 1, true) or err.message:lower():find("brokers", 1, true), err.message)
    end)

    it("delivers what is queued when it is closed", function()
        local p = producer { ["linger.ms"] = 20000 }
        for i = 1, 10 do p:produce(topic, tostring(i), nil, { partition = 0 }) end
        assert.is_true(p:close())
        assert.is_true(p:closed())
        assert.are.equal(10, #h.drain(mock:bootstrap_servers(), topic, { count = 10 }))
    end)

    it("tells by close how many were not delivered, and is closed then", function()
        local p = h.track(kafka.producer(h.nowhere))
        for _ = 1, 4 do p:produce("t", "v") end
        local ok, err, undelivered = p:close(300)
        assert.is_nil(ok)
        assert.are.equal("_TIMED_OUT", err.name)
        assert.are.equal(4, undelivered)
        assert.is_true(p:closed())
        assert.is_true(p:close())
    end)

    it("answers name, tostring, closed and close after it was closed, and raises for the rest", function()
        local p = producer()
        local name = p:name()
        assert.truthy(name:match("#producer%-%d+$"), name)
        assert.is_false(p:closed())
        assert.are.equal(("kafka.Producer: %s (open, 0 queued)"):format(name), tostring(p))
        assert.is_true(p:close())
        assert.are.equal(name, p:name())
        assert.are.equal(("kafka.Producer: %s (closed)"):format(name), tostring(p))
        assert.is_true(p:close())
        local calls = { "p:poll()", "p:flush()", "p:produce('t', 'v')", "p:send('t', 0, 1, 'm')", "p:create_topic('t')",
            "local x = p:has_topic('t')", "p:destroy_topic('t')", "p:last_error()" }
        for _, call in ipairs(calls) do
            assert.are.equal("user.lua:2: attempt to use a closed kafka.Producer",
                h.error_of(h.chunk("local p = ...\n" .. call), p))
        end
        assert.are.equal(0, #p)
    end)

    it("shows in tostring how many messages are queued", function()
        local p = producer { ["linger.ms"] = 20000, ["client.id"] = "me" }
        p:produce(topic, "v")
        assert.truthy(tostring(p):match("^kafka%.Producer: me#producer%-%d+ %(open, 1 queued%)$"), tostring(p))
    end)

    it("has a last_error only after an error", function()
        local p = producer()
        p:poll(0)
        assert.is_nil(p:last_error())
        local lost = h.track(kafka.producer(h.nowhere))
        local err = h.wait_until(function()
            lost:poll(100)
            return lost:last_error()
        end)
        assert.are.equal("number", type(err.code))
        assert.are.equal(kafka.errors[err.code], err.name)
    end)

    it("has the error of a message it could not deliver as its last_error, without a callback too", function()
        local p = producer()
        mock:push_errors("Produce", { "TOPIC_AUTHORIZATION_FAILED" })
        assert.is_true(p:produce(topic, "v"))
        assert.is_true(p:flush(10000))
        assert.are.equal("TOPIC_AUTHORIZATION_FAILED", p:last_error().name)
    end)

    it("returns nil and _QUEUE_FULL when its queue is full", function()
        local p = h.track(kafka.producer(h.nowhere, { ["queue.buffering.max.messages"] = 1 }))
        assert.is_true(p:produce("t", "v"))
        local ok, err = p:produce("t", "v")
        assert.is_nil(ok)
        assert.are.equal("_QUEUE_FULL", err.name)
        assert.are.equal(-184, err.code)
        assert.is_true(err.retriable)
        assert.are.equal(1, #p)
    end)

    it("says to call poll when its queue is full of reports that wait for a callback", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers(), {
            ["queue.buffering.max.messages"] = 5, ["linger.ms"] = 0, on_delivery = function() end,
        }))
        local err
        h.wait_until(function()
            local ok, refused = p:produce(topic, "v")
            err = not ok and refused
            return err
        end)
        assert.are.equal("_QUEUE_FULL", err.name)
        assert.truthy(err.message:find("poll", 1, true), err.message)
    end)

    it("goes on for ever without poll when no callback asks for reports", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["queue.buffering.max.messages"] = 100, ["linger.ms"] = 0 }))
        p:create_topic(topic)
        local sent = 0
        h.wait_until(function() -- twenty queues' worth, and never a poll
            local ret
            repeat
                ret = p:send(topic, 0, sent, "v")
                if ret == 0 then sent = sent + 1 end
            until ret ~= 0 or sent == 2000
            return sent == 2000 or assert.are.equal(105, ret) and false
        end, 20, "sending without poll")
        assert.is_true(p:flush(10000))
    end)

    it("returns nil and the error for a message that is too large, an unknown partition, a bad topic", function()
        local p = producer { ["message.max.bytes"] = 1000 }
        local ok, err = p:produce(topic, ("x"):rep(2000))
        assert.is_nil(ok)
        assert.are.equal("MSG_SIZE_TOO_LARGE", err.name)
        assert.is_true(p:produce(topic, "v", nil, { partition = 0 }))
        assert.is_true(p:flush(10000)) -- metadata is known now
        ok, err = p:produce(topic, "v", nil, { partition = 9 })
        assert.is_nil(ok)
        assert.are.equal("_UNKNOWN_PARTITION", err.name)
        assert.are.equal(0, #p)
    end)

    -- Turns red when headers are left out of the sum, or what librdkafka reserves around value and key: a message of
    -- 900 bytes was then said to exceed 1000.
    it("says of a message that is too large what counts, headers too, and which limit it exceeds", function()
        local p = producer { ["message.max.bytes"] = 1000 }
        local function said(value, key, headers)
            local ok, err = p:produce(topic, ("v"):rep(value), ("k"):rep(key), { headers = headers })
            assert.is_nil(ok)
            assert.equal("MSG_SIZE_TOO_LARGE", err.name)
            local v, k, in_headers, around, most = err.message:match(
                "^value (%d+), key (%d+), headers (%d+) and (%d+) bytes around them exceed message%.max%.bytes=(%d+): "
                .. "make the message smaller, or raise it here and the topic's max%.message%.bytes$")
            assert.is_string(v, err.message)
            assert.same({ value, key, 1000 }, { tonumber(v), tonumber(k), tonumber(most) })
            assert.is_true(v + k + in_headers + around > 1000, err.message)
            return tonumber(in_headers)
        end
        assert.equal(0, said(990, 5))
        -- Lengths stand in front: of 4 and 70 bytes one and two, of 70 and null two and one.
        assert.equal(4 + 70 + 3 + 70 + 3, said(900, 3, { { "name", ("h"):rep(70) }, { ("n"):rep(70) } }))
        -- The smallest that is refused, and the largest that is not.
        assert.equal(3, said(957, 5, { a = "" }))
        assert.is_true(p:produce(topic, ("v"):rep(956), ("k"):rep(5), { headers = { a = "" } }))
        assert.is_true(p:flush(10000))
    end)

    it("says of a value larger than the whole queue that it is the value which counts", function()
        local p = producer { ["queue.buffering.max.kbytes"] = 1 }
        local ok, err = p:produce(topic, ("v"):rep(1025), ("k"):rep(500))
        assert.is_nil(ok)
        assert.same({ "MSG_SIZE_TOO_LARGE", "the value of 1025 bytes exceeds queue.buffering.max.kbytes=1: make it smaller, or raise that" },
            { err.name, err.message })
    end)

    it("refuses options it does not know by the nearest name", function()
        local p = producer()
        local user = h.chunk("local p, topic = ...\np:produce(topic, 'v', nil, { patition = 0 })")
        local err = h.error_of(user, p, topic)
        assert.truthy(err:match("^user%.lua:2: "), err)
        assert.truthy(err:find("patition", 1, true) and err:find("'partition'", 1, true) or err:find("partition", 1, true), err)
        assert.are.equal(0, #p)
    end)

    it("refuses wrong types and values of produce's arguments at the caller", function()
        local p = producer()
        local cases = {
            "p:produce()", "p:produce({}, 'v')", "p:produce('t', true)", "p:produce('t', 'v', {})", "p:produce('t', 'v', 'k', 5)",
            "p:produce('t', 'v', 'k', { partition = 1.5 })", "p:produce('t', 'v', 'k', { partition = 'x' })",
            "p:produce('t', 'v', 'k', { partition = -2 })", "p:produce('t', 'v', 'k', { timestamp = 0.5 })",
            "p:produce('t', 'v', 'k', { headers = 5 })", "p:produce('t', 'v', 'k', { on_delivery = 5 })",
            "p:produce('t\\0', 'v')", "p:produce('', 'v')", "p:produce(('t'):rep(250), 'v')",
        }
        for _, call in ipairs(cases) do
            local err = h.error_of(h.chunk("local p = ...\n" .. call), p)
            assert.truthy(type(err) == "string" and err:match("^user%.lua:2: "), call .. ": " .. tostring(err))
        end
        assert.are.equal(0, #p)
    end)

    if h.version == "5.4" then
        it("is closed at the end of a <close> block", function()
            local user = h.chunk([[
                local kafka, brokers, topic = ...
                local outer
                do
                    local p <close> = kafka.producer(brokers, { ["linger.ms"] = 20000 })
                    p:produce(topic, "v")
                    outer = p
                end
                return outer]])
            assert.is_true(user(kafka, mock:bootstrap_servers(), topic):closed())
            assert.are.equal(1, #h.drain(mock:bootstrap_servers(), topic, { count = 1 }))
        end)
    end
end)
