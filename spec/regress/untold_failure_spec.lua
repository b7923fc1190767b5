-- A message that failed before close, and of which nobody was told, is undelivered all the same.
local h = require "spec.helper"
local kafka = h.kafka

describe("messages that failed", function()
    local function producer(conf)
        conf["message.timeout.ms"] = 100
        local p = kafka.producer(h.nowhere, conf)
        p:create_topic "t"
        for i = 1, 5 do assert.are.equal(0, p:send("t", -1, i, "x")) end
        return p
    end

    it("without anybody having been told are counted by close", function()
        local ok, err, undelivered = producer({}):close(5000)
        assert.is_nil(ok)
        assert.are.same({ "_MSG_TIMED_OUT", 5 }, { err.name, undelivered })
    end)

    it("and were told by poll are not counted again", function()
        local p = producer {}
        assert.is_true((p:flush(5000)))
        local _, failures = p:poll()
        assert.are.equal(5, failures)
        assert.is_true((p:close(5000)))
    end)

    it("and were told by on_delivery are not counted again", function()
        local failures = 0
        local p = producer { on_delivery = function(err) if err then failures = failures + 1 end end }
        assert.is_true((p:close(5000)))
        assert.are.equal(5, failures)
    end)

    it("without anybody having been told are counted on stderr at the end of the program", function()
        local child = h.run([[
            local kafka = require "kafka"
            local p = kafka.producer("127.0.0.1:1", { ["message.timeout.ms"] = 100 })
            p:create_topic "t"
            for i = 1, 5 do p:send("t", -1, i, "x") end
            p:flush(5000)
        ]], { timeout = 20 })
        assert.matches("^kafka: 5 messages were not delivered[^\n]*\n$", child.err)
    end)

    -- Red when a report counts as heard because somebody will be there to hear it.
    for name, how in pairs {
        ["of the client"] = { 'conf.on_delivery = function() end', "nil" },
        ["of the message"] = { "", "{ on_delivery = function() end }" },
        ["of the message, with an opaque"] = { "", "{ on_delivery = function(err, report) end, opaque = 5 }" },
    } do
        it("are counted on stderr when the program ends before the callback " .. name .. " was called", function()
            local child = h.run(([[
                local kafka = require "kafka"
                local conf = { ["message.timeout.ms"] = 100, exit_timeout = 5000 }
                %s
                P = kafka.producer("127.0.0.1:1", conf)
                for i = 1, 5 do P:produce("t", "x", nil, %s) end
            ]]):format(how[1], how[2]), { timeout = 20 })
            assert.matches("^kafka: 5 messages were not delivered[^\n]*\n$", child.err)
        end)
    end

    it("with nothing but an opaque are counted by close", function()
        local p = kafka.producer(h.nowhere, { ["message.timeout.ms"] = 100 })
        for i = 1, 5 do assert(p:produce("t", "x", nil, { opaque = i })) end
        local ok, err, undelivered = p:close(5000)
        assert.is_nil(ok)
        assert.are.same({ "_MSG_TIMED_OUT", 5 }, { err.name, undelivered })
    end)

    it("of handles that nobody asked are counted by close, those of others are not", function()
        local p = kafka.producer(h.nowhere, { ["message.timeout.ms"] = 100 })
        local handles = {}
        for i = 1, 5 do handles[i] = assert(p:produce_async("t", "x")) end
        local _, err = handles[1]:wait() -- waits for it
        assert.are.equal("_MSG_TIMED_OUT", err.name)
        h.wait_until(function() p:flush(100) return #p == 0 end)
        h.wait_until(function() return handles[5]:done() end)
        assert.is_nil((handles[2]:wait())) -- knows it
        local ok, why, undelivered = p:close(5000)
        assert.is_nil(ok)
        assert.are.same({ "_MSG_TIMED_OUT", 3 }, { why.name, undelivered })
    end)

    -- Red when what a question in the background waits for holds up the counting.
    it("are counted on stderr also while a question is under way", function()
        local child = h.run([[
            P = require("kafka").producer("127.0.0.1:1", { exit_timeout = 300 })
            P:partition_count "t"
            for i = 1, 5 do P:produce("t", "x") end
        ]], { timeout = 20 })
        assert.matches("^kafka: 5 messages were not delivered[^\n]*\n$", child.err)
    end)
end)
