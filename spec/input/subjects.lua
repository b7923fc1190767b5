-- One fresh object of each class that users hold, for specs that sweep over all of them.
local h = require "spec.helper"
local calls = require "spec.input.calls"

local subjects = {}

--- A mock cluster with a topic "known", and a maker per class. Clients raise where they would wait.
function subjects.new()
    local home = h.mock { topics = { known = 2 } }
    local self = { classes = { "Producer", "Consumer", "Mock" } }

    function self.Producer()
        local producer = h.track(h.kafka.producer(home:bootstrap_servers(), { ["linger.ms"] = 0, exit_timeout = 500 }))
        producer:create_topic "known"
        return h.kafka.wrap(producer, calls.no_wait)
    end

    function self.Consumer()
        local consumer = h.track(h.kafka.consumer(home:bootstrap_servers(), { "known:0" }, { ["group.id"] = h.topic "group" }))
        return h.kafka.wrap(consumer, calls.no_wait)
    end

    function self.Mock()
        return h.mock { topics = { known = 2 } }
    end

    return self
end

return subjects
