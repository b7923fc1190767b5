-- producer:transaction is alone with its producer's transactions until it returns, whichever coroutine calls.
local h = require "spec.helper"
local kafka = h.kafka
local transacting = require "spec.support.transacting"
local producer, consumer, fill = transacting.producer, transacting.consumer, transacting.fill
local take, requests = transacting.take, transacting.requests

local BY_HAND = { "init_transactions", "begin_transaction", "commit_transaction", "abort_transaction" }

-- An error that passes by a new try.
local function passing()
    return setmetatable({ code = 7, name = "REQUEST_TIMED_OUT", message = "try again", fatal = false, retriable = true,
        txn_requires_abort = false }, kafka.Error)
end

describe("producer:transaction", function()
    local mock
    before_each(function() mock = transacting.new_mock() end)
    after_each(h.cleanup)

    it("whose coroutine waits in the function is nobody else's to begin, commit or abort, and commits when that goes on", function()
        fill(3)
        local p, c, sent, result = producer(), consumer(), {}, nil
        local co = coroutine.create(function()
            result = p:transaction(function(tx)
                for _, value in ipairs(take(c, 3)) do
                    assert(tx:produce("out", value, nil, { on_delivery = function(err) sent[#sent + 1] = err and err.name or value end }))
                    coroutine.yield()
                end
            end, { consumer = c })
        end)
        while coroutine.status(co) ~= "dead" do
            assert(coroutine.resume(co))
            if coroutine.status(co) ~= "dead" then
                for _, name in ipairs(BY_HAND) do
                    local ok, err = p[name](p)
                    assert.is_nil(ok, name)
                    assert.equal("_STATE", err.name)
                    assert.truthy(err.message:find("producer:transaction", 1, true), err.message)
                end
                local ok, err = p:transaction(function() error "ran" end)
                assert.is_nil(ok)
                assert.equal("_STATE", err.name)
            end
        end
        assert.is_true(result)
        p:poll(0)
        table.sort(sent)
        assert.same({ "1", "2", "3" }, sent)
        assert.is_true(p:begin_transaction())
        assert.is_true(p:abort_transaction())
        assert.is_true(p:transaction(function() end))
    end)

    it("whose coroutine waits for the commit, or for the next try, is nobody else's either", function()
        local p, result = producer(), nil
        local co = coroutine.create(function()
            local tries = 0
            result = p:transaction(function(tx)
                assert(tx:produce("out", "v"))
                tries = tries + 1
                if tries == 1 then error(passing(), 0) end
            end)
        end)
        local function go_on()
            kafka.wrap(p, function() coroutine.yield() end)
            assert(coroutine.resume(co))
            kafka.wrap(p, nil)
        end
        go_on()
        local refused = 0
        h.wait_until(function()
            for _, name in ipairs(BY_HAND) do
                local ok, err = p[name](p)
                if ok or err.name ~= "_STATE" then error(name .. ": " .. tostring(err)) end
                refused = refused + 1
            end
            go_on()
            return coroutine.status(co) == "dead"
        end, 20)
        assert.is_true(result)
        assert.is_true(refused > 0)
        assert.is_true(p:transaction(function() end))
    end)

    it("whose coroutine was dropped in the function is aborted, not committed, once that is collected", function()
        local p = producer()
        assert(coroutine.resume(coroutine.create(function()
            p:transaction(function() coroutine.yield() end)
        end)))
        for _ = 1, 3 do collectgarbage() end
        assert.equal("_STATE", (select(2, p:commit_transaction()) or {}).name)
        assert.is_true(p:abort_transaction())
        assert.is_true(p:transaction(function() end))
    end)

    it("whose coroutine was dropped in its wait for the commit is committed by hand once that is collected", function()
        local p = producer()
        mock:set_rtt(1, 50)
        assert.is_true(p:init_transactions())
        kafka.wrap(p, function() coroutine.yield() end)
        assert(coroutine.resume(coroutine.create(function()
            p:transaction(function(tx) assert(tx:produce("out", "v")) end)
        end)))
        kafka.wrap(p, nil)
        for _ = 1, 3 do collectgarbage() end
        assert.is_true(p:commit_transaction())
        assert.is_true(p:transaction(function() end))
        assert.equal(1, requests "EndTxn")
    end)

    it("that an error from a wait ends holds up no later call", function()
        local p = producer()
        assert.is_true(p:init_transactions())
        kafka.wrap(p, function() error("cancelled", 0) end)
        assert.equal("cancelled", h.error_of(p.transaction, p, function(tx) assert(tx:produce("out", "v")) end))
        kafka.wrap(p, nil)
        assert.is_true(p:commit_transaction())
        assert.is_true(p:transaction(function() end))
    end)
end)
