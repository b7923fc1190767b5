-- A rebalance whose callbacks nobody will end: its coroutine was dropped, or the error of a debug hook (a sandbox's limit
-- of time, Ctrl-C) came out of the middle of our own code. The group must be answered all the same.
local h = require "spec.helper"
local kafka = h.kafka

describe("a rebalance that was abandoned", function()
    local mock
    before_each(function()
        mock = h.mock { topics = { t = 1 } }
        mock:set_group_delay(0)
        h.fill(mock:bootstrap_servers(), "t", { "x" })
    end)
    after_each(h.cleanup)

    local function consumer(conf)
        conf["bootstrap.servers"], conf["group.id"], conf.topics = mock:bootstrap_servers(), h.topic "group", { "t" }
        conf["auto.offset.reset"] = "earliest"
        return h.track(kafka.consumer(conf))
    end

    it("by a coroutine that was dropped in on_assign is answered, and messages come", function()
        local assigned = 0
        local c = consumer { on_assign = function()
            assigned = assigned + 1
            coroutine.yield "in on_assign"
        end }
        local co = coroutine.create(function() return c:poll(10000) end)
        local _, where = coroutine.resume(co)
        assert.equal("in on_assign", where)
        for _ = 1, 3 do assert.is_nil((c:poll(0))) end -- it may still go on
        co = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        assert.equal("x", h.next_message(c).value)
        assert.equal(1, assigned)
    end)

    it("by a coroutine that waits is left to it", function()
        local c = consumer { on_assign = function() coroutine.yield() end }
        local co = coroutine.create(function() return c:poll(10000) end)
        coroutine.resume(co)
        collectgarbage()
        collectgarbage()
        assert.is_nil((c:poll(300)))
        local _, message = coroutine.resume(co)
        assert.equal("x", message.value)
    end)

    -- Each count lets the hook strike elsewhere. Red when what was announced, or begun, is remembered by whoever was struck.
    it("by an error of a debug hook is answered, wherever that struck", function()
        local function strike()
            debug.sethook()
            error("limit", 2)
        end
        for count = 40, 130, 3 do
            local c = consumer { on_assign = function() end }
            local over = h.now() + 0.2 -- the group needs a moment
            repeat
                pcall(function()
                    debug.sethook(strike, "", count)
                    c:poll(20)
                end)
                debug.sethook()
            until #c:assignment() > 0 or h.now() > over
            assert.equal("x", h.next_message(c).value, "count " .. count)
            c:close(2000)
        end
    end)
end)
