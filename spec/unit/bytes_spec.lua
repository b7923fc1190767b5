-- What goes in comes out, byte for byte: nothing is cut, widened, decoded or taken for text.
local h = require "spec.helper"
local random = require "spec.input.random"

local MIB = 1024 * 1024
local SIZES = { 0, 1, 2, 127, 128, 255, 256, 1000, 4095, 4096, 65535, 65536, 300000, 999999, MIB }

local function same(expected, got, what)
    -- Not assert.equal: a failure must not print a megabyte.
    assert.is_true(expected == got, ("%s: %d bytes went in, %s came out"):format(what, #expected,
        type(got) == "string" and ("%d, different"):format(#got) or type(got)))
end

local function setup(partitions)
    local topic = h.topic "bytes"
    local mock = h.mock { topics = { [topic] = partitions } }
    -- Key and value of a mebibyte each, and what frames them.
    local producer = h.track(h.kafka.producer(mock:bootstrap_servers(), { ["message.max.bytes"] = 4 * MIB, ["linger.ms"] = 0 }))
    producer:create_topic(topic)
    local consumer = h.track(h.kafka.consumer(mock:bootstrap_servers(), { topic }, {
        ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 10,
    }))
    return producer, consumer, topic
end

local function receive(consumer)
    local deadline = h.now() + 20
    while h.now() < deadline do
        local payload, topic, partition, key, err = consumer:receive()
        assert.is_nil(err)
        if payload then return payload, key, topic, partition end
    end
    error("nothing came within 20 s", 2)
end

describe("Bytes", function()
    after_each(h.cleanup)

    it("of send's message, 0 to 1 MiB with all values, come back as they went", function()
        local producer, consumer, topic = setup(1)
        local dice = random.new(1)
        for _, size in ipairs(SIZES) do
            local payload = dice:bytes(size)
            assert.equal(0, producer:send(topic, 0, nil, payload))
            local got, key, from, partition = receive(consumer)
            same(payload, got, size .. " bytes")
            assert.is_nil(key)
            assert.equal(topic, from)
            assert.equal(0, partition)
        end
    end)

    it("of produce's key and value, 0 to 1 MiB with all values, come back as they went", function()
        local producer, consumer, topic = setup(1)
        local dice = random.new(2)
        for i, size in ipairs(SIZES) do
            local value, key = dice:bytes(size), dice:bytes(SIZES[#SIZES + 1 - i])
            assert.is_true(assert(producer:produce(topic, value, key)))
            local got, got_key = receive(consumer)
            same(value, got, "value of " .. size)
            if key == "" then
                assert.is_nil(got_key) -- receive's old way with an empty key
            else
                same(key, got_key, "key of " .. #key)
            end
        end
    end)

    it("of a message in parts are the parts, joined", function()
        local producer, consumer, topic = setup(1)
        local dice = random.new(3)
        for _, count in ipairs { 1, 2, 7, 1000 } do
            local parts = {}
            for i = 1, count do parts[i] = dice:bytes(dice:int(0, 700)) end
            assert.equal(0, producer:send(topic, 0, nil, parts))
            same(table.concat(parts), (receive(consumer)), count .. " parts by send")
            assert.is_true(assert(producer:produce(topic, parts, "k")))
            same(table.concat(parts), (receive(consumer)), count .. " parts by produce")
        end
        assert.equal(0, producer:send(topic, 0, nil, { "a", "", 12, "\0", "z" }))
        same("a12\0z", (receive(consumer)), "parts with a number, an empty one and a NUL")
    end)

    it("of each single value survive as a one-byte key and value", function()
        local producer, consumer, topic = setup(1)
        for byte = 0, 255 do
            assert.is_true(assert(producer:produce(topic, string.char(byte), string.char(255 - byte))))
        end
        for byte = 0, 255 do
            local value, key = receive(consumer)
            same(string.char(byte), value, "value " .. byte)
            same(string.char(255 - byte), key, "key " .. 255 - byte)
        end
    end)

    it("survive each compression", function()
        local topic = h.topic "bytes"
        local mock = h.mock { topics = { [topic] = 1 } }
        local consumer = h.track(h.kafka.consumer(mock:bootstrap_servers(), { topic }, {
            ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 10,
        }))
        local dice = random.new(4)
        for _, codec in ipairs { "none", "gzip", "snappy", "lz4", "zstd" } do
            local producer = h.track(h.kafka.producer(mock:bootstrap_servers(), { ["compression.codec"] = codec }))
            producer:create_topic(topic)
            for _, size in ipairs { 0, 256, 70000, 900000 } do
                local payload = dice:bytes(size)
                assert.equal(0, producer:send(topic, 0, nil, payload))
                same(payload, (receive(consumer)), ("%d bytes with %s"):format(size, codec))
            end
        end
    end)

    it("handed to a report are those that were sent", function()
        local topic = h.topic "bytes"
        local mock = h.mock { topics = { [topic] = 1 } }
        local reports = {}
        local producer = h.track(h.kafka.producer(mock:bootstrap_servers(), { ["message.max.bytes"] = 4 * MIB }))
        local dice = random.new(5)
        local sent = {}
        for i, size in ipairs { 0, 1, 256, 65536, MIB } do
            sent[i] = { value = dice:bytes(size), key = dice:bytes(MIB - size) }
            assert.is_true(assert(producer:produce(topic, sent[i].value, sent[i].key, {
                on_delivery = function(err, report)
                    assert.is_nil(err)
                    reports[i] = report
                end,
            })))
        end
        assert.is_true(producer:flush(20000))
        for i, message in ipairs(sent) do
            same(message.value, reports[i].value, "value " .. i)
            same(message.key, reports[i].key, "key " .. i)
        end
    end)
end)

describe("A message too large", function()
    after_each(h.cleanup)

    it("is refused with 90 by send and _MSG_SIZE_TOO_LARGE by produce, and the next one goes", function()
        local topic = h.topic "bytes"
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = h.track(h.kafka.producer(mock:bootstrap_servers()))
        producer:create_topic(topic)
        local large = ("x"):rep(64 * MIB)
        assert.equal(90, producer:send(topic, 0, 1, large))
        local ok, err = producer:produce(topic, large)
        assert.is_nil(ok)
        assert.equal("MSG_SIZE_TOO_LARGE", err.name)
        assert.equal(0, #producer)
        assert.equal(0, producer:send(topic, 0, 2, "small"))
        assert.is_true(producer:flush(10000))
    end)
end)
