-- producer:transaction(fn, options): what it retries, what it gives up, where the consumer is afterwards.
local h = require "spec.helper"
local kafka = h.kafka
local transacting = require "spec.support.transacting"
local producer, consumer, fill = transacting.producer, transacting.consumer, transacting.fill
local take, requests = transacting.take, transacting.requests

describe("producer:transaction", function()
    local mock
    before_each(function() mock = transacting.new_mock() end)
    after_each(h.cleanup)

    local BY_HAND = { "init_transactions", "begin_transaction", "commit_transaction", "abort_transaction" }

    -- An error that passes by a new try.
    local function passing()
        return setmetatable({ code = 7, name = "REQUEST_TIMED_OUT", message = "try again", fatal = false, retriable = true,
            txn_requires_abort = false }, kafka.Error)
    end

    it("initializes once, begins, runs the function and commits; what it returned follows true", function()
        local p = producer()
        for _ = 1, 2 do
            local function body(tx)
                assert.equal(p, tx)
                assert(tx:produce("out", "v", nil, { partition = 0 }))
                return "a", nil, 3
            end
            local got = { n = 0 }
            local function keep(...) got = { n = select("#", ...), ... } end
            keep(p:transaction(body))
            assert.same({ n = 4, true, "a", nil, 3 }, got)
        end
        assert.equal(1, requests "InitProducerId")
        assert.equal(2, requests "EndTxn")
        assert.equal(0, #p)
    end)

    -- Turns red when only enable.auto.commit is looked at: that set, the transaction failed with a bare _UNKNOWN_GROUP.
    it("says at the user's line what its consumer lacks, group.id first", function()
        local p, ran = producer(), false
        local user = h.chunk("local p, c, fn = ...\nlocal ok = p:transaction(fn, { consumer = c })\nreturn ok", "user.lua")
        local function refusal(conf)
            conf["bootstrap.servers"] = h.nowhere
            return h.error_of(user, p, h.track(kafka.consumer(conf)), function() ran = true end)
        end
        local group = "user.lua:2: bad argument #2 to 'transaction' (option consumer: one with group.id is needed, as the "
            .. "transaction commits the offsets of its group)"
        assert.equal(group, refusal {})
        assert.equal(group, refusal { ["enable.auto.commit"] = false })
        assert.equal("user.lua:2: bad argument #2 to 'transaction' (option consumer: one with enable.auto.commit=false is needed, "
            .. "as the transaction commits its offsets)", refusal { ["group.id"] = "g" })
        assert.is_false(ran)
    end)

    it("passes on what the function raised, as it was, after the abort", function()
        local p, thrown = producer { ["linger.ms"] = 20000 }, { "mine" }
        local names = {}
        local err = h.error_of(p.transaction, p, function(tx)
            assert(tx:produce("out", "never", nil, { on_delivery = function(e) names[#names + 1] = e and e.name or "delivered" end }))
            error(thrown, 0)
        end)
        assert.equal(thrown, err)
        p:poll(0)
        assert.same({ "_PURGE_QUEUE" }, names)
        assert.is_true(p:transaction(function() end))
    end)

    it("aborts, and returns the function's own nil and error", function()
        local p = producer()
        local ok, err = p:transaction(function() return nil, "because" end)
        assert.is_nil(ok)
        assert.equal("because", err)
        assert.is_true(p:begin_transaction())
    end)

    it("runs the function again for an error that passes, whether returned or raised, and then the same input comes", function()
        fill(40)
        local p, c, runs = producer(), consumer(), {}
        assert.is_true(p:transaction(function()
            runs[#runs + 1] = take(c, 20)
            if #runs == 1 then return nil, passing() end
            if #runs == 2 then error(passing(), 0) end
        end, { consumer = c }))
        assert.equal(3, #runs)
        table.sort(runs[1])
        for i = 2, 3 do
            table.sort(runs[i])
            assert.equal(20, #runs[i])
        end
        local seen = {}
        for _, value in ipairs(runs[3]) do seen[value] = true end
        assert.is_true(p:transaction(function()
            for _, value in ipairs(take(c, 20)) do
                assert.is_nil(seen[value], value .. " came twice")
                seen[value] = true
            end
        end, { consumer = c }))
        for i = 1, 40 do assert.is_true(seen[tostring(i)], i .. " never came") end
    end)

    it("gives up after as many retries as it was told, with the last error, and the input comes again", function()
        fill(4)
        local p, c, runs = producer(), consumer(), 0
        local ok, err = p:transaction(function()
            runs = runs + 1
            take(c, 4)
            return nil, passing()
        end, { consumer = c, retries = 2 })
        assert.is_nil(ok)
        assert.equal("try again", err.message)
        assert.equal(3, runs)
        assert.same({ "1", "2", "3", "4" }, take(c, 4))
    end)

    it("takes the consumer back after an error of the function, also for what was read before it ran", function()
        fill(6)
        local p, c = producer(), consumer()
        local before = take(c, 2)
        assert.equal("mine", h.error_of(p.transaction, p, function()
            take(c, 2)
            error("mine", 0)
        end, { consumer = c }))
        local again = take(c, 6)
        assert.same({ "1", "2", "3", "4", "5", "6" }, again)
        assert.equal(2, #before)
    end)

    it("sends what was read before it ran, too, and a retry does not lose that", function()
        fill(6)
        local p, c, runs = producer(), consumer(), 0
        take(c, 6)
        assert.is_true(p:transaction(function()
            runs = runs + 1
            if runs == 1 then return nil, passing() end
        end, { consumer = c }))
        assert.equal(1, requests "TxnOffsetCommit")
        assert.same({}, assert(c:poll_batch(10, 300)))
    end)

    it("sends no offsets when nothing was read", function()
        local p, c = producer(), consumer()
        assert.is_true(p:transaction(function() end, { consumer = c }))
        assert.equal(0, requests "AddOffsetsToTxn")
    end)

    for _, case in ipairs {
        { "TxnOffsetCommit", "ILLEGAL_GENERATION" }, { "AddPartitionsToTxn", "TOPIC_AUTHORIZATION_FAILED" },
        { "EndTxn", "UNKNOWN_PRODUCER_ID" }, { "InitProducerId", "COORDINATOR_LOAD_IN_PROGRESS" },
    } do
        it(("comes through %s answered by %s"):format(case[1], case[2]), function()
            fill(4)
            local p, c, runs = producer(), consumer(), 0
            mock:push_errors(case[1], { case[2] })
            assert.is_true(p:transaction(function(tx)
                runs = runs + 1
                for _, value in ipairs(take(c, 4)) do assert(tx:produce("out", value)) end
            end, { consumer = c }))
            assert.equal(case[1] == "InitProducerId" and 1 or 2, runs)
        end)
    end

    it("is aborted and run again when the group takes partitions away meanwhile: each message is sent by one", function()
        fill(4)
        mock:set_group_delay(100)
        local function member()
            return consumer { ["group.id"] = "shared", ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 300 }
        end
        local p, c, runs, sent, other = producer(), member(), 0, nil, nil
        local others = { [0] = {}, [1] = {} }
        local function serve_other()
            for _, message in ipairs(assert(other:poll_batch(4, 20))) do
                table.insert(others[message.partition], message.value)
            end
        end
        local function partition_of(who)
            local assigned = who:assignment()
            return #assigned == 1 and assigned[1].partition
        end
        assert.is_true(p:transaction(function()
            runs, sent = runs + 1, {}
            if runs == 1 then
                take(c, 4)
                other = member()
                h.wait_until(function()
                    c:poll(20)
                    serve_other()
                    return partition_of(c) and partition_of(other) and #others[partition_of(other)] == 2
                end, 20)
            else
                h.wait_until(function()
                    serve_other()
                    for _, message in ipairs(assert(c:poll_batch(2 - #sent, 20))) do sent[#sent + 1] = message.value end
                    return #sent == 2
                end, 20)
            end
        end, { consumer = c }))
        assert.is_true(runs > 1)
        local theirs = others[partition_of(other)]
        local all = { sent[1], sent[2], theirs[1], theirs[2] }
        table.sort(all)
        assert.same({ "1", "2", "3", "4" }, all)
    end)

    it("is aborted and run again when the group takes partitions away and gives them back meanwhile: others may have read them", function()
        fill(4)
        mock:set_group_delay(100)
        local p, runs, last = producer(), 0, nil
        local c = consumer { ["session.timeout.ms"] = 6000, ["heartbeat.interval.ms"] = 100 }
        assert.is_true(p:transaction(function()
            runs, last = runs + 1, take(c, 4)
            if runs > 1 then return end
            local generation = c:group_metadata().generation_id
            mock:push_errors("Heartbeat", { "REBALANCE_IN_PROGRESS" })
            h.wait_until(function()
                assert(c:metadata { topic = "input" }) -- serves, and hands nothing out
                return c:group_metadata().generation_id > generation and #c:assignment() == 2
            end, 20)
        end, { consumer = c }))
        assert.same({ 2, { "1", "2", "3", "4" } }, { runs, last })
    end)

    it("gives up at once when the producer was fenced", function()
        local p, runs = producer(), 0
        assert.is_true(p:transaction(function() end))
        local ok, err = p:transaction(function(tx)
            runs = runs + 1
            assert(tx:produce("out", "v"))
            mock:push_errors("EndTxn", { "INVALID_PRODUCER_EPOCH" })
        end)
        assert.is_nil(ok)
        assert.is_true(err.fatal)
        assert.equal(1, runs)
        ok, err = p:transaction(function() error "must not run" end)
        assert.is_nil(ok)
        assert.is_true(err.fatal)
    end)

    it("refuses a consumer that commits by itself, and a closed one", function()
        local p = producer()
        local call = h.chunk("local p, c = ...\np:transaction(print, { consumer = c })", "user.lua")
        local err = h.error_of(call, p, consumer { ["enable.auto.commit"] = true })
        assert.truthy(err:find("enable.auto.commit=false", 1, true) and err:find("^user.lua:2:"), err)
        local closed = consumer()
        closed:close()
        err = h.error_of(call, p, closed)
        assert.truthy(err:find("closed kafka.Consumer", 1, true) and err:find("^user.lua:2:"), err)
    end)

    it("is not begun within a transaction, and leaves that one open", function()
        local p = producer()
        local inner
        assert.is_true(p:transaction(function(tx)
            assert(tx:produce("out", "v"))
            inner = select(2, p:transaction(print))
        end))
        assert.equal("_STATE", inner.name)
        assert.truthy(inner.message:find("transaction within the function of producer:transaction", 1, true), inner.message)
    end)

    for _, name in ipairs(BY_HAND) do
        it("refuses " .. name .. " in its function: nothing is sent twice, and later transactions work", function()
            fill(6)
            local p, c, inner, all = producer(), consumer(), nil, {}
            local function pass_on(count, last)
                return p:transaction(function(tx)
                    for _, value in ipairs(take(c, count)) do
                        assert(tx:produce("out", value, nil, { on_delivery = function(err) all[#all + 1] = err and err.name or value end }))
                    end
                    if last then inner = select(2, tx[last](tx)) end
                end, { consumer = c })
            end
            local ok, err = pass_on(3, name)
            assert.equal("_STATE", inner and inner.name)
            assert.truthy(inner.message:find(name .. " within the function of producer:transaction", 1, true), inner.message)
            p:poll(0)
            if name == "abort_transaction" then
                assert.is_nil(ok)
                assert.equal(inner.message, err.message)
                all = {}
                assert.is_true(pass_on(3))
            else
                assert.is_true(ok)
            end
            assert.is_true(pass_on(3))
            p:poll(0)
            table.sort(all)
            assert.same({ "1", "2", "3", "4", "5", "6" }, all)
            assert.is_true(p:begin_transaction())
            assert.is_true(p:abort_transaction())
        end)
    end

    it("says so when the function closed the consumer or the producer", function()
        fill(2)
        local p, c = producer(), consumer()
        local ok, err = p:transaction(function()
            take(c, 2)
            c:close()
        end, { consumer = c })
        assert.is_nil(ok)
        assert.truthy(err.message:find("the consumer was closed", 1, true), err.message)
        ok, err = p:transaction(function(tx) tx:close(0) end)
        assert.is_nil(ok)
        assert.equal("_DESTROY", err.name)
    end)

    it("raises what a callback raised once the transaction is committed", function()
        local thrown = {}
        local p = producer { on_delivery = function() error(thrown, 0) end }
        assert.equal(thrown, h.error_of(p.transaction, p, function(tx) assert(tx:produce("out", "v")) end))
        assert.is_true(p:transaction(function() end))
        assert.equal(1, requests "EndTxn")
    end)

    it("yields through the function and its own waits, on every Lua", function()
        fill(4)
        local p, c = producer(), consumer()
        mock:set_rtt(1, 20)
        local function wait() coroutine.yield "waiting" end
        kafka.wrap(p, wait)
        kafka.wrap(c, wait)
        local yields, result, runs = {}, nil, 0
        local co = coroutine.create(function()
            result = p:transaction(function(tx)
                runs = runs + 1
                local got = 0
                while got < 4 do
                    for _, message in ipairs(assert(c:poll_batch(4, 100))) do
                        got = got + 1
                        assert(tx:produce("out", message.value))
                    end
                end
                coroutine.yield "mine"
                if runs == 1 then error(passing(), 0) end
            end, { consumer = c })
        end)
        h.wait_until(function()
            local ok, what = coroutine.resume(co)
            assert(ok, what)
            yields[what or "end"] = true
            return coroutine.status(co) == "dead"
        end, 20)
        kafka.wrap(p, nil)
        kafka.wrap(c, nil)
        assert.is_true(result)
        assert.equal(2, runs)
        assert.is_true(yields.waiting and yields.mine)
    end)

    it("fails, and does not wait longer than its timeout, without a cluster", function()
        local p = producer()
        mock:broker_down(1)
        local started = h.now()
        local ok, err = p:transaction(function() error "must not run" end, { timeout = 300 })
        assert.is_nil(ok)
        assert.equal("_TIMED_OUT", err.name)
        assert.is_true(h.now() - started < 5)
    end)
end)
