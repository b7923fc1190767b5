-- Transactions, call by call: order, outcomes, deadlines and resumption, fencing, closing.
local h = require "spec.helper"
local kafka = h.kafka

describe("a transactional producer", function()
    local mock
    before_each(function() mock = h.mock { topics = { t = 1 } } end)
    after_each(h.cleanup)

    local function producer(conf)
        conf = conf or {}
        conf["bootstrap.servers"] = mock:bootstrap_servers()
        conf["transactional.id"] = conf["transactional.id"] or h.topic "id"
        conf.exit_timeout = 100
        return h.track(kafka.producer(conf))
    end

    local function ready(conf)
        local made = producer(conf)
        assert(made:init_transactions(10000))
        return made
    end

    local function open(conf)
        local made = ready(conf)
        assert(made:begin_transaction())
        return made
    end

    -- The call answers nil and an error of this name at once, which says what to do.
    local function assert_refused(name, cure, ok, err)
        assert.is_nil(ok)
        assert.equal(name, err.name)
        assert.truthy(err.message:find(cure, 1, true), err.message)
        return err
    end

    local function committed_values()
        local values = {}
        local reader = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" }, {
            ["group.id"] = h.topic "reader", ["auto.offset.reset"] = "earliest", ["enable.partition.eof"] = true,
        }))
        h.wait_until(function()
            local message = reader:poll(100)
            if message and not message.eof then values[#values + 1] = message.value end
            return message and message.eof
        end)
        return values
    end

    it("goes from init over begin and commit to the next begin", function()
        local p = ready()
        for i = 1, 3 do
            assert.is_true(p:begin_transaction())
            assert.is_true(p:produce("t", "v" .. i))
            assert.is_true(p:commit_transaction())
        end
        assert.equal(0, #p)
        assert.same({ "v1", "v2", "v3" }, committed_values())
    end)

    it("delivers all that was produced before commit returns, and serves the reports on the way", function()
        local reports = 0
        local p = open { ["linger.ms"] = 5000, on_delivery = function(err) assert(not err) reports = reports + 1 end }
        for i = 1, 100 do assert(p:produce("t", "v" .. i)) end
        assert.is_true(p:commit_transaction())
        assert.equal(100, reports)
    end)

    it("reports what an abort took back as purged, and begins anew", function()
        local names = {}
        local p = open { ["linger.ms"] = 5000, on_delivery = function(err) names[#names + 1] = err and err.name or "delivered" end }
        assert(p:produce("t", "gone"))
        assert.is_true(p:abort_transaction())
        p:poll(0)
        assert.same({ "_PURGE_QUEUE" }, names)
        assert.is_true(p:begin_transaction())
        assert.is_true(p:abort_transaction())
    end)

    it("commits an empty transaction", function()
        assert.is_true(open():commit_transaction())
    end)

    it("names the cure of each call out of order, at once", function()
        local started = h.now()
        local p = producer()
        assert_refused("_STATE", "init_transactions", p:begin_transaction())
        assert_refused("_STATE", "init_transactions", p:commit_transaction())
        assert_refused("_STATE", "init_transactions", p:abort_transaction())
        assert_refused("_STATE", "init_transactions", p:produce("t", "v"))
        local offsets = { { topic = "t", partition = 0, offset = 1 } }
        assert_refused("_STATE", "init_transactions", p:send_offsets_to_transaction(offsets, { group_id = "g" }))
        assert(p:init_transactions())
        assert_refused("_STATE", "begin_transaction", p:init_transactions())
        assert_refused("_STATE", "begin_transaction", p:commit_transaction())
        assert_refused("_STATE", "begin_transaction", p:abort_transaction())
        assert_refused("_STATE", "begin_transaction", p:produce("t", "v"))
        assert_refused("_STATE", "begin_transaction", p:send_offsets_to_transaction(offsets, { group_id = "g" }))
        assert(p:begin_transaction())
        assert_refused("_STATE", "commit_transaction or abort_transaction", p:begin_transaction())
        assert_refused("_STATE", "begin_transaction", p:init_transactions())
        assert(p:commit_transaction())
        assert_refused("_STATE", "begin_transaction", p:produce("t", "v"))
        assert.is_true(h.now() - started < 5)
    end)

    it("needs a transactional.id for each of the calls", function()
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        for _, name in ipairs { "init_transactions", "begin_transaction", "commit_transaction", "abort_transaction" } do
            assert_refused("_NOT_CONFIGURED", "transactional.id", p[name](p))
        end
        local offsets = { { topic = "t", partition = 0, offset = 1 } }
        assert_refused("_NOT_CONFIGURED", "transactional.id", p:send_offsets_to_transaction(offsets, { group_id = "g" }))
        assert_refused("_NOT_CONFIGURED", "transactional.id", p:transaction(function() error "must not run" end))
    end)

    it("sends no offsets of a closed consumer, nor of something else", function()
        local p = open()
        local consumer = kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "g" })
        consumer:close()
        local offsets = { { topic = "t", partition = 0, offset = 1 } }
        local call = h.chunk("local p, offsets, group = ...\np:send_offsets_to_transaction(offsets, group)", "user.lua")
        local err = h.error_of(call, p, offsets, consumer)
        assert.truthy(err:find("user.lua:2: ", 1, true) and err:find("closed kafka.Consumer", 1, true), err)
        err = h.error_of(call, p, offsets, p)
        assert.truthy(err:find("kafka.Consumer or its group metadata expected", 1, true), err)
        err = h.error_of(call, p, { { topic = "t", partition = 0, offset = "earliest" } }, { group_id = "g" })
        assert.truthy(err:find("the next message to read", 1, true), err)
    end)

    it("sends the offsets of a group with the transaction, as those of a consumer or of a table", function()
        local p = open()
        local offsets = { { topic = "t", partition = 0, offset = 2 } }
        local consumer = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "readers" }))
        assert.is_true(p:send_offsets_to_transaction(offsets, consumer))
        assert.is_true(p:send_offsets_to_transaction(offsets, consumer:group_metadata()))
        assert.is_true(p:send_offsets_to_transaction({}, { group_id = "readers" }))
        assert.is_true(p:send_offsets_to_transaction({ { topic = "t", partition = 0 } }, { group_id = "readers" }))
        offsets[2] = { topic = "t", partition = 1 }
        assert.is_true(p:send_offsets_to_transaction(offsets, consumer))
        assert.is_true(p:commit_transaction())
        local counts = {}
        for _, request in ipairs(mock:requests()) do counts[request.api] = (counts[request.api] or 0) + 1 end
        assert.equal(3, counts.TxnOffsetCommit)
        assert.equal(3, counts.AddOffsetsToTxn)
    end)

    it("gets _TIMED_OUT at its deadline, and the next call of the kind hears how the first one ended", function()
        local p = producer()
        mock:broker_down(1)
        local started = h.now()
        local ok, err = p:init_transactions(200)
        assert.is_nil(ok)
        assert.equal("_TIMED_OUT", err.name)
        assert.is_true(err.retriable)
        assert.is_true(h.now() - started < 5)
        assert_refused("_CONFLICT", "init_transactions is under way; call it again", p:begin_transaction())
        assert_refused("_CONFLICT", "init_transactions is under way; call it again", p:commit_transaction())
        mock:broker_up(1)
        assert.is_true(p:init_transactions(20000))
        local count = 0
        for _, request in ipairs(mock:requests()) do
            if request.api == "InitProducerId" then count = count + 1 end
        end
        assert.equal(1, count)
        assert.is_true(p:begin_transaction())
    end)

    it("may time out in the middle of a commit, which goes on", function()
        local p = open()
        assert(p:produce("t", "v"))
        mock:set_rtt(1, 700)
        local ok, err = p:commit_transaction(50)
        assert.is_nil(ok)
        assert.equal("_TIMED_OUT", err.name)
        assert_refused("_CONFLICT", "commit_transaction is under way", p:abort_transaction())
        assert_refused("_CONFLICT", "commit_transaction is under way", p:produce("t", "late"))
        assert_refused("_CONFLICT", "commit_transaction is under way", p:begin_transaction())
        mock:set_rtt(1, 0)
        assert.is_true(p:commit_transaction(20000))
        assert_refused("_STATE", "begin_transaction", p:commit_transaction())
        assert.same({ "v" }, committed_values())
    end)

    it("joins a call that sends the same offsets, and refuses one with others: they would not be sent", function()
        local p = open()
        mock:set_rtt(1, 1500)
        local function send(offset, timeout)
            return p:send_offsets_to_transaction({ { topic = "t", partition = 0, offset = offset } }, { group_id = "g" }, timeout)
        end
        assert.equal("_TIMED_OUT", select(2, send(1, 0)).name)
        assert_refused("_CONFLICT", "under way with other offsets; call it again with the same ones", send(2, 0))
        mock:set_rtt(1, 0)
        assert.is_true(send(1, 20000))
        assert.is_true(send(2, 20000))
        assert.is_true(p:commit_transaction())
    end)

    it("may abort while offsets are under way: that call ends first", function()
        local p = open()
        assert(p:produce("t", "v"))
        assert(p:flush())
        mock:set_rtt(1, 400)
        local ok, err = p:send_offsets_to_transaction({ { topic = "t", partition = 0, offset = 1 } }, { group_id = "g" }, 50)
        assert.is_nil(ok)
        assert.equal("_TIMED_OUT", err.name)
        assert_refused("_CONFLICT", "or abort_transaction", p:commit_transaction())
        ok, err = p:abort_transaction(50)
        assert.is_nil(ok)
        assert.equal("_TIMED_OUT", err.name)
        assert_refused("_CONFLICT", "abort_transaction is under way; call it again", p:begin_transaction())
        mock:set_rtt(1, 0)
        assert.is_true(p:abort_transaction(20000))
        assert.is_true(p:begin_transaction())
        assert.is_true(p:commit_transaction())
    end)

    it("with a timeout of 0 starts a call, and hears of it later", function()
        local p = open()
        local ok = p:commit_transaction(0)
        if not ok then assert.is_true(p:commit_transaction(10000)) end
        assert.is_true(p:begin_transaction())
    end)

    -- Errors that pass are librdkafka's to repeat; what it cannot mend comes out with its flag.
    for _, case in ipairs {
        { "InitProducerId", { "COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "CONCURRENT_TRANSACTIONS" } },
        { "AddPartitionsToTxn", { "COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS", "COORDINATOR_NOT_AVAILABLE" } },
        { "AddOffsetsToTxn", { "COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS", "COORDINATOR_NOT_AVAILABLE" } },
        { "TxnOffsetCommit", { "COORDINATOR_LOAD_IN_PROGRESS", "REQUEST_TIMED_OUT", "NOT_COORDINATOR" } },
        { "EndTxn", { "COORDINATOR_LOAD_IN_PROGRESS", "CONCURRENT_TRANSACTIONS", "COORDINATOR_NOT_AVAILABLE" } },
    } do
        it(("gets over %s answered by errors that pass"):format(case[1]), function()
            mock:push_errors(case[1], case[2])
            local p = open()
            assert(p:produce("t", "v"))
            local sent = p:send_offsets_to_transaction({ { topic = "t", partition = 0, offset = 1 } }, { group_id = "g" }, 20000)
            assert.is_true(sent)
            assert.is_true(p:commit_transaction(20000))
            assert.same({ "v" }, committed_values())
        end)
    end

    for _, case in ipairs {
        { "AddPartitionsToTxn", "TOPIC_AUTHORIZATION_FAILED" }, { "EndTxn", "UNKNOWN_PRODUCER_ID" },
        { "Produce", "MSG_SIZE_TOO_LARGE" },
    } do
        it(("must abort when %s is answered by %s, and says so until it does"):format(case[1], case[2]), function()
            local p = open()
            mock:push_errors(case[1], { case[2] })
            assert(p:produce("t", "v"))
            local ok, err = p:commit_transaction(20000)
            assert.is_nil(ok)
            assert.is_true(err.txn_requires_abort, tostring(err))
            assert.is_false(err.fatal)
            for _, name in ipairs { "commit_transaction", "begin_transaction" } do
                local again = assert_refused(err.name, "call abort_transaction", p[name](p))
                assert.is_true(again.txn_requires_abort)
            end
            local refused = select(2, p:produce("t", "w"))
            assert.is_true(refused.txn_requires_abort)
            assert.is_true(p:abort_transaction(20000))
            assert(p:begin_transaction())
            -- The mock cluster does not follow the sequence numbers of a failed batch.
            if case[1] ~= "Produce" then assert(p:produce("t", "after")) end
            assert.is_true(p:commit_transaction(20000))
        end)
    end

    it("must abort when the group refuses its offsets", function()
        local p = open()
        mock:push_errors("TxnOffsetCommit", { "ILLEGAL_GENERATION" })
        local ok, err = p:send_offsets_to_transaction({ { topic = "t", partition = 0, offset = 1 } }, { group_id = "g" })
        assert.is_nil(ok)
        assert.is_true(err.txn_requires_abort, tostring(err))
        assert.is_true(p:abort_transaction())
    end)

    it("is fenced by a second one of its transactional.id, for good", function()
        local first = open { ["transactional.id"] = "one" }
        assert(first:produce("t", "old"))
        mock:push_errors("EndTxn", { "INVALID_PRODUCER_EPOCH" })
        ready { ["transactional.id"] = "one" }
        local ok, err = first:commit_transaction(20000)
        assert.is_nil(ok)
        assert.is_true(err.fatal, tostring(err))
        assert.equal("_FENCED", err.name)
        assert.equal("_FENCED", first:fatal_error().name)
        for _, name in ipairs { "begin_transaction", "commit_transaction", "abort_transaction", "init_transactions" } do
            local again = assert_refused("_FENCED", "new producer", first[name](first))
            assert.is_true(again.fatal)
        end
        assert.is_true(select(2, first:produce("t", "more")).fatal)
        assert.is_true(select(2, first:transaction(function() end)).fatal)
        assert_refused("_FENCED", "new producer", first:close(5000))
    end)

    it("comes through callbacks that raise during a commit: the error comes out once, then how the commit ended", function()
        local thrown = {}
        local p = open { on_delivery = function() error(thrown, 0) end }
        assert(p:produce("t", "v"))
        assert.equal(thrown, h.error_of(p.commit_transaction, p))
        assert_refused("_CONFLICT", "call it again", p:begin_transaction())
        assert.is_true(p:commit_transaction())
        assert.is_true(p:begin_transaction())
    end)

    it("may be asked within a callback of its own commit, and says that it is under way", function()
        local inner
        local p
        p = open { on_delivery = function() inner = select(2, p:begin_transaction()) end }
        assert(p:produce("t", "v"))
        assert.is_true(p:commit_transaction())
        assert.equal("_CONFLICT", inner.name)
    end)

    it("closed with an open transaction says so, aborts it, and waits for nothing", function()
        local p = open { ["transactional.id"] = "left" }
        assert(p:produce("t", "v"))
        local started = h.now()
        local ok, err, undelivered = p:close(10000)
        assert.is_nil(ok)
        assert.equal("_STATE", err.name)
        assert.truthy(err.message:find("commit_transaction or abort_transaction before close", 1, true), err.message)
        assert.equal(1, undelivered)
        assert.is_true(h.now() - started < 5)
        assert.is_true(p:close())
    end)

    it("closed after its last commit has nothing to say, not even of messages that an abort took back", function()
        local p = open { ["linger.ms"] = 5000 }
        assert(p:produce("t", "gone"))
        assert(p:abort_transaction())
        assert(p:begin_transaction())
        assert(p:produce("t", "v"))
        assert(p:commit_transaction())
        assert.is_true(p:close())
    end)

    it("closed while a commit is under way waits for it", function()
        local p = open()
        assert(p:produce("t", "v"))
        mock:set_rtt(1, 300)
        assert.equal("_TIMED_OUT", select(2, p:commit_transaction(20)).name)
        assert.is_true(p:close(10000))
        mock:set_rtt(1, 0)
        assert.same({ "v" }, committed_values())
    end)

    it("answers a commit that waits with _DESTROY when a callback closes it", function()
        local p
        p = open { on_delivery = function() p:close(0) end }
        assert(p:produce("t", "v"))
        local ok, err = p:commit_transaction()
        assert.is_nil(ok)
        assert.equal("_DESTROY", err.name)
    end)

    it("lets other coroutines run while it waits, on every Lua", function()
        local p = ready()
        mock:set_rtt(1, 50)
        local waits, result = 0, nil
        kafka.wrap(p, function(_, ms)
            waits = waits + 1
            coroutine.yield(ms)
        end)
        local co = coroutine.create(function()
            assert(p:begin_transaction())
            assert(p:produce("t", "v"))
            result = p:commit_transaction()
        end)
        h.wait_until(function()
            if coroutine.status(co) ~= "dead" then assert(coroutine.resume(co)) end
            return coroutine.status(co) == "dead"
        end)
        kafka.wrap(p, nil)
        assert.is_true(result)
        assert.is_true(waits > 0)
    end)

    it("leaves its descriptor quiet when the coroutine that waited was dropped", function()
        local p = open()
        mock:set_rtt(1, 100) -- or the answer may be there before the first wait
        assert(p:produce("t", "v"))
        kafka.wrap(p, function() coroutine.yield() end)
        local co = coroutine.create(function() p:commit_transaction(300) end)
        assert(coroutine.resume(co))
        co = nil -- luacheck: ignore
        kafka.wrap(p, nil)
        h.sleep(0.4)
        assert.is_true(p:commit_transaction())
        assert.is_true(p:begin_transaction())
    end)
end)
