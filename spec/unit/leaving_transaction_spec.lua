-- A transactional producer that leaves while one of its calls is under way: when that call has ended, a transaction that is
-- still open is aborted, so that nobody who reads committed messages waits until it times out.
local h = require "spec.helper"
local transacting = require "spec.support.transacting"
local requests = transacting.requests

describe("a producer that leaves while", function()
    local mock
    before_each(function() mock = transacting.new_mock() end)
    after_each(h.cleanup)

    local function open()
        local p = transacting.producer()
        assert(p:init_transactions(20000))
        assert(p:begin_transaction())
        assert(p:produce("out", "v"))
        assert(p:flush(20000))
        return p
    end

    local offsets, group = { { topic = "input", partition = 0, offset = 1 } }, { group_id = "g" }

    -- Sends offsets, which takes a while, does `more` and drops the producer. → what was written to standard error
    local function collected(more)
        local errors = {}
        for i = 1, 5 do errors[i] = "COORDINATOR_LOAD_IN_PROGRESS" end
        mock:push_errors("TxnOffsetCommit", errors)
        local run = h.run(([[
            local kafka = require "kafka"
            local p = kafka.producer { ["bootstrap.servers"] = ..., ["transactional.id"] = "leaving", exit_timeout = 20000 }
            assert(p:init_transactions(20000))
            assert(p:begin_transaction())
            assert(p:produce("out", "v"))
            assert(p:flush(20000))
            p:send_offsets_to_transaction({ { topic = "input", partition = 0, offset = 1 } }, { group_id = "g" }, 0)
            %s
            p = nil
            collectgarbage()
            collectgarbage()
        ]]):format(more), { args = { mock:bootstrap_servers() }, timeout = 60 })
        assert.equal(0, run.status, run.err)
        return run.err
    end

    -- Red when the way of leaving is chosen by whether a call is under way at its beginning.
    it("offsets are sent aborts when they are: collected", function()
        assert.matches("1 message was not committed, in a transaction left open", collected "")
        assert.equal(1, requests "EndTxn")
    end)

    -- Red when leaving competes with that abort, whose messages nobody misses.
    it("offsets are sent, and an abort waits for them, leaves it to that: nothing is told", function()
        assert.equal("", collected "p:abort_transaction(0)")
        assert.equal(1, requests "EndTxn")
    end)

    it("offsets are sent aborts when they are: closed, whose time is over before", function()
        local p = open()
        mock:set_rtt(1, 500)
        p:send_offsets_to_transaction(offsets, group, 0)
        local ok, err = p:close(0)
        assert.is_nil(ok)
        assert.equal("_STATE", err.name)
        h.wait_until(function() return requests "EndTxn" == 1 end, 30)
    end)

    -- Red when the messages that close takes back make the commit fail, and nobody looks at it again.
    it("a commit waits for its messages aborts when close has taken those back", function()
        local p = open()
        mock:set_rtt(1, 3000)
        assert(p:produce("out", "w"))
        p:commit_transaction(0)
        local ok, err = p:close(100)
        assert.is_nil(ok)
        assert.equal("_STATE", err.name)
        mock:set_rtt(1, 0)
        h.wait_until(function() return requests "EndTxn" == 1 end, 30)
    end)

    it("a commit is decided leaves it to succeed, and takes nothing back: nobody aborts behind it", function()
        local p = open()
        mock:set_rtt(1, 700)
        p:commit_transaction(0)
        h.wait_until(function() return requests "EndTxn" == 1 end, 30)
        p:close(0)
        mock:set_rtt(1, 0)
        h.sleep(1.2) -- for an abort that must not be
        assert.equal(1, requests "EndTxn")
    end)
end)
