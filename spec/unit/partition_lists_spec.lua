-- Lists of partitions: whatever is wrong with one is told at the line of whoever passed it.
local h = require "spec.helper"

local CALLS = {
    "assign", "incremental_assign", "incremental_unassign", "pause", "resume", "position", "committed", "commit",
    "commit_async", "store", "offsets_for_times",
}
local WRONG = {
    { "no table", 3, "list of partitions expected" }, { "a text without end", ("x"):rep(2 ^ 20), "list of partitions expected" },
    { "a topic without partition", { "t" }, "names no partition" }, { "an entry without topic", { {} }, "topic: a string expected" },
    { "a topic's partitions that are no table", { t = 3 }, "an array of partitions expected" },
    { "a negative partition", { { topic = "t", partition = -1 } }, "whole number from 0 expected" },
    { "an unknown field", { { topic = "t", partition = 0, ofset = 1 } }, "unknown field" },
    { "a fraction as offset", { { topic = "t", partition = 0, offset = 0.5 } }, "offset" },
}

describe("A wrong list of partitions", function()
    after_each(h.cleanup)

    for _, call in ipairs(CALLS) do
        it(("given to %s is told at the user's line, in a message of readable length"):format(call), function()
            local c = h.track(h.kafka.consumer { ["bootstrap.servers"] = h.nowhere, ["group.id"] = "g" })
            local user = h.chunk(("local c, list = ...\nlocal result = c:%s(list)\nreturn result"):format(call))
            for _, wrong in ipairs(WRONG) do
                local err = h.error_of(user, c, wrong[2])
                local said = ("%s, %s: %s"):format(call, wrong[1], err)
                assert.is_truthy(err:find("^user%.lua:2: "), said)
                assert.is_truthy(call == "offsets_for_times" or err:find(wrong[3], 1, true), said)
                assert.is_true(#err < 700, said)
            end
        end)
    end

    it("given to seek as its parts is told at the user's line", function()
        local c = h.track(h.kafka.consumer { ["bootstrap.servers"] = h.nowhere, ["group.id"] = "g" })
        for _, parts in ipairs { { "t", 0, "soon" }, { "t", 0, -7 }, { "t", 0, 1.5 }, { "t", "a", 0 }, { {}, 0, 0 } } do
            local err = h.error_of(h.chunk "local c, t, p, o = ...\nlocal result = c:seek(t, p, o)\nreturn result", c, parts[1], parts[2], parts[3])
            assert.is_truthy(err:find("^user%.lua:2: seek: "), err)
        end
    end)
end)
