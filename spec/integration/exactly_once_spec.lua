-- Consume, transform, produce in transactions, and be killed in the middle: Kafka's own consumer, reading committed
-- messages, finds the input once and in order.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local PARTITIONS, MESSAGES = 4, 20000
local END = "that was all"

-- Says where it is before and after each commit, so that it can be killed at any of these places.
local WORKER = [[
local kafka = require "kafka"
io.stdout:setvbuf "no"
local brokers, input, output, id, most = arg[1], arg[2], arg[3], arg[4], tonumber(arg[5])
local consumer = kafka.consumer {
    ["bootstrap.servers"] = brokers, ["group.id"] = id, topics = { input }, ["auto.offset.reset"] = "earliest",
    ["enable.auto.commit"] = false, ["session.timeout.ms"] = 2000, ["heartbeat.interval.ms"] = 300,
}
local producer = kafka.producer { ["bootstrap.servers"] = brokers, ["transactional.id"] = id, ["linger.ms"] = 1 }
while true do
    local count = 0
    local done, err = producer:transaction(function(tx)
        local batch = assert(consumer:poll_batch(most, 1000))
        count = #batch
        if count > 0 then print "begun" end
        for i, message in ipairs(batch) do
            assert(tx:produce(output, "done " .. message.value, message.key, { partition = message.partition }))
            if i == math.ceil(count / 2) then tx:poll(0) print "half" end
        end
        if count > 0 then print "whole" end
    end, { consumer = consumer })
    if not done then print("failed " .. tostring(err)) os.exit(1) end
    if count > 0 then print("committed " .. count) end
end
]]

describe("consume, transform, produce", function()
    local kafka = on_kafka { nodes = 1 }
    after_each(h.cleanup)

    local function write_input(topic)
        local values = {}
        for i = 1, MESSAGES do values[i] = { value = tostring(i), key = "k" .. i % 7, partition = i % PARTITIONS } end
        h.fill(kafka.brokers, topic, values)
    end

    -- Reads what the worker says until `count` messages are committed by it and then it says `word`.
    local function follow(worker, count, word)
        local committed = 0
        while true do
            local line = worker:line(30)
            if not line then
                local out, err = worker:output()
                error(("the worker ended, or said nothing for 30 s, after:\n%s\n%s"):format(out:sub(-300), err))
            end
            assert.is_nil(line:find("^failed"), line)
            committed = committed + (tonumber(line:match("^committed (%d+)$")) or 0)
            if committed >= count and line:find(word, 1, true) == 1 then return end
        end
    end

    local function committed(group, topic)
        local sum = 0
        for _, offset in pairs(kafka:committed(group, topic)) do sum = sum + math.max(offset, 0) end
        return sum
    end

    kafka.ours_to("read a quiet topic")("is exactly once over 20,000 messages while the process is killed three times", function()
        local input, output = kafka:create_topic(h.topic("input"), PARTITIONS), kafka:create_topic(h.topic("output"), PARTITIONS)
        local id = h.topic("worker")
        write_input(input)
        -- Killed while it produces, with everything produced, and while it commits (or a moment after).
        for _, place in ipairs { { 3000, "half" }, { 3000, "whole" }, { 3000, "whole", 0.004 } } do
            local worker = h.start(WORKER, { args = { kafka.brokers, input, output, id, 500 } })
            follow(worker, place[1], place[2])
            if place[3] then h.sleep(place[3]) end
            worker:kill("KILL")
            assert.equal(9, (select(2, worker:wait(10))))
        end
        assert.is_true(committed(id, input) < MESSAGES, "all was over before the last kill")
        local last = h.start(WORKER, { args = { kafka.brokers, input, output, id, 500 } })
        h.wait_until(function() return committed(id, input) == MESSAGES end, 60, "committing all of the input")
        last:kill("KILL")
        last:wait(10)

        -- The last transaction may have ended a moment after its offsets were seen: only what is committed is read.
        local ends = {}
        for partition = 0, PARTITIONS - 1 do ends[#ends + 1] = { value = END, partition = partition } end
        h.fill(kafka.brokers, output, ends)
        local next_of, count = {}, 0
        for partition = 0, PARTITIONS - 1 do next_of[partition] = partition == 0 and PARTITIONS or partition end
        for _, record in ipairs(kafka:read_committed(output, END)) do
            local number = next_of[record.partition]
            assert.equal("done " .. number, record.value)
            assert.equal("k" .. number % 7, record.key)
            next_of[record.partition] = number + PARTITIONS
            count = count + 1
        end
        assert.equal(MESSAGES, count)
    end)
end)
