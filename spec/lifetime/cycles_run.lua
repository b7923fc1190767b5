-- Runs the create/close cycles against a cluster in another process, for the unit spec and the hammer.
local child = require "spec.support.child"
local broker = require "spec.lifetime.broker"
local tls = require "spec.lifetime.tls"

local script
do
    local file = assert(io.open("spec/lifetime/cycles.lua", "rb"))
    script = file:read("*a")
    file:close()
end

--- → {growth_kib=, threads={at FROM, at the end}, descriptors={…}, run=, delivered=}
return function(cycles, from, timeout)
    local cluster = broker.start(1)
    local topic = cluster:topic("cycles")
    local run = child.run(script, { args = { cycles, from, cluster.servers, tls.refused(), topic }, timeout = timeout })
    local delivered = cluster:count(topic).cycle.distinct
    cluster:close()
    local story = { run = run, delivered = delivered, growth_kib = tonumber(run.out:match("growth_kib\t(%-?%d+)")) }
    for name, a, b in run.out:gmatch("(%a+)\t(%d+)\t(%d+)\n") do story[name] = { tonumber(a), tonumber(b) } end
    return story
end
