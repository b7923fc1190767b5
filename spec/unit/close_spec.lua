-- close: its deadline, what it reports, and what a closed client answers.
local h = require "spec.helper"
local child = require "spec.support.child"
local broker = require "spec.lifetime.broker"
local tls = require "spec.lifetime.tls"

local abandon
do
    local file = assert(io.open("spec/lifetime/abandon.lua", "rb"))
    abandon = file:read("*a")
    file:close()
end

describe("close(2000)", function()
    local cluster, processes

    before_each(function()
        cluster, processes = broker.start(1), {}
    end)
    after_each(function()
        for _, process in ipairs(processes) do process:destroy() end
        cluster:close()
    end)

    local function start(kind, topic, tag)
        local process = child.start(abandon, { args = { kind, "close", cluster.servers, topic, tag } })
        processes[#processes + 1] = process
        local line = process:line(20)
        assert.are.equal("ready", line, select(2, process:output()))
        return process
    end

    local function closed(process)
        local line = assert(process:line(10), select(2, process:output()))
        local milliseconds, ok, err, undelivered = line:match("^(%S+) (%S+) (%S+) (%S+)$")
        assert.is_true(tonumber(milliseconds) <= 2500, milliseconds .. " ms")
        process:send("end\n")
        local status, signal = process:wait(5)
        assert.is_nil(signal)
        assert.are.equal(0, status)
        assert.are.equal("", (select(2, process:output()))) -- what close reported is not told again at exit
        return ok, err, undelivered
    end

    -- Red when a consumer is destroyed the blocking way (45 s and more), or a flush has no deadline.
    for _, case in ipairs {
        { title = "up" },
        { title = "SIGKILLed", signal = "KILL" },
        { title = "SIGSTOPped", signal = "STOP" },
    } do
        it("returns within 2.5 s and says what is undelivered when the broker is " .. case.title, function()
            local topic = cluster:topic("closed")
            local producer = start("producer", topic, "one")
            local consumer = start("consumer", topic, "two")
            if case.signal then cluster:signal(case.signal) end
            producer:send("go\n") -- both at once: each has its own deadline
            consumer:send("go\n")
            local ok, err, undelivered = closed(producer)
            if case.signal then
                assert.are.same({ "nil", "999" }, { ok, undelivered })
                assert.are_not.equal("-", err)
            else
                assert.are.same({ "true", "-", "nil" }, { ok, err, undelivered })
                assert.are.same({ messages = 1000, distinct = 1000 }, cluster:count(topic).one)
            end
            ok = closed(consumer)
            if not case.signal then assert.are.equal("true", ok) end
        end)
    end
end)

describe("close", function()
    after_each(h.cleanup)

    local function dead_producer(conf)
        local producer = h.track(h.kafka.producer(tls.refused(), conf or {}))
        producer:create_topic "t"
        return producer
    end

    it("may be called again, by hand, by collection and by <close>, and stays what it was", function()
        local mock = h.mock { topics = { t = 1 } }
        local producer = h.kafka.producer(mock:bootstrap_servers())
        assert.is_false(producer:closed())
        assert.is_true(producer:close())
        assert.is_true(producer:close())
        assert.is_true(producer:closed())
        local consumer = h.kafka.consumer(mock:bootstrap_servers(), { "t" }, { ["group.id"] = "g" })
        assert.is_true(consumer:close())
        assert.is_true(consumer:close(0))
        assert.is_true(consumer:closed())
    end)

    it("leaves name and tostring, and makes everything else raise at the caller", function()
        local mock = h.mock { topics = { t = 1 } }
        local producer = h.kafka.producer(mock:bootstrap_servers())
        local consumer = h.kafka.consumer(mock:bootstrap_servers(), { "t" }, { ["group.id"] = "g" })
        local name = producer:name()
        producer:close()
        consumer:close()
        assert.are.equal(name, producer:name())
        assert.matches("^kafka%.Producer: .*%(closed%)$", tostring(producer))
        assert.matches("^kafka%.Consumer: .*%(closed%)$", tostring(consumer))
        for _, call in ipairs {
            "p:send('t', 0, 1, 'x')", "p:poll()", "p:produce('t', 'x')", "p:flush()",
            "p:create_topic('t')", "p:has_topic('t')", "p:destroy_topic('t')",
        } do
            local err = h.error_of(h.chunk("local p = ...\n" .. call), producer)
            assert.are.equal("user.lua:2: attempt to use a closed kafka.Producer", err)
        end
        local err = h.error_of(h.chunk("local c = ...\nc:receive()"), consumer)
        assert.are.equal("user.lua:2: attempt to use a closed kafka.Consumer", err)
    end)

    it("reports each undelivered message to its callback before it returns", function()
        local producer = dead_producer()
        local names = {}
        for i = 1, 20 do
            assert.is_true(producer:produce("t", "x" .. i, nil, {
                on_delivery = function(err) names[#names + 1] = err and err.name or "delivered" end,
            }))
        end
        local ok, err, undelivered = producer:close(100)
        assert.is_nil(ok)
        assert.are.equal("_TIMED_OUT", err.name)
        assert.are.equal(20, undelivered)
        assert.are.equal(20, #names)
        for _, name in ipairs(names) do assert.are.equal("_PURGE_QUEUE", name) end
    end)

    it("with 0 does not wait", function()
        local producer = dead_producer()
        for _ = 1, 100 do producer:send("t", -1, nil, "x") end
        local started = h.now()
        local _, _, undelivered = producer:close(0)
        assert.are.equal(100, undelivered)
        assert.is_true(h.now() - started < 2)
    end)

    it("uses close_timeout when it is given none", function()
        local producer = dead_producer { close_timeout = 300 }
        producer:send("t", -1, nil, "x")
        local started = h.now()
        assert.is_nil((producer:close()))
        local seconds = h.now() - started
        assert.is_true(seconds >= 0.3 and seconds < 5, seconds .. " s") -- without it, ten
    end)

    it("lets the first error of its callbacks out, and the client is closed all the same", function()
        local mock = h.mock { topics = { t = 1 } }
        local served = 0
        local producer = h.kafka.producer(mock:bootstrap_servers(), {
            on_delivery = function()
                served = served + 1
                error(("callback %d went wrong"):format(served), 0)
            end,
        })
        producer:create_topic "t"
        for i = 1, 10 do producer:send("t", 0, i, "x") end
        assert.are.equal("callback 1 went wrong", h.error_of(producer.close, producer, 10000))
        assert.are.equal(10, served)
        assert.is_true(producer:closed())
    end)

    it("refuses a timeout that is none", function()
        local producer = dead_producer()
        for _, timeout in ipairs { -2, 1.5, "soon", 0 / 0, {} } do
            assert.is_string(h.error_of(producer.close, producer, timeout))
            assert.is_false(producer:closed())
        end
    end)

    if h.version == "5.4" then
        it("is what <close> does", function()
            local mock = h.mock { topics = { t = 1 } }
            local run = h.chunk [[
                local kafka, servers = ...
                local kept
                do
                    local producer <close> = kafka.producer(servers)
                    producer:create_topic "t"
                    producer:send("t", 0, 1, "x")
                    kept = producer
                end
                return kept
            ]]
            local producer = run(h.kafka, mock:bootstrap_servers())
            assert.is_true(producer:closed())
            local found = h.drain(mock:bootstrap_servers(), "t", { count = 1, timeout = 5 })
            assert.are.equal("x", found[1].value)
        end)
    end
end)

describe("close of a consumer in the middle of a rebalance", function()
    after_each(h.cleanup)

    -- Red when the group is answered before it hears the goodbye (1 run of 8: it then waits behind a new join), and
    -- when what the group announced stays unanswered: close then takes its whole deadline.
    it("ends at once", function()
        local topic = h.topic "moving"
        local mock = h.mock { topics = { [topic] = 4 } }
        local brokers = mock:bootstrap_servers()
        local producer = h.track(h.kafka.producer(brokers, { ["linger.ms"] = 0 }))
        producer:create_topic(topic)
        for partition = 0, 3 do assert.equal(0, producer:send(topic, partition, nil, "to " .. partition)) end
        assert.is_true(producer:flush(5000))
        local function join()
            return h.track(h.kafka.consumer(brokers, { topic }, {
                ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["heartbeat.interval.ms"] = 100,
            }))
        end
        local function receive(consumer, count, seconds)
            local got, deadline = 0, h.now() + seconds
            while got < count and h.now() < deadline do
                if consumer:receive() then got = got + 1 end
            end
            return got
        end
        local first = join()
        assert.equal(4, receive(first, 4, 20))
        local second = join()
        assert.equal(0, receive(second, 1, 1.5)) -- the first one has not answered yet that it gives anything up
        local start = h.now()
        local closed, err = first:close(5000)
        assert.is_true(h.now() - start < 2.5, h.now() - start .. " s")
        -- The mock, unlike Kafka, may refuse what is committed while the group moves; then close says so.
        assert.is_true(closed or err.name == "REBALANCE_IN_PROGRESS", tostring(err))
    end)

    -- Red when `rebalance_begin` takes what is announced, instead of looking at it: it is then forgotten with the callback,
    -- and close waits until its deadline for a group that waits for the answer.
    for _, strategy in ipairs { "range", "cooperative-sticky" } do
        for _, way in ipairs { "on_revoke", "on_lost", "an on_revoke that never ends" } do
            it(("ends at once in %s (%s)"):format(way, strategy), function()
                local topic = h.topic "within"
                local mock = h.mock { topics = { [topic] = 2 } }
                h.fill(mock:bootstrap_servers(), topic, { "x" })
                local took, closed, err
                local function close(c)
                    local start = h.now()
                    closed, err = c:close(5000)
                    took = h.now() - start
                end
                local c = h.track(h.kafka.consumer {
                    ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = topic, topics = { topic },
                    ["auto.offset.reset"] = "earliest", ["heartbeat.interval.ms"] = 100,
                    ["partition.assignment.strategy"] = strategy,
                    on_lost = close,
                    on_revoke = function(who) if way == "on_revoke" then close(who) else coroutine.yield "revoking" end end,
                })
                h.wait_until(function() return c:poll(100) end, 15, "the message")
                if way == "on_lost" then mock:push_errors("Heartbeat", { "UNKNOWN_MEMBER_ID" }) else assert(c:unsubscribe()) end
                if way:find "never" then
                    local co = coroutine.wrap(function() c:poll(5000) end)
                    assert.are.equal("revoking", co())
                    close(c)
                else
                    h.wait_until(function() return took or c:poll(50) end, 10, "the callback")
                end
                assert.is_true(took < 2.5, took .. " s")
                assert.is_true(closed, tostring(err))
                assert.is_true(c:closed())
            end)
        end
    end

    -- Red when that assignment is answered after the goodbye: librdkafka then leaves at once and may drop the answer, for
    -- which the close waits until its deadline (1 of 250); nor has it a name for its protocol any more (a crash, 1 of 30).
    it("survives an assignment that nobody ever served", function()
        local topic = h.topic "unserved"
        local brokers = h.mock { topics = { [topic] = 2 } }:bootstrap_servers()
        for _ = 1, 200 do
            local consumer = h.kafka.consumer(brokers, { topic }, { ["group.id"] = h.topic "unserved" })
            h.wait_until(function() return (consumer:member_id() or "") ~= "" end, 10, "the join")
            h.sleep(0.02)
            assert.is_true(consumer:close(2000))
        end
    end)
end)
