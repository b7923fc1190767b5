-- All brokers are away for half a minute.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

describe("a consumer whose brokers are all away for 30 s", function()
    local kafka = on_kafka { nodes = 1 }
    after_each(h.cleanup)

    kafka.ours_to("kill its brokers")("hears events only, and flows within 5 s when they are back", function()
        require("spec.support.brokers_away")(kafka, h, 30)
    end)
end)
