-- Coroutines that wait for room in a full queue while others serve the same producer.
local h = require "spec.helper"
local kafka = h.kafka

describe("a coroutine that waits for room", function()
    after_each(h.cleanup)

    -- A loop wakes it when the descriptor is readable or the time it named is over; neither ever comes when others have
    -- served the reports that made room and it named no time.
    it("goes on when another call has served all reports, with nothing left to wake it", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        for _, how in ipairs { "produce", "produce_async", "produce_batch", "send" } do
            local p = h.track(kafka.producer {
                ["bootstrap.servers"] = mock:bootstrap_servers(), on_full = "block", ["linger.ms"] = 60000, -- nothing is sent before the flush
                ["queue.buffering.max.messages"] = 2, on_delivery = function() end,
            })
            p:create_topic(topic)
            kafka.wrap(p, function(_, ms) coroutine.yield(ms) end)
            local calls = {
                produce = function() assert(p:produce(topic, "v")) end,
                produce_async = function() assert(p:produce_async(topic, "v")) end,
                produce_batch = function() assert.equal(1, (p:produce_batch(topic, { "v" }))) end,
                send = function() assert.equal(0, p:send(topic, 0, 1, "v")) end,
            }
            local done
            local thread = coroutine.create(function()
                for _ = 1, 3 do calls[how]() end
                done = true
            end)
            local _, ms = assert(coroutine.resume(thread))
            assert.is_nil(done)
            kafka.wrap(p, nil)
            assert.is_true(p:flush())
            kafka.wrap(p, function(_, left) coroutine.yield(left) end)
            assert.is_true(ms >= 0 and ms <= 1000, ("%s waits %s ms"):format(how, ms))
            h.sleep(ms / 1000)
            assert(coroutine.resume(thread))
            assert.is_true(done, how)
            kafka.wrap(p, nil)
            assert.is_true(p:flush())
        end
    end)

    it("gets _DESTROY when the producer is closed meanwhile, as every call that waits", function()
        for _, how in ipairs { "produce", "produce_sync", "produce_batch" } do
            local p
            p = h.track(kafka.producer {
                ["bootstrap.servers"] = h.nowhere, on_full = "block", ["queue.buffering.max.messages"] = 2, on_error = function() p:close(0) end,
            })
            assert.equal(2, (p:produce_batch("t", { "a", "b" })))
            local what, err = p[how](p, "t", how == "produce_batch" and { "c", "d" } or "c")
            if how == "produce_batch" then
                assert.same({ 0, 1 }, { what, err.first })
                err = err[1]
            end
            assert.equal("_DESTROY", err.name, how)
        end
    end)
end)
