-- Leaving a process that still has live clients and unflushed messages. All children run before the first test,
-- four at a time, and one count of the topic judges them all.
-- Red when the exit guard does not wait (live: messages missing), waits without its deadline (dead: time),
-- lets the shared object be unloaded (signal 11), or registers after OpenSSL's own clean-up (tls: signal 11).
local matrix = require "spec.lifetime.exit_matrix"

describe("A process that leaves with live clients and 1,000 unflushed messages", function()
    local cells = matrix.cells()
    local results

    lazy_setup(function()
        results = matrix.run(cells, function() return 3 end)
    end)

    for _, cell in ipairs(cells) do
        it("goes cleanly and in time: " .. cell.title, function()
            assert.are.equal(3, #results[cell.name])
            for index, run in ipairs(results[cell.name]) do
                local fault = matrix.fault(cell, run)
                assert.is_nil(fault, ("run %d: %s"):format(index, tostring(fault)))
            end
        end)
    end
end)
