-- Messages of every shape through the classic calls, with each compression, byte for byte;
-- judged by our own consumer, by Kafka's console consumer and by its dump of the log files.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local CODECS = { "gzip", "snappy", "lz4", "zstd" }

-- Bytes that no codec makes smaller, the same on every interpreter.
local function noise(count, seed)
    local bytes, state = {}, seed
    for i = 1, count do
        state = (state * 16807) % 2147483647
        bytes[i] = string.char(state % 256)
    end
    return table.concat(bytes)
end

local function every_byte()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    return table.concat(bytes)
end

local PAYLOADS = {
    "a",
    "",
    "line one\nline two\r\n\n",
    "\0",
    every_byte(),
    every_byte():rep(400),
    ("harbour "):rep(50000),
    noise(100000, 7),
    noise(999000, 11),
    "the last one",
}

-- Comparing lengths first keeps a failure readable.
local function assert_same_bytes(expected, actual, what)
    assert.equal(#expected, #(actual or ""), what .. ": length")
    assert.is_true(expected == actual, what .. ": the bytes differ")
end

describe("a classic round trip through Apache Kafka", function()
    local kafka = on_kafka { nodes = 1 }
    local topic
    after_each(h.cleanup)

    -- One topic, one partition a codec: so one run of each of Kafka's tools judges all four.
    setup(function()
        topic = kafka:create_topic(h.topic("codecs"), #CODECS)
        for partition, codec in ipairs(CODECS) do
            local producer = h.kafka.producer(kafka.brokers, { ["compression.codec"] = codec })
            producer:create_topic(topic)
            for id, payload in ipairs(PAYLOADS) do
                assert.equal(0, producer:send(topic, partition - 1, id, payload))
            end
            local last, failed, deadline = nil, 0, h.now() + 30
            while #producer > 0 and h.now() < deadline do
                local id, failures = producer:poll(500)
                last, failed = id or last, failed + failures
            end
            assert.equal(0, #producer, codec .. ": messages without a report")
            assert.equal(0, failed, codec .. ": failures")
            assert.equal(#PAYLOADS, last, codec .. ": the last id reported")
            producer:close()
        end
    end)

    for partition, codec in ipairs(CODECS) do
        it("is byte-equal with " .. codec, function()
            local consumer = h.track(h.kafka.consumer(kafka.brokers, { topic .. ":" .. partition - 1 }, {
                ["group.id"] = h.topic("group"),
            }, { ["auto.offset.reset"] = "smallest" }))
            for i, payload in ipairs(PAYLOADS) do
                local got = h.receive(consumer)
                assert_same_bytes(payload, got[1], codec .. " message " .. i)
                assert.equal(topic, got[2])
                assert.equal(partition - 1, got[3])
                assert.is_nil(got[4])
            end
        end)
    end

    it("is byte-equal when Kafka's own console consumer reads it", function()
        local records = kafka:read_back(topic)
        assert.equal(#CODECS * #PAYLOADS, #records)
        for i, record in ipairs(records) do
            local partition, offset = math.floor((i - 1) / #PAYLOADS), (i - 1) % #PAYLOADS
            assert.equal(partition, record.partition)
            assert.equal(offset, record.offset)
            assert_same_bytes(PAYLOADS[offset + 1], record.value, CODECS[partition + 1] .. " at offset " .. offset)
            assert.is_nil(record.key)
        end
    end)

    kafka.ours_to("read its log files")("stands compressed with the codec asked for in Kafka's log files", function()
        local found = kafka:compressions(topic)
        for partition, codec in ipairs(CODECS) do
            assert.is_true((found[partition - 1][codec] or 0) >= 1, codec .. " is nowhere in its partition")
            for other in pairs(found[partition - 1]) do
                -- A batch that would grow is sent as it is: that is the one of noise only.
                assert.is_true(other == codec or other == "none", "partition of " .. codec .. " holds " .. other)
            end
        end
    end)

    it("carries keys, and tells an absent one from an empty one where the record is kept", function()
        local keyed = kafka:create_topic(h.topic("keys"), 1)
        local producer = h.track(h.kafka.producer(kafka.brokers))
        assert(producer:produce(keyed, "v1", every_byte()))
        assert(producer:produce(keyed, "v2"))
        assert(producer:produce(keyed, "v3", ""))
        assert(producer:produce(keyed, nil, "tombstone"))
        assert(producer:flush(10000))
        local consumer = h.track(h.kafka.consumer(kafka.brokers, { keyed }, {
            ["group.id"] = h.topic("group"), ["auto.offset.reset"] = "earliest",
        }))
        local seen = {}
        for i = 1, 4 do
            local got = h.receive(consumer)
            seen[i] = { got[1], got[4] }
        end
        assert.same({ { "v1", every_byte() }, { "v2" }, { "v3" }, { "", "tombstone" } }, seen)
        local records = kafka:read_back(keyed)
        assert.equal(every_byte(), records[1].key)
        assert.is_nil(records[2].key)
        assert.equal("", records[3].key)
        assert.is_nil(records[4].value)
        assert.equal("tombstone", records[4].key)
    end)

    it("refuses a message over the limit at once with errno 90 and sends the next one", function()
        local small = kafka:create_topic(h.topic("limit"), 1)
        local producer = h.track(h.kafka.producer(kafka.brokers))
        producer:create_topic(small)
        assert.equal(90, producer:send(small, 0, 1, ("x"):rep(1100000)))
        assert.equal(0, producer:send(small, 0, 2, "fits"))
        assert(producer:flush(10000))
        local records = kafka:read_back(small)
        assert.equal(1, #records)
        assert.equal("fits", records[1].value)
    end)
end)
