-- One fresh object of each class that users hold, for specs that sweep over all of them.
local h = require "spec.helper"
local calls = require "spec.input.calls"

local subjects = {}

-- No call may wait, but for the close that ends the spec.
local function tame(client)
    h.track {
        close = function()
            if not client:closed() then h.kafka.wrap(client, nil) end
            client:close(2000)
        end,
    }
    return h.kafka.wrap(client, calls.no_wait)
end

--- A mock cluster with a topic "known", and a maker per class. Clients raise where they would wait.
function subjects.new()
    local home = h.mock { topics = { known = 2 } }
    -- classes: userdata, which can be collected by hand. kind_of: what is one of these in another state.
    local self = { classes = { "Producer", "Consumer", "Queue", "Mock" }, kind_of = { Partitioned = "Producer", Simple = "Consumer" } }
    local owners = setmetatable({}, { __mode = "k" })

    --- What closes a subject: itself, or the client it belongs to.
    function self.client_of(subject) return owners[subject] or subject end

    function self.Producer()
        local producer = h.kafka.producer(home:bootstrap_servers(), { ["linger.ms"] = 0, exit_timeout = 500 })
        producer:create_topic "known"
        return tame(producer)
    end

    --- A producer whose partitioner is a Lua function.
    function self.Partitioned()
        local producer = h.kafka.producer {
            ["bootstrap.servers"] = home:bootstrap_servers(), ["linger.ms"] = 0, exit_timeout = 500, partitioner_timeout = 0,
            partitioner = function() return 0 end,
        }
        producer:create_topic "known"
        h.wait_until(function() return producer:partition_count "known" end)
        return tame(producer)
    end

    function self.Consumer()
        return tame(h.kafka.consumer(home:bootstrap_servers(), { "known:0" }, { ["group.id"] = h.topic "group" }))
    end

    --- A consumer without a group.
    function self.Simple()
        local consumer = tame(h.kafka.consumer { ["bootstrap.servers"] = home:bootstrap_servers(), exit_timeout = 500 })
        consumer:queue()
        return consumer
    end

    function self.Queue()
        local consumer = self.Simple()
        local queue = consumer:queue()
        owners[queue] = consumer
        return queue
    end

    function self.Mock()
        return h.mock { topics = { known = 2 } }
    end

    -- Not among the classes above: these two are tables.
    function self.Reader()
        return h.track(h.kafka.read { ["bootstrap.servers"] = home:bootstrap_servers(), topic = "known", ["fetch.wait.max.ms"] = 10 })
    end

    function self.Session()
        return h.track(h.kafka.session { ["bootstrap.servers"] = home:bootstrap_servers(), ["group.id"] = "g" })
    end

    return self
end

return subjects
