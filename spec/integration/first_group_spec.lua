-- A cluster on which no group ever was makes its coordinator only when the first consumer asks for it.
local h = require "spec.helper"
local cluster = require "fixture.cluster"

local it = not cluster.external() and it or function(title)
    pending(title .. " (skipped: the cluster of KAFKA_BROKERS is not new)")
end

describe("the first consumer of a new cluster", function()
    local kafka

    after_each(function()
        h.cleanup()
        if kafka then kafka:stop() end
    end)

    for kind, suffix in pairs { subscribed = "", assigned = ":0" } do
        it("reads from the first message when it is " .. kind, function()
            kafka = cluster.start()
            local topic = kafka:create_topic(h.topic("first"), 1)
            h.fill(kafka.brokers, topic, { "one", "two" })
            local consumer = h.track(h.kafka.consumer(kafka.brokers, { topic .. suffix }, {
                ["group.id"] = h.topic("group"), ["auto.offset.reset"] = "earliest",
            }))
            assert.equal("one", h.receive(consumer)[1])
            assert.equal("two", h.receive(consumer)[1])
        end)
    end
end)
