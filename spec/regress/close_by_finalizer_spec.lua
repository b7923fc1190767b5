-- A finalizer that runs inside receive, because the collector runs there, may not pull the client away from under it.
local h = require "spec.helper"

local script = [[
if jit then jit.off() end
local kafka = require "kafka"
local mock = kafka.mock_cluster { topics = { t = 1 } }
local p = kafka.producer(mock:bootstrap_servers())
p:create_topic "t"
for i = 1, 3000 do p:send("t", 0, i, ("x"):rep(200)) end
assert(p:close())
local c = kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = "earliest" })
local refused
local function close()
    local ok, err = pcall(c.close, c, 1000)
    if not ok then refused = err end
end
collectgarbage "stop"
for _ = 1, 3000 do
    if newproxy then getmetatable(newproxy(true)).__gc = close else setmetatable({}, { __gc = close }) end
    pcall(function()
        collectgarbage "restart" -- due where receive makes its values
        return c:receive()
    end)
    collectgarbage "stop"
    if refused or c:closed() then break end
end
print(refused and refused:match "cannot be closed by a finalizer" or c:closed(), c:close())
os.exit(0)
]]

describe("a client closed by a finalizer inside its own call", function()
    it("is refused in words, or closed as by anybody else", function()
        local child = h.run(script, { timeout = 60 })
        assert.is_nil(child.signal, child.err)
        assert.are.equal(0, child.status, child.err)
        assert.is_nil(child.err:find("borrow", 1, true), child.err)
        local how, closed = child.out:match "^(.-)\t(%a+)\n$"
        assert.truthy(how == "cannot be closed by a finalizer" or how == "true", child.out)
        assert.are.equal("true", closed)
    end)
end)
