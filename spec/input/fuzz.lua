-- Runs the fuzzer in a child, so that a crash is a failure that names the seed and the last call.
local h = require "spec.helper"

local fuzz = {}

--- KAFKA_FUZZ_SEED, else one that changes with the clock. Printed, so that a failure can be run again.
function fuzz.seed()
    return tonumber(os.getenv "KAFKA_FUZZ_SEED") or os.time() % 1000000
end

--- Makes `count` calls; raises with seed and last call unless the child ended well. → {raised=, reached=, functions=, seconds=}
function fuzz.run(seed, count, timeout)
    local journal = os.tmpname()
    local result = h.run(('arg = { "%d", "%d", %q } dofile "spec/input/fuzzer.lua"'):format(seed, count, journal),
        { timeout = timeout })
    local file = assert(io.open(journal, "rb"))
    local last = file:read "*a":gsub("%s+$", "")
    file:close()
    os.remove(journal)
    if result.status ~= 0 then
        error(("KAFKA_FUZZ_SEED=%d: %s\nlast: %s\n%s"):format(seed,
            result.signal and "killed by signal " .. result.signal or "status " .. tostring(result.status), last, result.err), 0)
    end
    -- What a producer collected by hand could not deliver is told in one line; nothing else may be on stderr.
    local complaints = result.err:gsub("kafka: %d+ messages? w[^\n]* not delivered before [^\n]*\n", "")
    local calls, raised, reached, functions = result.out:match "(%d+) calls, (%d+) raised, (%d+) of (%d+) functions"
    return {
        calls = tonumber(calls), raised = tonumber(raised), reached = tonumber(reached), functions = tonumber(functions),
        seconds = result.seconds, err = complaints,
    }
end

return fuzz
