-- producer:transaction that returns before its commit or its offsets have an answer: what is said, and where the consumer
-- is when the end is known.
local h = require "spec.helper"
local transacting = require "spec.support.transacting"
local producer, consumer, fill = transacting.producer, transacting.consumer, transacting.fill
local take, requests = transacting.take, transacting.requests

describe("producer:transaction", function()
    local mock
    before_each(function() mock = transacting.new_mock() end)
    after_each(h.cleanup)

    -- A transaction whose commit is not decided when `transaction` returns.
    local function undecided(p, options, body)
        assert.is_true(p:transaction(function() end))
        local errors = {}
        for i = 1, 5000 do errors[i] = "COORDINATOR_LOAD_IN_PROGRESS" end
        mock:push_errors("EndTxn", errors)
        local ok, err = p:transaction(function(tx)
            if body then body() end
            assert(tx:produce("out", "v"))
        end, options)
        assert.is_nil(ok)
        assert.equal("_TIMED_OUT", err.name)
        return err
    end

    -- No request comes in between: the broker is down.
    local function decide(answer)
        if answer then mock:broker_down(1) end
        mock:clear_errors("EndTxn")
        if answer then
            mock:push_errors("EndTxn", { answer })
            mock:broker_up(1)
        end
    end

    it("whose commit is not decided in time says how to hear of it, and does not ask to be called again", function()
        local p = producer()
        local err = undecided(p, { timeout = 200 })
        assert.truthy(err.message:find("call commit_transaction again", 1, true), err.message)
        assert.is_false(err.retriable)
        local ok, refused = p:transaction(function() error "must not run" end)
        assert.is_nil(ok)
        assert.equal("_CONFLICT", refused.name)
        decide()
        assert.is_true(p:commit_transaction(20000))
        assert.is_true(p:transaction(function() end))
    end)

    it("whose commit succeeds after all has sent its input: the same does not come again", function()
        fill(8)
        local p, c = producer(), consumer()
        local first
        undecided(p, { consumer = c, timeout = 2000 }, function()
            first = take(c, 4)
            -- As Kafka does, and the mock does not: what is committed is not told before the transaction has ended.
            local errors = {}
            for i = 1, 5000 do errors[i] = "UNSTABLE_OFFSET_COMMIT" end
            mock:push_errors("OffsetFetch", errors)
        end)
        decide()
        assert.is_true(p:commit_transaction(20000))
        mock:clear_errors("OffsetFetch")
        local sent = requests "TxnOffsetCommit"
        assert.is_true(p:transaction(function() end, { consumer = c }))
        assert.equal(sent, requests "TxnOffsetCommit")
        local rest = take(c, 4)
        for _, value in ipairs(first) do rest[#rest + 1] = value end
        table.sort(rest)
        assert.same({ "1", "2", "3", "4", "5", "6", "7", "8" }, rest)
        for _, place in ipairs(assert(c:position { "input:0", "input:1" })) do assert.equal(4, place.offset) end
    end)

    it("whose commit fails after all gives its input back with the abort", function()
        fill(4)
        local p, c = producer(), consumer()
        undecided(p, { consumer = c, timeout = 2000 }, function() take(c, 4) end)
        decide "INVALID_TXN_STATE"
        local ok, err = p:commit_transaction(20000)
        assert.is_nil(ok)
        assert.is_true(err.txn_requires_abort or err.fatal, err.message)
        if not err.fatal then assert.is_true(p:abort_transaction(20000)) end
        assert.same({ "1", "2", "3", "4" }, take(c, 4))
    end)

    it("that is left undecided gives its input back to the next producer, which ends it", function()
        fill(4)
        local id = h.topic "id"
        local p, c = producer { ["transactional.id"] = id }, consumer()
        undecided(p, { consumer = c, timeout = 2000 }, function() take(c, 4) end)
        p:close(0)
        decide()
        local again
        local heir = producer { ["transactional.id"] = id }
        assert.is_true(heir:transaction(function()
            again = take(c, 4)
        end, { consumer = c }))
        assert.same({ "1", "2", "3", "4" }, again)
    end)

    it("whose offsets are not sent in time is aborted when that call has ended, and its input comes again", function()
        fill(4)
        local p, c = producer(), consumer()
        assert.is_true(p:transaction(function() end))
        local function body()
            take(c, 4)
            mock:set_rtt(1, 400)
        end
        local ok, err = p:transaction(body, { consumer = c, timeout = 100, retries = 0 })
        assert.is_nil(ok)
        assert.equal("_TIMED_OUT", err.name)
        assert.truthy(err.message:find("call abort_transaction", 1, true), err.message)
        mock:set_rtt(1, 0)
        assert.is_true(p:abort_transaction(20000))
        assert.same({ "1", "2", "3", "4" }, take(c, 4))
        assert.is_true(p:transaction(function() end, { consumer = c }))
    end)

    it("passes on what the function raised, be it nil, when the abort is not through in time", function()
        local p = producer()
        assert.is_true(p:transaction(function() end))
        local function body(tx, thrown)
            assert(tx:produce("out", "v"))
            assert(tx:flush())
            mock:set_rtt(1, 700)
            error(thrown, 0)
        end
        assert.same({ false }, { pcall(p.transaction, p, body, { timeout = 50 }) })
        mock:set_rtt(1, 0)
        assert.is_true(p:abort_transaction(20000))
        assert.is_true(p:transaction(function() end))
    end)
end)
