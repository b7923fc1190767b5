-- One broker of three is killed by SIGKILL and restarted in the middle of a stream: nothing that was accepted is lost.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local PARTITIONS, MESSAGES = 6, 50000
local KILL, TAKEN_OVER, RESTART = 10000, 30000, 40000 -- after so many messages

describe("a stream of messages while a broker is killed and restarted", function()
    local kafka = on_kafka { nodes = 3 }
    after_each(h.cleanup)

    -- Sends ids from..to, spread over the partitions; a full queue is waited for, anything else is an error.
    local function send(producer, topic, from, to)
        for id = from, to do
            local answer = producer:send(topic, id % PARTITIONS, id, "message " .. id)
            while answer == 105 do
                producer:poll(100)
                answer = producer:send(topic, id % PARTITIONS, id, "message " .. id)
            end
            assert.equal(0, answer)
            if id % 100 == 0 then producer:poll() end
        end
    end

    local function poll_until(producer, seconds, what, condition)
        local deadline = h.now() + seconds
        while not condition() do
            assert.is_true(h.now() < deadline, what .. " did not happen within " .. seconds .. " s")
            producer:poll(100)
        end
    end

    -- The stream: → the ids reported (times each), the number of failures.
    local function stream(topic, conf)
        local reported, count, failures = {}, 0, {}
        conf.on_delivery = function(err, report)
            reported[report.sequence_id] = (reported[report.sequence_id] or 0) + 1
            count = count + 1
            if err then failures[#failures + 1] = report.sequence_id .. ": " .. tostring(err) end
        end
        local producer = h.track(h.kafka.producer(kafka.brokers, conf))
        producer:create_topic(topic)

        send(producer, topic, 1, KILL)
        poll_until(producer, 30, "the first report", function() return count > 0 end)
        local victim = kafka:describe_topic(topic)[0].leader
        kafka:kill(victim)
        send(producer, topic, KILL + 1, TAKEN_OVER)
        -- The others take over: reports for partitions that the dead broker led.
        poll_until(producer, 60, "taking over", function() return #producer == 0 end)
        send(producer, topic, TAKEN_OVER + 1, RESTART)
        kafka:restart(victim)
        send(producer, topic, RESTART + 1, MESSAGES)
        poll_until(producer, 60, "the last report", function() return #producer == 0 end)
        producer:close()
        return reported, failures
    end

    local function assert_each_reported_once(reported, failures)
        assert.same({}, failures)
        for id = 1, MESSAGES do assert.equal(1, reported[id], "reports of message " .. id) end
    end

    -- Times each message stands in Kafka; fails for one that does not belong there or sits in the wrong partition.
    local function stored(topic)
        local times = {}
        for _, record in ipairs(kafka:read_back(topic)) do
            local id = tonumber(record.value:match("^message (%d+)$"))
            assert.equal(id % PARTITIONS, record.partition)
            times[id] = (times[id] or 0) + 1
        end
        return times
    end

    kafka.ours_to("kill brokers")("loses none of 50,000 messages with default settings", function()
        local topic = kafka:create_topic(h.topic("killed"), PARTITIONS)
        local reported, failures = stream(topic, {})
        assert_each_reported_once(reported, failures)
        local times, lost = stored(topic), 0
        for id = 1, MESSAGES do lost = lost + (times[id] and 0 or 1) end
        assert.equal(0, lost)
        kafka:wait_in_sync(topic)
    end)

    kafka.ours_to("kill brokers")("loses none and stores none twice or out of order when the producer is idempotent", function()
        local topic = kafka:create_topic(h.topic("killed"), PARTITIONS)
        local reported, failures = stream(topic, { ["enable.idempotence"] = true })
        assert_each_reported_once(reported, failures)
        local newest, count = {}, 0
        for _, record in ipairs(kafka:read_back(topic)) do
            local id = tonumber(record.value:match("^message (%d+)$"))
            assert.is_true(id > (newest[record.partition] or 0), "message " .. id .. " is out of order or there twice")
            newest[record.partition] = id
            count = count + 1
        end
        assert.equal(MESSAGES, count)
        kafka:wait_in_sync(topic)
    end)

    kafka.ours_to("kill brokers")("is read to its end by a consumer whose coordinator is killed on the way", function()
        local topic, group = kafka:create_topic(h.topic("read"), PARTITIONS), h.topic("reader")
        local values = {}
        for id = 1, 12000 do values[id] = { value = "message " .. id, partition = id % PARTITIONS } end
        h.fill(kafka.brokers, topic, values)
        local consumer = h.track(h.kafka.consumer(kafka.brokers, { topic }, {
            ["group.id"] = group, ["auto.offset.reset"] = "earliest", ["session.timeout.ms"] = 6000,
        }))
        local seen, distinct, victim = {}, 0, nil
        local deadline = h.now() + 90
        while distinct < #values do
            assert.is_true(h.now() < deadline, distinct .. " of " .. #values .. " messages within 90 s")
            local value = consumer:receive()
            if value and not seen[value] then
                seen[value] = true
                distinct = distinct + 1
            end
            if distinct == 3000 and not victim then
                victim = kafka:coordinator(group)
                kafka:kill(victim)
            end
        end
        kafka:restart(victim)
        assert(consumer:close())
        local committed = 0
        for _, offset in pairs(kafka:committed(group, topic)) do committed = committed + offset end
        assert.equal(#values, committed)
    end)
end)
