-- The wake-up descriptor is level-true: readable exactly while anything is queued or buffered, after close for good.
local h = require "spec.helper"
local loop = require "spec.input.loop"
local random = require "spec.input.random"
local wakeup = require "spec.input.wakeup"

local function producer_on(mock, topic, conf)
    local producer = h.track(h.kafka.producer(mock:bootstrap_servers(), conf))
    producer:create_topic(topic)
    return producer
end

local function consumer_on(mock, topic, conf)
    local all = { ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 10 }
    for key, value in pairs(conf or {}) do all[key] = value end
    return h.track(h.kafka.consumer(mock:bootstrap_servers(), { topic }, all))
end

local function receive_one(consumer)
    return h.wait_until(function() return (consumer:receive()) end, 15, "a message")
end

describe("The descriptor of a producer", function()
    after_each(h.cleanup)

    it("is one number for the whole life, asks for reading, and gives cqueues' answers", function()
        local topic = h.topic()
        local producer = producer_on(h.mock { topics = { [topic] = 1 } }, topic)
        local fd = producer:pollfd()
        assert.is_true(fd >= 0 and fd == math.floor(fd))
        assert.equal(fd, producer:pollfd())
        assert.equal("r", producer:events())
        local timeout = producer:timeout()
        assert.is_true(timeout == nil or (type(timeout) == "number" and timeout >= 0))
    end)

    it("is quiet before anything happened and while a message is on its way", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = producer_on(mock, topic, { ["linger.ms"] = 0 })
        assert.equal(0, producer:send(topic, -1, 1, "first")) -- connects
        assert.is_true(producer:flush(10000))
        while select(3, producer:poll(0)) > 0 do end
        assert.is_false(loop.readable(producer:pollfd(), 100))
        mock:set_rtt(1, 400)
        assert.equal(0, producer:send(topic, -1, 2, "second"))
        assert.is_false(loop.readable(producer:pollfd(), 100))
        mock:set_rtt(1, 0)
        assert.is_true(loop.readable(producer:pollfd(), 5000))
    end)

    it("is readable from the report until the report is served, however often one looks", function()
        local topic = h.topic()
        local producer = producer_on(h.mock { topics = { [topic] = 1 } }, topic)
        local fd = producer:pollfd()
        assert.equal(0, producer:send(topic, -1, 7, "x"))
        assert.is_true(loop.readable(fd, 10000))
        for _ = 1, 5 do assert.is_true(loop.readable(fd, 0)) end
        local id, failures = producer:poll(0)
        assert.equal(7, id)
        assert.equal(0, failures)
        while select(3, producer:poll(0)) > 0 do end
        assert.is_false(loop.readable(fd, 100))
    end)

    it("never sleeps while reports wait: 20,000 of them, each step taken only when it is readable", function()
        local topic = h.topic()
        local reports = 0
        local producer = producer_on(h.mock { topics = { [topic] = 4 } }, topic, {
            ["linger.ms"] = 20,
            on_delivery = function() reports = reports + 1 end,
        })
        for i = 1, 20000 do assert.equal(0, producer:send(topic, -1, i, "x")) end
        while #producer > 0 do
            assert.is_true(loop.readable(producer:pollfd(), 10000))
            producer:poll(0)
        end
        assert.equal(20000, reports)
        while select(3, producer:poll(0)) > 0 do end
        assert.is_false(loop.readable(producer:pollfd(), 100))
    end)

    it("wakes for an error event, and sleeps again once on_error has had it", function()
        local seen = {}
        local producer = h.track(h.kafka.producer("127.0.0.1:1", {
            ["reconnect.backoff.ms"] = 10000, ["reconnect.backoff.max.ms"] = 10000,
            on_error = function(err) seen[#seen + 1] = err.name end,
        }))
        local deadline = h.now() + 10
        while #seen == 0 do
            assert.is_true(h.now() < deadline, "no error event")
            assert.is_true(loop.readable(producer:pollfd(), 10000))
            producer:poll(0)
        end
        h.wait_until(function()
            producer:poll(0)
            return not loop.readable(producer:pollfd(), 50)
        end, 3, "quiet after the events were served")
    end)

    it("is readable for good once the producer is closed", function()
        local topic = h.topic()
        local producer = producer_on(h.mock { topics = { [topic] = 1 } }, topic)
        local fd = producer:pollfd()
        assert.is_false(loop.readable(fd, 0))
        assert.is_true(producer:close())
        for _ = 1, 5 do assert.is_true(loop.readable(fd, 0)) end
        assert.is_true(loop.readable(fd, 200))
    end)
end)

describe("The descriptor of a consumer", function()
    after_each(h.cleanup)

    it("is readable while any message is buffered, and quiet after the last", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = producer_on(mock, topic, { ["linger.ms"] = 200 }) -- one batch: it is fetched whole
        for i = 1, 100 do assert.equal(0, producer:send(topic, 0, nil, tostring(i))) end
        assert.is_true(producer:flush(10000))
        local consumer = consumer_on(mock, topic)
        local fd = consumer:pollfd()
        assert.equal("1", receive_one(consumer))
        for i = 2, 100 do
            assert.is_true(loop.readable(fd, 0), "not readable before message " .. i)
            assert.equal(tostring(i), (consumer:receive()))
        end
        assert.is_false(loop.readable(fd, 100))
    end)

    it("wakes for a new message after it was quiet, again and again", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = producer_on(mock, topic, { ["linger.ms"] = 0 })
        local consumer = consumer_on(mock, topic)
        assert.equal(0, producer:send(topic, 0, nil, "0"))
        assert.equal("0", receive_one(consumer))
        for i = 1, 50 do
            assert.is_false(loop.readable(consumer:pollfd(), 0))
            assert.equal(0, producer:send(topic, 0, nil, tostring(i)))
            assert.is_true(loop.readable(consumer:pollfd(), 5000))
            assert.equal(tostring(i), (consumer:receive()))
        end
    end)

    it("is readable for good once the consumer is closed, buffered messages or not", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = producer_on(mock, topic)
        for i = 1, 10 do assert.equal(0, producer:send(topic, 0, nil, tostring(i))) end
        local consumer = consumer_on(mock, topic)
        assert.equal("1", receive_one(consumer))
        local fd = consumer:pollfd()
        assert.is_true(consumer:close())
        for _ = 1, 5 do assert.is_true(loop.readable(fd, 0)) end
    end)
end)

describe("A descriptor", function()
    after_each(h.cleanup)

    it("stays open while the closed client lives and goes with its collection", function()
        -- In a process of its own, where no other client takes the number again.
        local result = h.run([[
            local kafka, loop = require "kafka", require "spec.input.loop"
            local h = require "spec.helper"
            for _, make in ipairs {
                function() return kafka.producer("127.0.0.1:1") end,
                function() return kafka.consumer("127.0.0.1:1", { "t" }, { ["group.id"] = "g" }) end,
            } do
                local client = make()
                local fd = client:pollfd()
                assert(loop.is_open(fd), "not open at the start")
                client:close(2000)
                assert(loop.is_open(fd), "closed with the client, under the feet of an event loop")
                client = nil
                collectgarbage() collectgarbage()
                h.wait_until(function() return not loop.is_open(fd) end, 5, "the descriptor closed")
            end
            print "closed"
        ]], { timeout = 60 })
        assert.equal("closed\n", result.out, result.err)
    end)
end)

describe("Whatever a call waits for", function()
    after_each(h.cleanup)

    it("wakes it: 300 times the end of a flush", function()
        local topic = h.topic()
        local producer = producer_on(h.mock { topics = { [topic] = 1 } }, topic, { ["linger.ms"] = 0 })
        local slowest = 0
        wakeup.task(h.kafka, producer, 30, function()
            for _ = 1, 300 do
                for i = 1, 20 do assert.equal(0, producer:send(topic, 0, i, "x")) end
                local before = h.now()
                assert.is_true(producer:flush(-1))
                slowest = math.max(slowest, h.now() - before)
            end
        end)
        assert.is_true(slowest < 3, ("a flush took %.1f s"):format(slowest))
    end)

    it("wakes it: an error of the consumer's topic", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = producer_on(mock, topic, { ["linger.ms"] = 0 })
        assert.equal(0, producer:send(topic, 0, nil, "first"))
        assert.is_true(producer:flush(10000))
        local consumer = h.track(h.kafka.consumer(mock:bootstrap_servers(), { topic .. ":0" }, {
            ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 10,
            ["topic.metadata.refresh.interval.ms"] = 100, ["topic.metadata.propagation.max.ms"] = 0,
        }))
        assert.equal("first", receive_one(consumer))
        -- Told as receive's fifth value, or raised when it is the classic "topic: … partition: …".
        local told
        local ok, err = pcall(wakeup.task, h.kafka, consumer, 20, function()
            mock:set_topic_error(topic, "UNKNOWN_TOPIC_OR_PART")
            repeat told = select(5, consumer:receive()) until told
        end)
        told = tostring(ok and told or err)
        assert.is_true(told:find "UNKNOWN_TOPIC_OR_PART" ~= nil or told:find("topic: " .. topic, 1, true) ~= nil, told)
    end)

    it("wakes it: the end of a close, of either class", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        for _ = 1, 20 do
            local producer = producer_on(mock, topic, { ["linger.ms"] = 0 })
            assert.equal(0, producer:send(topic, 0, 1, "x"))
            wakeup.task(h.kafka, producer, 10, function() assert.is_true(producer:close(5000)) end)
        end
        for _ = 1, 5 do
            local consumer = h.track(h.kafka.consumer(mock:bootstrap_servers(), { topic .. ":0" }, {
                ["group.id"] = topic, ["auto.offset.reset"] = "earliest",
            }))
            wakeup.task(h.kafka, consumer, 10, function() consumer:close(5000) end)
            assert.is_true(consumer:closed())
        end
    end)
end)

describe("A hundred thousand events without a lost wake-up", function()
    after_each(h.cleanup)

    it("50,000 reports wake a producer that sleeps on its descriptor alone", function()
        local topic = h.topic()
        local producer = producer_on(h.mock { topics = { [topic] = 4 } }, topic, { ["linger.ms"] = 0 })
        local flow = wakeup.deliveries(producer, topic, 50000, random.new(7), 60)
        assert.equal(50000, flow.seen)
        assert.is_true(flow.wakes > 500) -- else the bursts were too large to prove anything
    end)

    it("50,000 messages wake a consumer that sleeps on its descriptor alone", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = producer_on(mock, topic, { ["linger.ms"] = 0 })
        local consumer = consumer_on(mock, topic, { ["fetch.wait.max.ms"] = 2 })
        local flow = wakeup.messages(h.kafka, consumer, producer, topic, 50000, random.new(11), 60)
        assert.equal(50000, flow.seen)
        assert.equal(0, flow.out_of_order)
        assert.is_true(flow.wakes > 250)
    end)
end)
