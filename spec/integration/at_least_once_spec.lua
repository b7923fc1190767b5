-- At least once: what was being handled when a process died is handed out again; what was finished is not.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

-- Handles messages, commits every 100 ms in the background, and comes to its end at message `arg[4]` in the way of arg[5].
local WORKER = [[
local kafka = require "kafka"
io.stdout:setvbuf "line"
local brokers, topic, group, last, way = arg[1], arg[2], arg[3], tonumber(arg[4]), arg[5]
local consumer = kafka.consumer(brokers, { topic }, {
    ["group.id"] = group, ["auto.offset.reset"] = "earliest", ["auto.commit.interval.ms"] = 100, ["session.timeout.ms"] = 3000,
    ["heartbeat.interval.ms"] = 500,
})
local handled = 0
while handled < last do
    local value = consumer:receive()
    if value then
        print(value)
        handled = handled + 1
    end
end
-- Still handling the last one.
if way == "hang" then io.read() end
if way == "error" then error "the handler failed" end
if way == "close" then consumer:close() end
]]

describe("a consumer that dies", function()
    local kafka = on_kafka { nodes = 1 }
    after_each(h.cleanup)

    local function topic_with(count)
        local topic, values = kafka:create_topic(h.topic("once"), 1), {}
        for i = 1, count do values[i] = "m" .. i end
        h.fill(kafka.brokers, topic, values)
        return topic
    end

    local function lines(process, count)
        local found = {}
        for i = 1, count do found[i] = process:line(30) end
        return found
    end

    local function expected(from, to)
        local found = {}
        for i = from, to do found[#found + 1] = "m" .. i end
        return found
    end

    local function await_committed(group, topic, offset)
        h.wait_until(function()
            return kafka:committed(group, topic)[0] == offset
        end, 15, ("committing offset %d"):format(offset))
    end

    it("by SIGKILL in the middle of a message gets that message again, and misses none", function()
        local topic, group = topic_with(20), h.topic("killed")
        local first = h.start(WORKER, { args = { kafka.brokers, topic, group, 8, "hang" } })
        assert.same(expected(1, 8), lines(first, 8))
        -- Seven are finished. However often the background commits, it may not commit the eighth.
        await_committed(group, topic, 7)
        h.sleep(0.5)
        assert.equal(7, kafka:committed(group, topic)[0])
        first:kill("KILL")
        local _, signal = first:wait(5)
        assert.equal(9, signal)

        local second = h.start(WORKER, { args = { kafka.brokers, topic, group, 13, "close" } })
        assert.same(expected(8, 20), lines(second, 13))
        assert.equal(0, (second:wait(10)))
        assert.equal(20, kafka:committed(group, topic)[0])
    end)

    it("by an error of the handler gets the message again", function()
        local topic, group = topic_with(5), h.topic("failed")
        local first = h.start(WORKER, { args = { kafka.brokers, topic, group, 3, "error" } })
        assert.same(expected(1, 3), lines(first, 3))
        assert.equal(1, (first:wait(10)))
        local second = h.start(WORKER, { args = { kafka.brokers, topic, group, 3, "close" } })
        assert.same(expected(3, 5), lines(second, 3))
        assert.equal(0, (second:wait(10)))
    end)

    it("by coming to its end without closing gets the last message again", function()
        local topic, group = topic_with(5), h.topic("ended")
        local first = h.start(WORKER, { args = { kafka.brokers, topic, group, 3, "end" } })
        assert.same(expected(1, 3), lines(first, 3))
        assert.equal(0, (first:wait(10)))
        local second = h.start(WORKER, { args = { kafka.brokers, topic, group, 3, "close" } })
        assert.same(expected(3, 5), lines(second, 3))
    end)

    it("after close gets nothing again", function()
        local topic, group = topic_with(5), h.topic("closed")
        local first = h.start(WORKER, { args = { kafka.brokers, topic, group, 3, "close" } })
        assert.same(expected(1, 3), lines(first, 3))
        assert.equal(0, (first:wait(10)))
        assert.equal(3, kafka:committed(group, topic)[0])
        local second = h.start(WORKER, { args = { kafka.brokers, topic, group, 2, "close" } })
        assert.same(expected(4, 5), lines(second, 2))
    end)

    it("with enable.auto.commit=false gets everything again that was not committed", function()
        local topic, group = topic_with(5), h.topic("manual")
        for _ = 1, 2 do
            local consumer = h.track(h.kafka.consumer(kafka.brokers, { topic }, {
                ["group.id"] = group, ["auto.offset.reset"] = "earliest", ["enable.auto.commit"] = false,
            }))
            for i = 1, 5 do assert.equal("m" .. i, h.receive(consumer)[1]) end
            consumer:close()
        end
        assert.equal(-1, kafka:committed(group, topic)[0])
    end)
end)
