-- A panic inside the module is an error of the call, as a string at the caller's line; the process goes on.
-- Turns red when a call is not behind catch_unwind (stack/raise.rs), or when the library is built with panic=abort.
local h = require "spec.helper"

-- Calls that panic exist in a build of their own, for Lua 5.1 and LuaJIT.
if h.version ~= "5.1" and h.version ~= "jit" then return end

local script = [[
local kafka = require "kafka"
local function caught(name)
    local ok, err = pcall(function() kafka[name]() return true end)
    print(ok, type(err), err)
end
caught "probe_raw"
caught "probe_ordinary"
local producer = kafka.producer("127.0.0.1:1", {})
print(producer:close(100))
]]

describe("a panic", function()
    local run

    lazy_setup(function()
        assert(os.execute("sh scripts/build probe 2>/dev/null >/dev/null"))
        run = h.run(script, { env = { LUA_CPATH = "build/probe/?.so;;" }, timeout = 30 })
    end)

    it("in a hot call or a step is a string error at the caller's line", function()
        assert.matches("false\tstring\t[^\n]*:%d+: kafka: internal error, please report it: a raw call panicked", run.out)
    end)

    it("in an ordinary call is a string error at the caller's line", function()
        assert.matches("false\tstring\t[^\n]*:%d+: [^\n]*an ordinary call panicked", run.out)
    end)

    it("leaves the process as it was, and nothing on stderr", function()
        assert.is_nil(run.signal)
        assert.are.equal(0, run.status, run.err)
        assert.matches("true\n$", run.out)
        assert.are.equal("", run.err)
    end)
end)
