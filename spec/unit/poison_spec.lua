-- Records that anyone who can write to a topic may put there. They are received without harm, and so is what follows.
local h = require "spec.helper"

local function setup()
    local topic = h.topic "poison"
    local mock = h.mock { topics = { [topic] = 1 } }
    local producer = h.track(h.kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 0, ["message.max.bytes"] = 4000000 }))
    producer:create_topic(topic)
    local consumer = h.track(h.kafka.consumer(mock:bootstrap_servers(), { topic }, {
        ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 10,
    }))
    return producer, consumer, topic
end

local function receive(consumer)
    local deadline = h.now() + 20
    while h.now() < deadline do
        local payload, _, _, key, err = consumer:receive()
        assert.is_nil(err)
        if payload then return payload, key end
    end
    error("nothing came within 20 s", 2)
end

-- Sends a record, and returns what its report says of it.
local function produce(producer, topic, value, key, options)
    local report
    options.on_delivery = function(err, got)
        assert.is_nil(err)
        report = got
    end
    assert.is_true(assert(producer:produce(topic, value, key, options)))
    assert.is_true(producer:flush(20000))
    return report
end

describe("A poison record", function()
    after_each(h.cleanup)

    local function then_a_healthy_one(producer, consumer, topic)
        assert.equal(0, producer:send(topic, 0, nil, "healthy"))
        assert.equal("healthy", (receive(consumer)))
    end

    it("with header names and values that are not UTF-8 is received, and its report has their bytes", function()
        local producer, consumer, topic = setup()
        local headers = { { "\255\254\128", "\0\255" }, { "\192\175", "" }, { "caf\233", "\237\160\128" }, { "none" } }
        local report = produce(producer, topic, "v", "k", { headers = headers })
        for i, header in ipairs(headers) do
            assert.equal(header[1], report.headers[i][1])
            assert.equal(header[2], report.headers[i][2])
        end
        assert.equal(#headers, #report.headers)
        local value, key = receive(consumer)
        assert.equal("v", value)
        assert.equal("k", key)
        then_a_healthy_one(producer, consumer, topic)
    end)

    it("with 10,000 headers of one name is received, and its report has them all in order", function()
        local producer, consumer, topic = setup()
        local headers = {}
        for i = 1, 10000 do headers[i] = { "same", tostring(i) } end
        local report = produce(producer, topic, "many", nil, { headers = headers })
        assert.equal(10000, #report.headers)
        for i = 1, 10000 do assert.equal(tostring(i), report.headers[i][2]) end
        assert.equal("many", (receive(consumer)))
        then_a_healthy_one(producer, consumer, topic)
    end)

    it("with an empty header name, or one of 100,000 bytes, is received", function()
        local producer, consumer, topic = setup()
        local long = ("n"):rep(100000)
        local report = produce(producer, topic, "odd names", nil, { headers = { { "", "x" }, { long, long } } })
        assert.equal("", report.headers[1][1])
        assert.is_true(long == report.headers[2][1] and long == report.headers[2][2])
        assert.equal("odd names", (receive(consumer)))
        then_a_healthy_one(producer, consumer, topic)
    end)

    it("with null key and null value is received as an empty payload without a key", function()
        local producer, consumer, topic = setup()
        local report = produce(producer, topic, nil, nil, {})
        assert.is_nil(report.value)
        assert.is_nil(report.key)
        local value, key = receive(consumer)
        assert.equal("", value)
        assert.is_nil(key)
        then_a_healthy_one(producer, consumer, topic)
    end)

    it("with all of that at once is received", function()
        local producer, consumer, topic = setup()
        local headers = {}
        for i = 1, 10000 do headers[i] = { "\255\254" .. i } end
        local report = produce(producer, topic, nil, nil, { headers = headers })
        assert.equal(10000, #report.headers)
        assert.equal("\255\25410000", report.headers[10000][1])
        assert.is_nil(report.headers[10000][2])
        assert.equal("", (receive(consumer)))
        then_a_healthy_one(producer, consumer, topic)
    end)

    it("with a tombstone's key keeps null apart from empty in the report", function()
        local producer, consumer, topic = setup()
        assert.is_nil(produce(producer, topic, nil, "key", {}).value)
        assert.equal("", produce(producer, topic, "", "key", {}).value)
        assert.equal("", produce(producer, topic, "v", "", {}).key)
        assert.is_nil(produce(producer, topic, "v", nil, {}).key)
        for _, expected in ipairs { { "", "key" }, { "", "key" }, { "v" }, { "v" } } do
            local value, key = receive(consumer)
            assert.equal(expected[1], value)
            assert.equal(expected[2], key)
        end
    end)
end)
