-- A topic or a partition that does not exist: what the classic calls return, and what the events say.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local ESRCH, ENOENT = 3, 2

describe("an unknown topic or partition on Apache Kafka", function()
    local kafka = on_kafka { nodes = 1 }
    after_each(h.cleanup)

    -- A producer that gives up on a topic nobody knows after a second, with its reports in `reports`.
    local function producer_with_reports()
        local reports = {}
        local producer = h.track(h.kafka.producer(kafka.brokers, {
            ["topic.metadata.propagation.max.ms"] = 1000,
            on_delivery = function(err, report) reports[#reports + 1] = { err = err, report = report } end,
        }))
        return producer, reports
    end

    -- Polls until `count` reports came: → the last id and the number of failures that poll returned.
    local function poll_reports(producer, reports, count)
        local last, failed, deadline = nil, 0, h.now() + 20
        while #reports < count and h.now() < deadline do
            local id, failures = producer:poll(1000)
            last, failed = id or last, failed + failures
        end
        assert.equal(count, #reports)
        return last, failed
    end

    it("lets send accept an unknown partition while nothing is known, and reports the failure", function()
        local topic = kafka:create_topic(h.topic("two"), 2)
        local producer, reports = producer_with_reports()
        producer:create_topic(topic)
        assert.equal(0, producer:send(topic, 7, 41, "nowhere"))
        local last, failed = poll_reports(producer, reports, 1)
        assert.equal(41, last)
        assert.equal(1, failed)
        assert.equal("_UNKNOWN_PARTITION", reports[1].err.name)
        assert.equal(41, reports[1].report.sequence_id)
        assert.equal("nowhere", reports[1].report.value)
        assert.equal("not_persisted", reports[1].report.status)
    end)

    it("makes send return 3 for an unknown partition and 0 for a known one once the topic is known", function()
        local topic = kafka:create_topic(h.topic("two"), 2)
        local producer, reports = producer_with_reports()
        producer:create_topic(topic)
        assert.equal(0, producer:send(topic, 1, 1, "known"))
        poll_reports(producer, reports, 1)
        assert.is_nil(reports[1].err)
        assert.equal(ESRCH, producer:send(topic, 2, 2, "one too many"))
        assert.equal(0, producer:send(topic, 0, 3, "known"))
        poll_reports(producer, reports, 2)
        assert.equal(3, reports[2].report.sequence_id)
        assert.equal(2, kafka:count(topic))
    end)

    it("reports a message for an unknown topic as failed, and then makes send return 2", function()
        local topic = h.topic("nobody-made-me")
        local producer, reports = producer_with_reports()
        producer:create_topic(topic)
        assert.equal(0, producer:send(topic, -1, 5, "nowhere"))
        local last, failed = poll_reports(producer, reports, 1)
        assert.equal(5, last)
        assert.equal(1, failed)
        assert.equal("UNKNOWN_TOPIC_OR_PART", reports[1].err.name) -- in the broker's words
        assert.equal(ENOENT, producer:send(topic, -1, 6, "nowhere"))
        assert.equal(0, #producer)
    end)

    it("makes produce return nil and the error for both", function()
        local topic = kafka:create_topic(h.topic("two"), 2)
        local producer, reports = producer_with_reports()
        assert(producer:produce(topic, "known", nil, { partition = 0 }))
        poll_reports(producer, reports, 1)
        local ok, err = producer:produce(topic, "one too many", nil, { partition = 2 })
        assert.is_nil(ok)
        assert.equal("_UNKNOWN_PARTITION", err.name)
        local missing = h.topic("nobody-made-me")
        assert(producer:produce(missing, "nowhere"))
        poll_reports(producer, reports, 2)
        ok, err = producer:produce(missing, "nowhere")
        assert.is_nil(ok)
        assert.equal("_UNKNOWN_TOPIC", err.name)
    end)

    -- receive() until it returns an error as its fifth value, or raises one.
    local function first_trouble(consumer)
        local deadline = h.now() + 15
        while h.now() < deadline do
            local ok, value, _, _, _, err = pcall(consumer.receive, consumer)
            if not ok then return nil, value end
            assert.is_nil(value)
            if err then return err end
        end
        error("receive gave neither an error nor a message in 15 s")
    end

    it("makes receive return four nils and the error for a topic that is subscribed and does not exist", function()
        local topic, heard = h.topic("nobody-made-me"), {}
        local consumer = h.track(h.kafka.consumer(kafka.brokers, { topic }, {
            ["group.id"] = h.topic("group"),
            on_error = function(err) heard[#heard + 1] = err end,
        }))
        local err = assert(first_trouble(consumer))
        assert.equal("UNKNOWN_TOPIC_OR_PART", err.name)
        assert.matches(topic, err.message, 1, true)
        assert.equal("UNKNOWN_TOPIC_OR_PART", consumer:last_error().name)
        consumer:receive() -- serves the callback
        assert.equal("UNKNOWN_TOPIC_OR_PART", heard[1].name)
    end)

    it("makes receive raise where it is for an assigned partition that does not exist", function()
        local topic = kafka:create_topic(h.topic("two"), 2)
        local consumer = h.track(h.kafka.consumer(kafka.brokers, { topic .. ":9" }, { ["group.id"] = h.topic("group") }))
        local err, raised = first_trouble(consumer)
        assert.is_nil(err)
        assert.equal("string", type(raised))
        assert.matches(("^topic: %s partition: 9 offset: %%-?%%d+ err: .*[Uu]nknown partition"):format(topic:gsub("%-", "%%-")), raised)
    end)

    it("goes on reading the partitions that exist beside one that does not", function()
        local topic = kafka:create_topic(h.topic("two"), 2)
        h.fill(kafka.brokers, topic, { { value = "here", partition = 1 } })
        local consumer = h.track(h.kafka.consumer(kafka.brokers, { topic .. ":9", topic .. ":1" }, {
            ["group.id"] = h.topic("group"), ["auto.offset.reset"] = "earliest",
        }))
        local value, raised, deadline = nil, nil, h.now() + 15
        while not (value and raised) and h.now() < deadline do
            local ok, first = pcall(consumer.receive, consumer)
            if ok then value = value or first else raised = first end
        end
        assert.equal("here", value)
        assert.matches("partition: 9", raised)
    end)
end)
