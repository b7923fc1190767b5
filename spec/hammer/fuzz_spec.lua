-- The fuzz of spec/unit/fuzz_spec.lua, with a row of seeds: two million calls.
local fuzz = require "spec.input.fuzz"

describe("Two million random calls", function()
    local first = fuzz.seed()
    for i = 0, 19 do
        it(("do no harm (KAFKA_FUZZ_SEED=%d)"):format(first + i), function()
            local result = fuzz.run(first + i, 100000, 300)
            assert.equal(100000, result.calls)
            assert.equal(result.functions, result.reached)
            assert.equal("", result.err)
            print(("seed %d: %d calls, %d raised, %.0f s"):format(first + i, result.calls, result.raised, result.seconds))
        end)
    end
end)
