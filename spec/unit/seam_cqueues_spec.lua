-- A client is what cqueues polls: pollfd, events and timeout on the object itself, no adapter in between.
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local h = require "spec.helper"

local function settled_pair(conf)
    local topic = h.topic()
    local mock = h.mock { topics = { [topic] = 1 } }
    local producer = h.track(h.kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 0 }))
    producer:create_topic(topic)
    local all = { ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 10 }
    for key, value in pairs(conf or {}) do all[key] = value end
    local consumer = h.track(h.kafka.consumer(mock:bootstrap_servers(), { topic }, all))
    -- Joining the group is over with the first message; what follows is messages alone.
    assert.equal(0, producer:send(topic, 0, nil, "first"))
    h.wait_until(function() return consumer:receive() == "first" end, 15, "the first message")
    return producer, consumer, topic
end

describe("cqueues.poll", function()
    after_each(h.cleanup)

    it("drives a consumer with no adapter, and receive after each wake returns at once", function()
        local producer, consumer, topic = settled_pair()
        local bursts, size = 20, 10
        local sent, received, slowest = 0, 0, 0
        local taken = condition.new()
        local loop = cqueues.new()

        loop:wrap(function()
            for _ = 1, bursts do
                for _ = 1, size do
                    sent = sent + 1
                    assert.equal(0, producer:send(topic, 0, nil, tostring(sent)))
                end
                while received < sent do assert.is_truthy(taken:wait(10), "the burst was not received within 10 s") end
            end
        end)

        loop:wrap(function()
            while received < bursts * size do
                assert.equal(consumer, (cqueues.poll(consumer, 10)))
                repeat
                    local before = h.now()
                    local payload, from, partition = consumer:receive()
                    slowest = math.max(slowest, h.now() - before)
                    received = received + 1
                    assert.equal(tostring(received), payload)
                    assert.equal(topic, from)
                    assert.equal(0, partition)
                until cqueues.poll(consumer, 0) ~= consumer
                taken:signal()
            end
        end)

        assert(loop:loop())
        assert.equal(bursts * size, received)
        assert.is_true(slowest < 0.05, ("a receive after a wake took %.0f ms"):format(slowest * 1000))
    end)

    it("does not return an idle consumer", function()
        local _, consumer = settled_pair()
        local loop = cqueues.new()
        local woken
        loop:wrap(function() woken = cqueues.poll(consumer, 0.3) end)
        assert(loop:loop())
        assert.are_not.equal(consumer, woken)
    end)

    it("wakes a producer for its reports, which poll(0) then serves", function()
        local producer, _, topic = settled_pair()
        assert.is_true(producer:flush(10000))
        while select(3, producer:poll(0)) > 0 do end
        local loop = cqueues.new()
        local reported = {}
        loop:wrap(function()
            for i = 1, 50 do
                assert.equal(0, producer:send(topic, 0, i, "x"))
                assert.equal(producer, (cqueues.poll(producer, 10)))
                reported[i] = producer:poll(0)
            end
        end)
        assert(loop:loop())
        for i = 1, 50 do assert.equal(i, reported[i]) end
    end)

    it("waits for several clients at once and names the one that woke", function()
        local producer, consumer, topic = settled_pair()
        assert.is_true(producer:flush(10000))
        while select(3, producer:poll(0)) > 0 do end
        local _, idle = settled_pair()
        local loop = cqueues.new()
        local woken
        loop:wrap(function() woken = cqueues.poll(idle, consumer, 10) end)
        loop:wrap(function() assert.equal(0, producer:send(topic, 0, nil, "for one")) end)
        assert(loop:loop())
        assert.equal(consumer, woken)
        assert.equal("for one", (consumer:receive()))
    end)

    it("wakes when another coroutine closes the client it sleeps on", function()
        local _, consumer = settled_pair()
        local loop = cqueues.new()
        local took
        loop:wrap(function()
            local before = h.now()
            cqueues.poll(consumer, 10)
            took = h.now() - before
        end)
        loop:wrap(function()
            cqueues.sleep(0.05)
            consumer:close(2000)
        end)
        assert(loop:loop())
        assert.is_true(took < 3, ("woke after %.1f s"):format(took))
        assert.is_true(consumer:closed())
    end)
end)
