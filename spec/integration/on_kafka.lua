-- A story file's cluster: `local kafka = on_kafka { nodes = 3 }` inside its describe starts one before its tests and ends
-- it after them; what the nodes printed is kept under build/kafka-logs when a test failed. With KAFKA_BROKERS it stands
-- for that cluster, and stories that need one of our own are reported as skipped.
if not package.path:find("./?.lua", 1, true) then package.path = "./?.lua;" .. package.path end

local busted = require "busted"
local cluster = require "fixture.cluster"

return function(options)
    local kafka, failed = {}, false

    for _, outcome in ipairs { "failure", "error" } do
        busted.subscribe({ outcome }, function()
            failed = true
            return nil, true -- the report wants to hear it, too
        end)
    end

    busted.setup(function()
        setmetatable(kafka, { __index = cluster.start(options) })
    end)

    busted.teardown(function()
        local started = (getmetatable(kafka) or {}).__index
        if started then started:stop(failed) end
    end)

    --- `it` for a story that only a cluster of our own can tell: kafka.ours_to("kill brokers")("title", fn)
    function kafka.ours_to(what)
        if not cluster.external() then return busted.it end
        return function(title)
            busted.pending(("%s (skipped with KAFKA_BROKERS: needs a cluster of our own, to %s)"):format(title, what))
        end
    end

    return kafka
end
