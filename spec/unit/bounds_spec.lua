-- A program that is slow to serve its clients, or never does, must not fill the memory.
local h = require "spec.helper"
local kafka = h.kafka

describe("What waits to be served", function()
    after_each(h.cleanup)

    -- As many log lines as topics, at once. Red when MOST_EVENTS (native/shared.rs) does not bound them.
    local function log_topics(producer, count)
        for i = 1, count do producer:create_topic("topic-" .. i) end
    end

    it("is a thousand log lines at the most: the oldest go", function()
        local lines = {}
        local producer = h.track(kafka.producer(h.nowhere, {
            debug = "topic", on_log = function(log) lines[#lines + 1] = log.message end,
        }))
        log_topics(producer, 3000)
        producer:poll(0)
        local text = table.concat(lines, "\n") .. "\n"
        assert.is_true(#lines <= 1000, #lines .. " lines")
        assert.is_nil(text:find "topic%-1%D")
        assert.truthy(text:find "topic%-3000%D")
    end)

    -- Red when reports count as droppable (model/event.rs).
    it("loses no report to log lines", function()
        local mock = h.mock { topics = { t = 1 } }
        local reports = 0
        local producer = h.track(kafka.producer(mock:bootstrap_servers(), {
            debug = "topic", on_log = function() end, on_delivery = function() reports = reports + 1 end,
        }))
        for _ = 1, 1500 do assert(producer:produce("t", "x")) end
        -- Its worker takes the reports in, and nobody serves them from here on.
        kafka.wrap(producer, function() coroutine.yield() end)
        local flush = coroutine.create(function() producer:flush(-1) end)
        assert(coroutine.resume(flush))
        kafka.wrap(producer, nil)
        h.wait_until(function() return #producer == 0 end)
        assert.is_true(reports < 1500)
        log_topics(producer, 2000)
        producer:poll(0)
        assert.equal(1500, reports)
    end)

    -- Reports that nobody hears wait in librdkafka. Red when `send` never looks for them (SELF_SERVE_EVERY).
    it("is dropped by a producer without listeners that only sends", function()
        local mock = h.mock { topics = { t = 1 } }
        local producer, sent = h.track(kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 0 })), 0
        h.wait_until(function()
            assert(producer:produce("t", "x"))
            sent = sent + 1
            return #producer < sent
        end)
    end)

    -- A look for a rebalance takes a message each. Red when the buffer grows with every look (OVERFLOW in prefetch.rs).
    it("is a buffer's worth of messages, however long a consumer waits for something else", function()
        local mock = h.mock { topics = { t = 1 } }
        local values = {}
        for i = 1, 4000 do values[i] = "x" end
        h.fill(mock:bootstrap_servers(), "t", values)
        local consumer = h.reader(mock, {})
        local function look() consumer:metadata { timeout = 0 } end
        local function left() return tonumber(consumer:dump():match "rk_rep reply queue: (%d+) ops") end
        h.wait_until(function()
            look()
            return left() >= 2700
        end, 20, "the messages")
        for _ = 1, 3000 do look() end
        assert.is_true(left() >= 2700, left() .. " left")
        for _ = 1, 4000 do assert.equal("x", h.next_message(consumer).value) end
    end)
end)
