local assert = require "luassert"
local h = require "spec.helper"

--- Runs a script in a process of its own: what goes wrong here is a crash, maybe one that comes with a later collection.
-- The script has h, calls, make (spec/input/subjects.lua), gc_of and collect; it must reach its end.
return function(script)
    local result = h.run([[
        local h = require "spec.helper"
        local calls = require "spec.input.calls"
        local subjects = require "spec.input.subjects"
        local make = subjects.new()
        local function gc_of(value) return calls.of(value).__gc end
        local function collect() for _ = 1, 3 do collectgarbage() end end
    ]] .. script .. [[ print "alive"]], { timeout = 60 })
    assert.equal("alive\n", result.out, ("status %s, signal %s: %s"):format(tostring(result.status),
        tostring(result.signal), result.err))
    assert.equal(0, result.status)
end
