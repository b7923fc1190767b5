-- A user's finalizer that raises may run inside any call of ours that makes a Lua value: the collector runs there.
-- Before Lua 5.4 the error comes out of that call; through Rust's catch_unwind it would end the process.
-- Turns red when a value is pushed inside catch_unwind without lua_pcall (stack/receive.rs, stack/event.rs).
local h = require "spec.helper"

local script = [[
if jit then jit.off() end -- LuaJIT itself crashes when a finalizer raises out of compiled code
local kafka = require "kafka"
local mock = kafka.mock_cluster{ topics = { t = 1 } }
mock:set_group_delay(0)
local function litter()
    for _ = 1, 3 do
        if newproxy then
            getmetatable(newproxy(true)).__gc = function() error("from a finalizer") end
        else
            setmetatable({}, { __gc = function() error("from a finalizer") end })
        end
    end
end
collectgarbage("stop")
local calls = 0

-- Calls fn with the collector due: it then runs where fn, or what it calls, makes a value.
local function due(fn, ...)
    calls = calls + 1
    if calls % 4 == 0 then litter() end -- now and then none, so that every version gets on
    local ok, a, b = pcall(function(...)
        collectgarbage("restart")
        return fn(...)
    end, ...)
    collectgarbage("stop")
    return ok, a, b
end

local reports, sent = 0, 3000
local p = kafka.producer(mock:bootstrap_servers(), { on_delivery = function(_, report)
    if report then reports = reports + 1 end
end })
for i = 1, sent do
    while not due(p.produce, p, "t", "value " .. i, i) do end
end
local deadline = os.time() + 20
while #p > 0 and os.time() < deadline do due(p.poll, p, 10) end
due(p.poll, p)

local c = kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = "earliest" })
local got = 0
local function take(payload)
    got = got + 1
    assert(payload == "value " .. got, payload) -- a message that could not be handed over comes again
end
for i = 1, 3000 do
    local kind = i % 4 + 1
    local ok, a, b
    if kind == 1 then ok, a = due(c.receive, c)
    elseif kind == 2 then ok, a = due(c.poll, c, 0)
    elseif kind == 3 then ok, a = due(c.poll_batch, c, 3, 0)
    else ok, a, b = due(c.receive_batch, c, 3, 0) end
    if ok and a then
        if kind == 1 then take(a)
        elseif kind == 2 then take(a.value)
        elseif kind == 3 then for _, message in ipairs(a) do take(message.value) end
        else for j = 1, a do take(b[j]) end end
    end
    if got == sent then break end -- from here on each call would wait for nothing
end
print(got > 0 and "lived")
os.exit(0)
]]

describe("a finalizer that raises inside our calls", function()
    it("comes out as an error, and the process lives", function()
        local child = h.run(script, { timeout = 60 })
        assert.is_nil(child.signal, child.err)
        -- 5.2 and 5.3 turn such an error into one that also ends the script; the process must end in order there.
        if h.version ~= "5.2" and h.version ~= "5.3" then assert.are.equal("lived\n", child.out, child.err) end
    end)
end)
