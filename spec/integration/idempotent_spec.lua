-- Five times the leader is killed by SIGKILL under an idempotent producer. Kafka's own consumer is the judge: each of
-- 200,000 messages is there once, those of a key in order.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local PARTITIONS, KEYS, MESSAGES, KILLS = 6, 60, 200000, 5
local ROUND = MESSAGES / KILLS

if h.is_jit then
    describe("an idempotent producer", function()
        local kafka = on_kafka { nodes = 3 }
        after_each(h.cleanup)

        local function serve_until(producer, seconds, what, condition)
            local deadline = h.now() + seconds
            while not condition() do
                assert.is_true(h.now() < deadline, what .. " did not happen within " .. seconds .. " s")
                producer:poll(100)
            end
        end

        kafka.ours_to("kill brokers")("loses none of 200,000 messages, repeats none and keeps their order over five kills", function()
            local topic = kafka:create_topic(h.topic("killed"), PARTITIONS)
            local reports, failures, times = 0, {}, {}
            local producer = h.track(h.kafka.producer {
                ["bootstrap.servers"] = kafka.brokers, ["enable.idempotence"] = true, ["linger.ms"] = 5,
                ["reconnect.backoff.max.ms"] = 1000,
                on_delivery = function(err, report)
                    reports = reports + 1
                    local id = tonumber(report.value)
                    times[id] = (times[id] or 0) + 1
                    if err then failures[#failures + 1] = id .. ": " .. tostring(err) end
                end,
            })

            local function send(from, to)
                for id = from, to do
                    local ok, err = producer:produce(topic, tostring(id), "k" .. id % KEYS)
                    while not ok do
                        assert.equal("_QUEUE_FULL", err.name, tostring(err))
                        producer:poll(100)
                        ok, err = producer:produce(topic, tostring(id), "k" .. id % KEYS)
                    end
                    if id % 500 == 0 then producer:poll() end
                end
            end

            for round = 1, KILLS do
                local first, last = (round - 1) * ROUND + 1, round * ROUND
                local kill, before = first + ROUND / 4, reports
                send(first, kill)
                serve_until(producer, 30, "a report before the kill", function() return reports > before end)
                kafka:wait_in_sync(topic)
                local partition = round % PARTITIONS
                local victim = kafka:describe_topic(topic)[partition].leader
                kafka:kill(victim)
                send(kill + 1, last)
                serve_until(producer, 60, "taking over", function()
                    return kafka:describe_topic(topic)[partition].leader ~= victim
                end)
                kafka:restart(victim)
            end
            serve_until(producer, 60, "the last report", function() return #producer == 0 end)
            assert.is_true(producer:close())

            assert.same({}, failures)
            assert.equal(MESSAGES, reports)
            for id = 1, MESSAGES do assert(times[id] == 1, "reports of message " .. id .. ": " .. tostring(times[id])) end

            local newest, count = {}, 0
            for _, record in ipairs(kafka:read_back(topic)) do
                local id = tonumber(record.value)
                assert(record.key == "k" .. id % KEYS, "the key of message " .. id)
                assert(id > (newest[record.key] or 0), "message " .. id .. " is out of order or there twice")
                newest[record.key] = id
                count = count + 1
            end
            assert.equal(MESSAGES, count)
        end)
    end)
end
