-- What brokers answer to a produce request: errors that pass are retried, others are reported under their name.
local h = require "spec.helper"

local kafka = h.kafka

local PASSING = {
    "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "BROKER_NOT_AVAILABLE", "REPLICA_NOT_AVAILABLE",
    "REQUEST_TIMED_OUT", "KAFKA_STORAGE_ERROR", "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    "UNKNOWN_TOPIC_OR_PART", "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "INVALID_MSG",
}
-- Not repeated for a message, but marked as ones that may pass.
local MAY_PASS = { NETWORK_EXCEPTION = true, REBALANCE_IN_PROGRESS = true, THROTTLING_QUOTA_EXCEEDED = true }
local LASTING = {
    "TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE",
    "INVALID_REQUIRED_ACKS", "INVALID_TIMESTAMP", "UNSUPPORTED_FOR_MESSAGE_FORMAT", "POLICY_VIOLATION", "INVALID_RECORD",
}

local function producer_on(mock, conf)
    local all = {
        ["bootstrap.servers"] = mock:bootstrap_servers(), ["linger.ms"] = 0, ["retry.backoff.ms"] = 5,
        ["retry.backoff.max.ms"] = 10, ["topic.metadata.refresh.fast.interval.ms"] = 10,
    }
    for key, value in pairs(conf or {}) do all[key] = value end
    return h.track(kafka.producer(all))
end

-- The one report of one message: its error or nil, and how many reports there were in all.
local function fate(producer, topic)
    local count, found, status = 0, nil, nil
    assert(producer:produce(topic, "x", "k", {
        partition = 0,
        on_delivery = function(err, report) count, found, status = count + 1, err, report.status end,
    }))
    assert.is_true(producer:flush(20000))
    return found, status, count
end

describe("An error of a broker that passes", function()
    after_each(h.cleanup)

    for _, name in ipairs(PASSING) do
        it(("%s, told once and three times, ends in one message and one report"):format(name), function()
            local topic = h.topic()
            local mock = h.mock { topics = { [topic] = 1 } }
            local producer = producer_on(mock, { ["enable.idempotence"] = true })
            assert.is_nil((fate(producer, topic)))
            for _, times in ipairs { 1, 3 } do
                local errors = {}
                for i = 1, times do errors[i] = name end
                local _, before = producer:watermarks(topic, 0)
                mock:push_errors("Produce", errors)
                local err, status, reports = fate(producer, topic)
                assert.is_nil(err)
                assert.equal("persisted", status)
                assert.equal(1, reports)
                local _, after = producer:watermarks(topic, 0)
                assert.equal(before + 1, after)
            end
        end)
    end
end)

describe("An error of a broker that lasts", function()
    after_each(h.cleanup)

    for _, name in ipairs(LASTING) do
        it(("%s is reported under its name, as final"):format(name), function()
            local topic = h.topic()
            local mock = h.mock { topics = { [topic] = 1 } }
            local producer = producer_on(mock)
            assert.is_nil((fate(producer, topic)))
            local _, before = producer:watermarks(topic, 0)
            mock:push_errors("Produce", { name })
            local err, status, reports = fate(producer, topic)
            assert.equal(name, err.name)
            assert.equal(kafka.errors[name], err.code)
            assert.is_false(err.retriable)
            assert.is_false(err.fatal)
            assert.is_false(err.txn_requires_abort)
            assert.equal(1, reports)
            assert.are_not.equal("persisted", status)
            local _, after = producer:watermarks(topic, 0)
            assert.equal(before, after)
        end)
    end

    it("is, whichever else there is, reported once and under its name, and with its flags", function()
        local mock = h.mock()
        local producer = producer_on(mock)
        local passing, tried = {}, 0
        for _, name in ipairs(PASSING) do passing[name] = true end
        for name, code in pairs(kafka.errors) do
            if type(name) == "string" and code > 0 and not passing[name] then
                local topic = h.topic() -- some errors stay with their topic
                mock:create_topic(topic, 1)
                mock:push_errors("Produce", { name })
                local err, _, reports = fate(producer, topic)
                assert.equal(name, err and err.name)
                assert.same({ MAY_PASS[name] or false, false, false, 1 },
                    { err.retriable, err.fatal, err.txn_requires_abort, reports }, name)
                local _, stored = producer:watermarks(topic, 0)
                assert.equal(0, stored, name)
                tried = tried + 1
            end
        end
        assert.is_true(tried > 80, tried .. " tried")
    end)

    it("DUPLICATE_SEQUENCE_NUMBER tells an idempotent producer that the message is there", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = producer_on(mock, { ["enable.idempotence"] = true })
        assert.is_nil((fate(producer, topic)))
        mock:push_errors("Produce", { "DUPLICATE_SEQUENCE_NUMBER" })
        assert.same({ nil, "persisted", 1 }, { fate(producer, topic) })
    end)

    it("NETWORK_EXCEPTION is left to the program: reported once, and as one that may pass", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = producer_on(mock)
        assert.is_nil((fate(producer, topic)))
        mock:push_errors("Produce", { "NETWORK_EXCEPTION" })
        local err, _, reports = fate(producer, topic)
        assert.equal("NETWORK_EXCEPTION", err.name)
        assert.is_true(err.retriable)
        assert.equal(1, reports)
    end)
end)

describe("Brokers that are not there", function()
    after_each(h.cleanup)

    it("hold up no produce, and memory is bounded by the queue", function()
        local producer = h.track(kafka.producer {
            ["bootstrap.servers"] = h.nowhere, ["queue.buffering.max.messages"] = 1000, ["message.timeout.ms"] = 60000,
        })
        local begun, accepted, refused = h.now(), 0, nil
        for _ = 1, 1100 do
            local ok, err = producer:produce("topic", ("x"):rep(100))
            if ok then accepted = accepted + 1 else refused = refused or err end
        end
        assert.is_true(h.now() - begun < 2)
        assert.equal(1000, accepted)
        assert.equal(1000, #producer)
        assert.equal("_QUEUE_FULL", refused.name)
        assert.is_true(refused.retriable)
        assert.truthy(refused.message:find("poll()", 1, true))
        begun = h.now()
        local flushed, err, left = producer:flush(300)
        assert.is_true(h.now() - begun < 2)
        assert.is_nil(flushed)
        assert.equal("_TIMED_OUT", err.name)
        assert.equal(1000, left)
        assert.is_true(producer:purge())
        h.wait_until(function()
            producer:poll(50)
            return #producer == 0
        end, 10, "a report of each")
    end)

    it("are bounded in kilobytes as well", function()
        local producer = h.track(kafka.producer {
            ["bootstrap.servers"] = h.nowhere, ["queue.buffering.max.kbytes"] = 100, ["message.timeout.ms"] = 60000,
        })
        local accepted, refused = 0, nil
        for _ = 1, 20 do
            local ok, err = producer:produce("topic", ("x"):rep(10 * 1024))
            if ok then accepted = accepted + 1 else refused = err end
        end
        assert.is_true(accepted >= 9 and accepted <= 10, accepted)
        assert.equal("_QUEUE_FULL", refused.name)
        producer:purge()
    end)
end)
