-- Questions that only a blocking call can answer: asked on a thread, waited for like a message.
local h = require "spec.helper"
local loop = require "spec.input.loop"

local kafka = h.kafka

-- A wait that yields to whoever resumes; `asked` counts how often.
local function yielding()
    local asked = { count = 0 }
    return function()
        asked.count = asked.count + 1
        coroutine.yield()
    end, asked
end

-- Drives a coroutine as a loop does: resumes it when the descriptor is readable, or each tenth of a second.
local function drive(client, task, ...)
    local ok, a, b, c = coroutine.resume(task, ...)
    local deadline = h.now() + 15
    while coroutine.status(task) ~= "dead" do
        assert.is_true(h.now() < deadline, "the coroutine did not end")
        loop.readable(client:pollfd(), 100)
        ok, a, b, c = coroutine.resume(task)
    end
    return ok, a, b, c
end

local function cluster_with(topic, count)
    local mock = h.mock { topics = { [topic] = 1 } }
    local values = {}
    for i = 1, count do values[i] = "value " .. i end
    h.fill(mock:bootstrap_servers(), topic, values)
    return mock
end

describe("A question", function()
    after_each(h.cleanup)

    it("is answered with what the cluster says", function()
        local topic = h.topic()
        local mock = cluster_with(topic, 5)
        local producer = h.track(kafka.producer(mock:bootstrap_servers()))
        local low, high = producer:watermarks(topic, 0)
        assert.equal(0, low)
        assert.equal(5, high)
        assert.equal(2, select("#", producer:watermarks(topic, 0)))
    end)

    it("gives up at its deadline and says why the cluster is silent", function()
        local producer = h.track(kafka.producer(h.nowhere))
        local begun = h.now()
        local low, err = producer:watermarks("topic", 0, 700)
        local took = h.now() - begun
        assert.is_nil(low)
        assert.equal("_TIMED_OUT", err.name)
        assert.is_true(err.retriable)
        assert.truthy(err.message:find("watermarks", 1, true))
        assert.truthy(err.message:find("Connection refused", 1, true))
        assert.is_true(took >= 0.6 and took < 3, took)
    end)

    it("holds up no other question and no flush", function()
        local topic = h.topic()
        local mock = h.mock { brokers = 2, topics = { [topic] = 2 } }
        mock:set_leader(topic, 0, 1)
        mock:set_leader(topic, 1, 2)
        local producer = h.track(kafka.producer(mock:bootstrap_servers()))
        assert(producer:produce(topic, "x", nil, { partition = 0 }))
        assert(producer:produce(topic, "x", nil, { partition = 1 }))
        assert.is_true(producer:flush(10000))
        mock:set_rtt(2, 8000)
        kafka.wrap(producer, (yielding()))
        local slow = coroutine.create(function() return producer:watermarks(topic, 1, 9000) end)
        assert.is_true(coroutine.resume(slow))
        kafka.wrap(producer, nil)
        local begun = h.now()
        assert(producer:watermarks(topic, 0))
        assert(producer:produce(topic, "y", nil, { partition = 0 }))
        assert.is_true(producer:flush(5000))
        assert.is_true(h.now() - begun < 5)
        assert.equal("suspended", coroutine.status(slow))
    end)

    it("comes back through a loop that resumes the coroutine it saw", function()
        local topic = h.topic()
        local mock = cluster_with(topic, 3)
        local producer = h.track(kafka.producer(mock:bootstrap_servers()))
        mock:set_rtt(1, 100) -- or the answer may be there before the first wait
        local wait, asked = yielding()
        kafka.wrap(producer, wait)
        local ok, low, high = drive(producer, coroutine.create(function() return producer:watermarks(topic, 0) end))
        kafka.wrap(producer, nil)
        assert.is_true(ok, low)
        assert.equal(0, low)
        assert.equal(3, high)
        assert.is_true(asked.count > 0)
    end)

    it("leaves the descriptor readable while messages wait", function()
        local topic = h.topic()
        local mock = cluster_with(topic, 20)
        local consumer = h.track(kafka.consumer(mock:bootstrap_servers(), { topic }, {
            ["group.id"] = topic, ["auto.offset.reset"] = "earliest",
        }))
        local fd = consumer:pollfd()
        h.receive(consumer)
        assert(consumer:watermarks(topic, 0))
        for _ = 1, 19 do
            assert.is_true(loop.readable(fd, 5000))
            h.receive(consumer)
        end
    end)

    it("leaves the descriptor readable while reports wait", function()
        local topic = h.topic()
        local mock = cluster_with(topic, 1)
        local reports = 0
        local producer = h.track(kafka.producer(mock:bootstrap_servers(), { on_delivery = function() reports = reports + 1 end }))
        local fd = producer:pollfd()
        mock:set_rtt(1, 100)
        local wait, asked = yielding()
        kafka.wrap(producer, wait)
        local task = coroutine.create(function() return producer:watermarks(topic, 0) end)
        assert.is_true(coroutine.resume(task))
        assert(producer:produce(topic, "x"))
        while coroutine.status(task) ~= "dead" do
            loop.readable(fd, 100)
            assert.is_true(coroutine.resume(task))
        end
        kafka.wrap(producer, nil)
        while reports < 1 do
            assert.is_true(loop.readable(fd, 10000), "readable until the report is served")
            producer:poll(0)
        end
        assert.is_true(asked.count > 0)
    end)

    it("whose coroutine was dropped does not keep the descriptor readable past its deadline", function()
        local topic = h.topic()
        local mock = cluster_with(topic, 1)
        local producer = h.track(kafka.producer(mock:bootstrap_servers()))
        assert(producer:watermarks(topic, 0))
        local fd = producer:pollfd()
        mock:set_rtt(1, 100)
        kafka.wrap(producer, (yielding()))
        local task = coroutine.create(function() return producer:watermarks(topic, 0, 2000) end)
        assert.is_true(coroutine.resume(task))
        task = nil -- luacheck: ignore
        kafka.wrap(producer, nil)
        assert.is_true(loop.readable(fd, 5000), "the answer is there")
        producer:poll(0)
        assert.is_true(loop.readable(fd, 0), "and nobody has taken it")
        h.sleep(2.1)
        producer:poll(0)
        assert.is_false(loop.readable(fd, 50))
    end)

    it("tells what a callback raised meanwhile, once, when it is answered", function()
        local topic = h.topic()
        local mock = cluster_with(topic, 1)
        local producer = h.track(kafka.producer(mock:bootstrap_servers(), {
            ["linger.ms"] = 0, on_delivery = function() error("from the callback", 0) end,
        }))
        assert(producer:watermarks(topic, 0))
        assert(producer:produce(topic, "x"))
        h.wait_until(function() return loop.readable(producer:pollfd(), 100) end)
        assert.equal("from the callback", h.error_of(producer.watermarks, producer, topic, 0))
        assert.equal(0, (producer:watermarks(topic, 0)))
    end)

    it("asked of a client that is closed meanwhile gets _DESTROY", function()
        local topic = h.topic()
        local producer = h.track(kafka.producer(h.nowhere))
        kafka.wrap(producer, (yielding()))
        local task = coroutine.create(function() return producer:watermarks(topic, 0, 60000) end)
        assert.is_true(coroutine.resume(task))
        kafka.wrap(producer, nil)
        producer:close(0)
        local ok, low, err = coroutine.resume(task)
        assert.is_true(ok)
        assert.is_nil(low)
        assert.equal("_DESTROY", err.name)
    end)

    it("does not keep a closed client's thread past its own deadline", function()
        local producer = kafka.producer(h.nowhere)
        kafka.wrap(producer, (yielding()))
        assert.is_true(coroutine.resume(coroutine.create(function() return producer:watermarks("topic", 0, 60000) end)))
        kafka.wrap(producer, nil)
        local begun = h.now()
        producer:close(100)
        assert.is_true(h.now() - begun < 2)
    end)
end)
