-- The mock cluster, each method by what clients see of it.
local h = require "spec.helper"
local kafka = h.kafka

describe("a mock cluster", function()
    after_each(h.cleanup)

    -- true once a request of this kind has reached the broker (or any).
    local function saw(mock, api, broker)
        for _, request in ipairs(mock:requests()) do
            if request.api == api and (not broker or request.broker == broker) then return true end
        end
        return false
    end

    -- Sends one message to partition 0 and returns error and report.
    local function deliver(mock, topic, conf)
        local err, report
        local p = h.track(kafka.producer(mock:bootstrap_servers(), conf))
        assert(p:produce(topic, "v", nil, { partition = 0, on_delivery = function(...) err, report = ... end }))
        assert(p:flush(15000))
        p:close()
        return err, report
    end

    local function reader(mock, topics, conf)
        conf = conf or {}
        conf["group.id"] = conf["group.id"] or "g"
        return h.track(kafka.consumer(mock:bootstrap_servers(), topics, conf, { ["auto.offset.reset"] = "earliest" }))
    end

    it("listens on one address per broker", function()
        local mock = h.mock { brokers = 3 }
        local seen = {}
        for host, port in mock:bootstrap_servers():gmatch("([%w.]+):(%d+)") do
            assert.truthy(host == "127.0.0.1" or host == "localhost", host)
            seen[#seen + 1] = port
        end
        assert.are.equal(3, #seen)
        assert.truthy(seen[1] ~= seen[2] and seen[2] ~= seen[3] and seen[1] ~= seen[3])
    end)

    it("has the topics it was made with, and those made later, with their partitions", function()
        local mock = h.mock { brokers = 2, topics = { early = 3 } }
        mock:create_topic("late", 2, 2)
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        for topic, count in pairs { early = 3, late = 2 } do
            for partition = 0, count - 1 do assert(p:produce(topic, "v", nil, { partition = partition })) end
            assert(p:flush(10000))
            local ok, err = p:produce(topic, "v", nil, { partition = count })
            assert.is_nil(ok)
            assert.are.equal("_UNKNOWN_PARTITION", err.name)
        end
    end)

    it("takes a broker down and up again", function()
        local mock = h.mock { topics = { t = 1 } }
        mock:broker_down(1)
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["reconnect.backoff.max.ms"] = 200 }))
        assert(p:produce("t", "v", nil, { partition = 0 }))
        local ok, err = p:flush(400)
        assert.is_nil(ok)
        assert.are.equal("_TIMED_OUT", err.name)
        assert.truthy(p:last_error())
        mock:broker_up(1)
        assert.is_true(p:flush(10000))
    end)

    it("gets a broker more, which may lead partitions", function()
        local mock = h.mock { topics = { t = 1 } }
        mock:add_broker(2)
        mock:set_leader("t", 0, 2)
        local err, report = deliver(mock, "t")
        assert.is_nil(err)
        assert.are.equal(2, report.broker)
    end)

    it("loses a broker, whose partitions move to another", function()
        local mock = h.mock { brokers = 2, topics = { t = 1 } }
        mock:set_leader("t", 0, 2)
        assert.are.equal(2, select(2, deliver(mock, "t")).broker)
        mock:remove_broker(2)
        local err, report = deliver(mock, "t")
        assert.is_nil(err)
        assert.are.equal(1, report.broker)
    end)

    it("slows a broker's answers down", function()
        local mock = h.mock { topics = { t = 1 } }
        local _, quick = deliver(mock, "t")
        mock:set_rtt(1, 600)
        local _, slow = deliver(mock, "t")
        assert.is_true(quick.latency_us < 600000, quick.latency_us)
        assert.is_true(slow.latency_us >= 600000, slow.latency_us)
        mock:set_rtt(1, 0)
        assert.is_true(select(2, deliver(mock, "t")).latency_us < 600000)
    end)

    it("may be slow from the start", function()
        local mock = h.mock { topics = { t = 1 }, rtt = 300 }
        assert.is_true(select(2, deliver(mock, "t")).latency_us >= 300000)
    end)

    it("moves a partition to another leader", function()
        local mock = h.mock { brokers = 3, topics = { t = 1 } }
        for _, id in ipairs { 3, 1, 2 } do
            mock:set_leader("t", 0, id)
            assert.are.equal(id, select(2, deliver(mock, "t")).broker)
        end
    end)

    it("sends consumers to a follower", function()
        local mock = h.mock { brokers = 2, topics = { t = 1 } }
        mock:set_leader("t", 0, 1)
        mock:set_rack(1, "here")
        mock:set_rack(2, "there")
        mock:set_follower("t", 0, 2)
        h.fill(mock:bootstrap_servers(), "t", { "v" })
        assert.are.equal("v", h.receive(reader(mock, { "t:0" }, { ["client.rack"] = "there" }))[1])
        assert.is_true(saw(mock, "Fetch", 2))
    end)

    it("moves a group's coordinator", function()
        local mock = h.mock { brokers = 3, topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "v" })
        for _, id in ipairs { 2, 3 } do
            local group = h.topic("group")
            mock:set_coordinator("group", group, id)
            assert.are.equal("v", h.receive(reader(mock, { "t" }, { ["group.id"] = group }))[1])
            assert.is_true(saw(mock, "JoinGroup", id))
        end
    end)

    it("answers the next requests with errors that were pushed, in order, and then well again", function()
        local mock = h.mock { topics = { t = 1 } }
        mock:push_errors("Produce", { "RECORD_LIST_TOO_LARGE", "TOPIC_AUTHORIZATION_FAILED" })
        assert.are.equal("RECORD_LIST_TOO_LARGE", deliver(mock, "t").name)
        assert.are.equal("TOPIC_AUTHORIZATION_FAILED", deliver(mock, "t").name)
        assert.is_nil((deliver(mock, "t")))
    end)

    it("has errors that the client retries over", function()
        local mock = h.mock { topics = { t = 1 } }
        mock:push_errors("Produce", { "NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT" })
        assert.is_nil((deliver(mock, "t")))
        local produced = 0
        for _, request in ipairs(mock:requests()) do produced = produced + (request.api == "Produce" and 1 or 0) end
        assert.are.equal(3, produced)
    end)

    it("delays a pushed error, and keeps it to one broker", function()
        local mock = h.mock { brokers = 2, topics = { one = 1, two = 1 } }
        mock:set_leader("one", 0, 1)
        mock:set_leader("two", 0, 2)
        mock:push_errors("Produce", { { "TOPIC_AUTHORIZATION_FAILED", rtt = 400 } }, 2)
        assert.is_nil((deliver(mock, "one")))
        local err, report = deliver(mock, "two")
        assert.are.equal("TOPIC_AUTHORIZATION_FAILED", err.name)
        assert.is_true(report.latency_us >= 400000, report.latency_us)
    end)

    it("forgets pushed errors when told to", function()
        local mock = h.mock { topics = { t = 1 } }
        mock:push_errors("Produce", { "TOPIC_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED" })
        assert.are.equal("TOPIC_AUTHORIZATION_FAILED", deliver(mock, "t").name)
        mock:clear_errors("Produce")
        assert.is_nil((deliver(mock, "t")))
    end)

    it("gives a topic an error, and takes it away", function()
        local mock = h.mock { topics = { t = 1 } }
        mock:set_topic_error("t", "TOPIC_AUTHORIZATION_FAILED")
        assert.are.equal("TOPIC_AUTHORIZATION_FAILED", deliver(mock, "t").name)
        mock:set_topic_error("t", nil)
        assert.is_nil((deliver(mock, "t")))
    end)

    it("lets a group's first rebalance wait", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "v" })
        mock:set_group_delay(1200)
        local started = h.now()
        h.receive(reader(mock, { "t" }))
        assert.is_true(h.now() - started >= 1.2)
        mock:set_group_delay(0)
        started = h.now()
        h.receive(reader(mock, { "t" }, { ["group.id"] = "another" }))
        assert.is_true(h.now() - started < 1.2)
    end)

    it("tells which requests came, with key, name, broker and time", function()
        local mock = h.mock { topics = { t = 1 } }
        deliver(mock, "t")
        local requests = mock:requests()
        local produced
        for i, request in ipairs(requests) do
            assert.are.equal("number", type(request.id))
            assert.are.equal("string", type(request.api))
            assert.are.equal("number", type(request.timestamp))
            assert.is_true(i == 1 or requests[i - 1].timestamp <= request.timestamp)
            if request.api == "Produce" then produced = request end
        end
        assert.are.equal(0, produced.id)
        assert.are.equal(1, produced.broker)
    end)

    it("refuses names and brokers it does not know, by what was given", function()
        local mock = h.mock { topics = { t = 1 } }
        local cases = {
            { "mock:push_errors('Produse', { 'INVALID_MSG' })", "Produse" },
            { "mock:push_errors('Produce', { 'INVALID_MSGS' })", "INVALID_MSGS" },
            { "mock:clear_errors('Produse')", "Produse" },
            { "mock:set_topic_error('t', 'NONSENSE')", "NONSENSE" },
            { "mock:set_coordinator('gruop', 'g', 1)", "gruop" },
        }
        for _, case in ipairs(cases) do
            local err = h.error_of(h.chunk("local mock = ...\n" .. case[1]), mock)
            assert.truthy(type(err) == "string" and err:match("^user%.lua:2: "), tostring(err))
            assert.truthy(err:find(case[2], 1, true), err)
        end
    end)

    it("may have brokers removed and added, and topics made while clients run", function()
        local mock = h.mock { brokers = 2, topics = { t = 1 } }
        mock:set_leader("t", 0, 1)
        -- A leader may be gone before the producer has met it: it hears of the new one when it asks again.
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["topic.metadata.refresh.interval.ms"] = 500 }))
        for i = 1, 20 do
            mock:add_broker(10 + i)
            mock:create_topic("made" .. i, 1)
            assert(p:produce("made" .. i, "v", nil, { partition = 0 }))
            mock:remove_broker(10 + i)
        end
        assert.is_true(p:flush(15000))
    end)

    it("is gone when it is closed, once and for all", function()
        local mock = kafka.mock_cluster { brokers = 1, topics = { t = 1 } }
        local brokers = mock:bootstrap_servers()
        mock:close()
        mock:close()
        local p = h.track(kafka.producer(brokers))
        p:produce("t", "v")
        assert.is_nil((p:flush(300)))
        assert.truthy(h.error_of(h.chunk("local mock = ...\nmock:requests()"), mock)
            :match("^user%.lua:2: attempt to use a closed kafka%."))
        assert.truthy(tostring(mock):find("closed", 1, true))
    end)

    it("is closed by the collector when nobody holds it", function()
        local brokers = (function() return kafka.mock_cluster { brokers = 1 }:bootstrap_servers() end)()
        for _ = 1, 3 do collectgarbage() end
        local socket = require "socket"
        local host, port = brokers:match("([%w.]+):(%d+)")
        h.wait_until(function()
            local tcp = socket.tcp()
            local ok = tcp:connect(host, tonumber(port))
            tcp:close()
            return not ok
        end)
    end)

    it("refuses options it does not know", function()
        for _, options in ipairs { { broker = 1 }, { brokers = 0 }, { brokers = 1.5 }, { brokers = "x" }, { topics = 5 },
            { topics = { t = 0 } }, { topics = { t = "x" } }, { rtt = "slow" } } do
            assert.are.equal("string", type(h.error_of(kafka.mock_cluster, options)))
        end
    end)
end)
