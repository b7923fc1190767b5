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

describe("a host that takes its globals away", function()
    -- Red when the embedded Lua parts look them up in the host's _G as they run.
    it("does not break clients it has, nor the calls it made for the first time afterwards", function()
        local child = h.run [[
            local kafka = require "kafka"
            local mock = kafka.mock_cluster { topics = { t = 1 } }
            local print, error, G = print, error, _G
            for name in pairs(G) do
                if name ~= "_G" and name ~= "tostring" then G[name] = nil end -- print calls it
            end
            local p = kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers() }
            local told
            if not p:produce("t", "v", nil, { on_delivery = function(err) told = err or "delivered" end }) then error "produce" end
            if not p:flush(10000) then error "flush" end
            if not p:metadata { timeout = 10000 } then error "metadata" end
            local c = kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g" }
            c:assign { { topic = "t", partition = 0, offset = 0 } }
            local message
            for _ = 1, 100 do message = message or c:poll(100) end
            print(told, message.value, c:close())
        ]]
        assert.are.equal("delivered\tv\ttrue\n", child.out, child.err)
    end)
end)
