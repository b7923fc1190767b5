-- on_log = "syslog" writes to the system's log.
local h = require "spec.helper"

describe('on_log = "syslog"', function()
    it("writes librdkafka's lines to the system's log, with their level", function()
        local script = os.tmpname()
        local file = assert(io.open(script, "w"))
        file:write([[
            local kafka = require "kafka"
            local p = kafka.producer("127.0.0.1:1", { on_log = "syslog", ["client.id"] = "syslogged" })
            p:poll(1000)
            p:close(0)
        ]])
        file:close()
        local pipe = assert(io.popen(("python3 -B spec/support/syslog.py %s %s 2>&1"):format(h.lua, script)))
        local heard = pipe:read("*a")
        pipe:close()
        os.remove(script)
        -- <11>: facility "user" (1 * 8) and level "err" (3)
        assert.matches("<11>[^\n]* FAIL: syslogged#producer%-1: [^\n]*Connection refused", heard)
    end)
end)
