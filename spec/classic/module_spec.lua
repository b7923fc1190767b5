-- What `require "kafka"` leaves behind. Each case needs a fresh interpreter, so it runs in a child.
local h = require "spec.helper"
local sets_global = h.is_jit or h.version == "5.1"

local function output(script)
    local child = h.run(script)
    assert.are.equal(0, child.status, child.err)
    return child.out
end

describe("require 'kafka'", function()
    it("returns the table it keeps in package.loaded [1]", function()
        assert.are.equal("true\ttable\n", output [[
            local kafka = require "kafka"
            print(kafka == package.loaded.kafka, type(kafka))]])
    end)

    it("sets the global kafka on Lua 5.1 and LuaJIT, and none on later versions [1]", function()
        local expected = sets_global and "true" or "nil"
        assert.are.equal(expected .. "\n", output [[
            local kafka = require "kafka"
            local global = rawget(_G, "kafka")
            print(global == nil and "nil" or tostring(global == kafka))]])
    end)

    it("extends a global table kafka in place on Lua 5.1 and LuaJIT, and leaves it alone later [1]", function()
        assert.are.equal(sets_global and "true\tmine\tfunction\n" or "false\tmine\tnil\n", output [[
            local mine = { own = "mine" }
            _G.kafka = mine
            local module = require "kafka"
            print(module == mine, mine.own, type(mine.producer))]])
    end)

    it("refuses a global kafka that is no table on Lua 5.1 and LuaJIT, and does not look at it later [1]", function()
        assert.are.equal(sets_global and "false\tname conflict for module 'kafka'\n" or "true\t5\n", output [[
            _G.kafka = 5
            local ok, err = pcall(require, "kafka")
            print(ok, ok and _G.kafka or err)]])
    end)
end)

describe("the module", function()
    it("has producer, consumer and version [2]", function()
        assert.are.equal("function", type(h.kafka.producer))
        assert.are.equal("function", type(h.kafka.consumer))
        assert.are.equal("function", type(h.kafka.version))
    end)

    it("answers version() with a semantic version, whatever the arguments [2]", function()
        local version = h.kafka.version()
        assert.truthy(version:match("^%d+%.%d+%.%d+$") or version:match("^%d+%.%d+%.%d+[-+][%w.-]+$"), version)
        assert.are.equal(version, h.kafka.version(nil, {}, "x", 1.5))
    end)
end)
