-- A host that forbids undeclared globals can still load the module.
local h = require "spec.helper"

describe("a strict _G", function()
    it("does not hinder require", function()
        local child = h.run [[
            local function refuse(_, name) error("undeclared " .. tostring(name)) end
            setmetatable(_G, { __index = refuse, __newindex = refuse })
            print(type(require("kafka").producer))
        ]]
        assert.are.equal("function\n", child.out, child.err)
    end)
end)
