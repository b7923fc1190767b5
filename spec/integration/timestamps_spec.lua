-- Whose clock a message's timestamp is, and the epoch of the leader it was read from.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

describe("the timestamp of a message", function()
    local kafka = on_kafka { nodes = 1 }
    local YESTERDAY = (os.time() - 86400) * 1000
    after_each(h.cleanup)

    -- One message that says it is of yesterday. → its report, and the message as poll, poll_batch and kafka.read hand it out
    local function through(topic)
        local report
        local producer = h.track(h.kafka.producer {
            ["bootstrap.servers"] = kafka.brokers, on_delivery = function(_, told) report = told end,
        })
        assert(producer:produce(topic, "v", nil, { timestamp = YESTERDAY }))
        assert(producer:flush(20000))
        local function consumer()
            return h.track(h.kafka.consumer {
                ["bootstrap.servers"] = kafka.brokers, ["group.id"] = h.topic "group", topics = { topic }, ["auto.offset.reset"] = "earliest",
            })
        end
        local one, many = h.next_message(consumer()), consumer()
        local batch = h.wait_until(function()
            local messages = assert(many:poll_batch(10, 100))
            return messages[1] and messages
        end, 20, "a batch")
        local read = {}
        for message in h.kafka.read { ["bootstrap.servers"] = kafka.brokers, topic = topic } do read[#read + 1] = message end
        assert.same({ 1, 1 }, { #batch, #read })
        return report, { one, batch[1], read[1] }
    end

    it("is the broker's where the topic says LogAppendTime, and is said to be", function()
        local topic = kafka:create_topic(h.topic "appended", 1, { ["message.timestamp.type"] = "LogAppendTime" })
        local before = os.time()
        local report, messages = through(topic)
        local record = kafka:read_back(topic)[1]
        assert.equal("log_append_time", report.timestamp_type)
        for _, message in ipairs(messages) do
            assert.equal("log_append_time", message.timestamp_type)
            assert.equal(record.timestamp, message.timestamp)
            assert.equal(report.timestamp, message.timestamp)
            assert.is_true(message.timestamp >= (before - 1) * 1000 and message.timestamp <= (os.time() + 1) * 1000)
        end
    end)

    it("is the producer's elsewhere, and each message has its leader's epoch", function()
        local report, messages = through(kafka:create_topic(h.topic "created", 1))
        assert.same({ "create_time", YESTERDAY }, { report.timestamp_type, report.timestamp })
        for _, message in ipairs(messages) do
            assert.same({ "create_time", YESTERDAY }, { message.timestamp_type, message.timestamp })
            assert.equal("number", type(message.leader_epoch))
            assert.is_true(message.leader_epoch >= 0)
        end
    end)
end)
