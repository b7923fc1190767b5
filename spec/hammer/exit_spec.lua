-- The exit matrix in numbers: 300 runs of each way on LuaJIT with a live broker, 50 of every other cell and
-- interpreter.
local matrix = require "spec.lifetime.exit_matrix"
local h = require "spec.helper"

describe("Leaving a process, many times", function()
    local runs_total, faults_total = 0, 0

    for _, cell in ipairs(matrix.cells()) do
        local wanted = h.is_jit and cell.state == "live" and 300 or 50

        it(("never dies, hangs or loses in %d runs: %s"):format(wanted, cell.title), function()
            local faults, delivered, slowest, left = {}, 0, 0, wanted
            while left > 0 do -- in lots, so that no topic of the mock outgrows what it keeps
                local lot = math.min(50, left)
                left = left - lot
                for index, run in ipairs(matrix.run({ cell }, function() return lot end)[cell.name]) do
                    local fault = matrix.fault(cell, run)
                    if fault then faults[#faults + 1] = ("run %d: %s"):format(index, fault) end
                    delivered = delivered + run.count.distinct
                    slowest = math.max(slowest, run.marks.leaving and run.ended - run.marks.leaving or 0)
                end
            end
            runs_total, faults_total = runs_total + wanted, faults_total + #faults
            io.write(("\n%s, %s: %d runs, %d messages delivered, slowest exit %.2f s, %d faults\n"):format(
                h.version, cell.title, wanted, delivered, slowest, #faults))
            assert.are.equal(0, #faults, table.concat(faults, "\n"))
        end)
    end

    teardown(function()
        io.write(("\n%s: %d exits in all, %d faults\n"):format(h.version, runs_total, faults_total))
    end)
end)
