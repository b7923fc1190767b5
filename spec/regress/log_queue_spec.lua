-- log.queue=true would send log lines to a queue of librdkafka's that nobody reads.
local h = require "spec.helper"
local kafka = h.kafka

describe("log.queue", function()
    after_each(h.cleanup)

    it("does not keep log lines from on_log", function()
        local lines = 0
        local producer = h.track(kafka.producer(h.nowhere, {
            ["log.queue"] = true, debug = "all", on_log = function() lines = lines + 1 end,
        }))
        h.wait_until(function()
            producer:poll(10)
            return lines > 0
        end, 5)
    end)
end)
