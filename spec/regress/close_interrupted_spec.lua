-- A close whose wait raises (Ctrl-C, a loop that ends) has not closed: the next one does.
local h = require "spec.helper"
local kafka = h.kafka

describe("a close that was interrupted", function()
    it("leaves the client open, and the next close closes it", function()
        local producer = kafka.producer(h.nowhere)
        producer:create_topic "t"
        producer:send("t", 0, 1, "x")
        kafka.wrap(producer, function() error("cancelled", 0) end)
        assert.are.equal("cancelled", h.error_of(producer.close, producer, 500))
        assert.is_false(producer:closed())
        assert.are.equal(1, #producer)
        kafka.wrap(producer, nil)
        local ok, err, undelivered = producer:close(50)
        assert.is_nil(ok)
        assert.are.same({ "_TIMED_OUT", 1, true }, { err.name, undelivered, producer:closed() })
    end)
end)
