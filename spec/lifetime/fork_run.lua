-- Runs the fork storm against a cluster in another process and gathers what it said, for the unit spec and the hammer.
local child = require "spec.support.child"
local broker = require "spec.lifetime.broker"

local script
do
    local file = assert(io.open("spec/lifetime/fork_storm.lua", "rb"))
    script = file:read("*a")
    file:close()
end

--- → {faults = array of texts, forks=, own_clients=, sent=, received=, made=, count = what the broker has by tag, run
-- = the child's end}
return function(rounds, timeout)
    local cluster = broker.start(1)
    local topic = cluster:topic("forks")
    cluster:topic("storm")
    local run = child.run(script, { args = { rounds, cluster.servers, topic }, timeout = timeout })
    local story = { faults = {}, run = run }
    for name, value in run.out:gmatch("(%S+)\t([^\n]*)\n") do
        if name == "fault" then
            table.insert(story.faults, value)
        else
            story[name] = tonumber(value)
        end
    end
    story.count = cluster:count(topic)
    cluster:close()
    return story
end
