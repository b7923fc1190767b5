-- A hundred thousand calls of anything with anything: none crashes, none hangs, each error is a clear string.
local fuzz = require "spec.input.fuzz"

describe("A hundred thousand random calls", function()
    local seed = fuzz.seed()

    it(("do no harm (KAFKA_FUZZ_SEED=%d)"):format(seed), function()
        print(("fuzz seed %d"):format(seed)) -- for whoever runs a failure again
        local result = fuzz.run(seed, 100000, 120)
        assert.equal(100000, result.calls)
        assert.equal(result.functions, result.reached) -- none was left out
        -- Most nonsense is refused, and not everything is: else the sweep would prove nothing.
        assert.is_true(result.raised > 10000 and result.raised < 99000, result.raised .. " raised")
        assert.equal("", result.err)
    end)
end)
