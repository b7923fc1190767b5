-- What a message leaves behind that the queue did not take: nothing.
local h = require "spec.helper"
local kafka = h.kafka

describe("A message that was refused", function()
    local topic, mock
    before_each(function()
        topic = h.topic()
        mock = h.mock { topics = { [topic] = 1 } }
    end)
    after_each(h.cleanup)

    -- Nothing is sent before a flush, so that the queue is full when it should be.
    local function producer(options)
        options = options or {}
        options["bootstrap.servers"], options["linger.ms"] = mock:bootstrap_servers(), 60000
        local p = h.track(kafka.producer(options))
        p:create_topic(topic)
        return p
    end

    it("holds back no checkpoint, neither when it is sent again nor when it is left out", function()
        local told
        local p = producer { ["queue.buffering.max.messages"] = 2, ["message.max.bytes"] = 1000, on_checkpoint = function(id) told = id end }
        assert.same({ 0, 0, 105 }, { p:send(topic, 0, 1, "a"), p:send(topic, 0, 2, "b"), p:send(topic, 0, 3, "c") })
        assert.is_true(p:flush())
        assert.equal(2, told)
        assert.same({ 0, 90 }, { p:send(topic, 0, 3, "c"), p:send(topic, 0, 4, ("x"):rep(2000)) })
        assert.equal(0, p:send(topic, 0, 5, "e"))
        assert.is_true(p:flush())
        assert.equal(5, told)
    end)

    local ways = {
        produce = function(p, message)
            message.topic = topic
            return p:produce(message)
        end,
        produce_batch = function(p, message)
            local accepted, errors = p:produce_batch(topic, { message })
            return accepted == 1 or nil, errors and errors[1]
        end,
    }
    for name, put in pairs(ways) do
        it("leaves callback and opaque to no other message, by " .. name, function()
            local p = producer { ["queue.buffering.max.messages"] = 1 }
            local heard, seen = {}, "never called"
            assert.is_true(put(p, { value = "a" }))
            local ok, err = put(p, { value = "b", opaque = "b's", on_delivery = function() heard[#heard + 1] = "b" end })
            assert.is_nil(ok)
            assert.equal("_QUEUE_FULL", err.name)
            assert.is_true(p:flush())
            assert.is_true(put(p, { value = "c", opaque = "c's" }))
            assert.is_true(p:flush())
            assert.same({}, heard)
            assert.is_true(put(p, { value = "d" }))
            assert.is_nil((put(p, { value = "e", opaque = "e's" })))
            assert.is_true(p:flush())
            assert.is_true(put(p, { value = "f", on_delivery = function(_, report) seen = report.opaque end }))
            assert.is_true(p:flush())
            assert.is_nil(seen)
        end)

        -- As long as a callback waits for its report, reports are kept for a poll and fill the queue.
        it("takes no part in deciding whether a program has to poll, by " .. name, function()
            local p = h.track(kafka.producer {
                ["bootstrap.servers"] = mock:bootstrap_servers(), ["queue.buffering.max.messages"] = 4, ["message.max.bytes"] = 1000,
            })
            assert.is_nil((put(p, { value = ("x"):rep(2000), on_delivery = function() end })))
            local accepted = 0
            h.wait_until(function()
                if put(p, { value = "v" }) then accepted = accepted + 1 end
                return accepted == 20
            end, 20, "room without a poll")
        end)
    end
end)
