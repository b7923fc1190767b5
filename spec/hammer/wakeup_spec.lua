-- A million events of each kind, and not one wake-up lost: see spec/input/wakeup.lua.
local h = require "spec.helper"
local random = require "spec.input.random"
local wakeup = require "spec.input.wakeup"

local COUNT = tonumber(os.getenv "KAFKA_HAMMER_EVENTS") or 1000000

describe("A million events", function()
    after_each(h.cleanup)

    it("of delivery wake a producer that sleeps on its descriptor alone", function()
        local topic = h.topic "wake"
        local mock = h.mock { topics = { [topic] = 4 } }
        local producer = h.track(h.kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 0 }))
        producer:create_topic(topic)
        local flow = wakeup.deliveries(producer, topic, COUNT, random.new(20240607), 1200)
        assert.equal(COUNT, flow.seen)
        print(("deliveries: %d events, %d wake-ups, none lost"):format(flow.seen, flow.wakes))
    end)

    it("of arrival wake a consumer that sleeps on its descriptor alone", function()
        local topic = h.topic "wake"
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = h.track(h.kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 0 }))
        producer:create_topic(topic)
        local consumer = h.track(h.kafka.consumer(mock:bootstrap_servers(), { topic }, {
            ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 2,
        }))
        local flow = wakeup.messages(h.kafka, consumer, producer, topic, COUNT, random.new(20240608), 1800)
        assert.equal(COUNT, flow.seen)
        assert.equal(0, flow.out_of_order)
        print(("messages: %d events, %d wake-ups, none lost"):format(flow.seen, flow.wakes))
    end)
end)
