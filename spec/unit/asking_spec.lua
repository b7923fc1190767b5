-- What every client can ask the cluster, on the mock: spec/integration/questions_spec.lua asks real brokers.
local h = require "spec.helper"
local kafka = h.kafka

local function clients(mock, conf)
    local settings = { ["group.id"] = h.topic("group") }
    for key, value in pairs(conf or {}) do settings[key] = value end
    local brokers = type(mock) == "string" and mock or mock:bootstrap_servers()
    local producer = h.track(kafka.producer(brokers, conf))
    local consumer = h.track(kafka.consumer(brokers, { "asked:0" }, settings))
    return { producer = producer, consumer = consumer }
end

describe("Every client", function()
    after_each(h.cleanup)

    it("tells brokers, topics and partitions", function()
        local mock = h.mock { brokers = 2, topics = { asked = 3, other = 1 } }
        mock:set_leader("asked", 1, 2)
        for kind, client in pairs(clients(mock)) do
            local found = assert(client:metadata())
            assert.equal(2, #found.brokers, kind)
            local at = {}
            for _, broker in ipairs(found.brokers) do at[#at + 1] = ("%s:%d"):format(broker.host, broker.port) end
            table.sort(at)
            local servers = {}
            for server in mock:bootstrap_servers():gmatch("[^,]+") do servers[#servers + 1] = server end
            table.sort(servers)
            assert.same(servers, at)
            assert.equal(2, found.topics.asked.partitions[1].leader)
            assert.is_table(found.topics.asked.partitions[0].replicas)
            assert.is_table(found.topics.asked.partitions[2].isr)
            assert.is_nil(found.topics.asked.partitions[3])
            assert.is_table(found.topics.other)
            assert.is_string(found.cluster_id)
            assert.equal(found.cluster_id, client:cluster_id())
            assert.is_number((client:controller_id()))
        end
    end)

    it("tells of one topic alone, and what is wrong with it", function()
        local mock = h.mock { topics = { asked = 1, other = 1 } }
        for _, client in pairs(clients(mock)) do
            local found = assert(client:metadata { topic = "asked", timeout = 5000 })
            assert.is_table(found.topics.asked.partitions[0])
            assert.is_nil(found.topics.other)
        end
        local producer = clients(mock).producer
        local missing = assert(producer:metadata { topic = "missing" }).topics.missing
        assert.equal("UNKNOWN_TOPIC_OR_PART", missing.err.name)
        assert.same({}, missing.partitions)
    end)

    it("says of a partition without a leader that there is none", function()
        local mock = h.mock { topics = { asked = 2 } }
        mock:set_leader("asked", 1, -1)
        local found = assert(clients(mock).producer:metadata { topic = "asked" })
        assert.equal(-1, found.topics.asked.partitions[1].leader)
    end)

    it("knows of partitions what it asked for last", function()
        local mock = h.mock { topics = { asked = 3 } }
        for _, client in pairs(clients(mock)) do
            assert.is_true(client:refresh_metadata("asked"))
            assert.equal(3, client:partition_count("asked"))
            mock:set_leader("asked", 2, -1)
            assert.is_true(client:refresh_metadata())
            assert.is_false(client:partition_available("asked", 2))
            mock:set_leader("asked", 2, 1)
            assert.is_true(client:refresh_metadata("asked", 5000))
            assert.is_true(client:partition_available("asked", 2))
        end
        local done, err = clients(mock).producer:refresh_metadata("missing")
        assert.is_nil(done)
        assert.equal("UNKNOWN_TOPIC_OR_PART", err.name)
    end)

    it("tells the watermarks, and offsets by time", function()
        local mock = h.mock { topics = { asked = 2 } }
        h.fill(mock:bootstrap_servers(), "asked", { { value = "a", partition = 0 }, { value = "b", partition = 0 } })
        for _, client in pairs(clients(mock)) do
            assert.same({ 0, 2 }, { client:watermarks("asked", 0) })
            assert.same({ 0, 0 }, { client:watermarks("asked", 1, 5000) })
            assert.is_nil((client:cached_watermarks("asked", 1)))
            local found = assert(client:offsets_for_times { { topic = "asked", partition = 0, timestamp = 1 } })
            assert.equal("asked", found[1].topic)
            assert.equal(0, found[1].partition)
            assert.is_number(found[1].offset)
            assert.same({}, client:offsets_for_times {})
        end
    end)

    -- Turns red with librdkafka's own words ("Local: Unknown partition"), and when the cache's silence is a bare nil.
    it("names the topic and partition that has no watermarks, and how to go on", function()
        local mock = h.mock { topics = { asked = 2 } }
        for _, client in pairs(clients(mock)) do
            for _, case in ipairs { { "missing", 0 }, { "asked", 7 } } do
                local topic, partition = case[1], case[2]
                local low, err = client:watermarks(topic, partition, 10000)
                assert.is_nil(low)
                assert.equal("_UNKNOWN_PARTITION", err.name)
                assert.equal(("%s [%d]: there is no such topic or partition, this client may not see it, or no broker leads it; "
                    .. "metadata{topic=\"%s\"} tells which"):format(topic, partition, topic), err.message)
                low, err = client:cached_watermarks(topic, partition)
                assert.is_nil(low)
                assert.equal("_UNKNOWN_PARTITION", err.name)
                assert.equal(("%s [%d]: this client has fetched nothing from it; watermarks(\"%s\", %d) asks the broker")
                    :format(topic, partition, topic, partition), err.message)
            end
        end
    end)

    it("answers with _TIMED_OUT at the deadline, with the last error, when no broker is there", function()
        local times = { { topic = "asked", partition = 0, timestamp = 1 } }
        for _, client in pairs(clients(h.nowhere)) do
            for what, ask in pairs {
                metadata = function() return client:metadata { timeout = 300 } end,
                refresh_metadata = function() return client:refresh_metadata(nil, 300) end,
                cluster_id = function() return client:cluster_id(300) end,
                controller_id = function() return client:controller_id(300) end,
                watermarks = function() return client:watermarks("asked", 0, 300) end,
                offsets_for_times = function() return client:offsets_for_times(times, 300) end,
                groups = function() return client:groups { timeout = 300 } end,
            } do
                h.wait_until(function()
                    client:poll(10)
                    return client:last_error()
                end)
                local begun = h.now()
                local value, err = ask()
                local took = h.now() - begun
                assert.is_nil(value, what)
                assert.equal("_TIMED_OUT", err.name, what)
                assert.is_truthy(err.message:find(what, 1, true), err.message)
                assert.is_truthy(err.message:find("last error: _", 1, true), err.message)
                assert.is_true(took > 0.15 and took < 3, ("%s took %g s"):format(what, took))
            end
        end
    end)

    it("does not wait when the timeout is 0", function()
        local producer = clients(h.nowhere).producer
        local begun = h.now()
        assert.equal("_TIMED_OUT", select(2, producer:metadata { timeout = 0 }).name)
        assert.equal("_TIMED_OUT", select(2, producer:cluster_id(0)).name)
        assert.is_true(h.now() - begun < 1)
    end)

    it("waits without limit for a cluster that comes up later, and asks it again by itself", function()
        local mock = h.mock { topics = { asked = 1 } }
        local producer = clients(mock).producer
        assert.is_true(producer:refresh_metadata("asked"))
        mock:broker_down(1)
        h.wait_until(function() producer:poll(20) return producer:last_error() end)
        local waits = 0
        kafka.wrap(producer, function()
            waits = waits + 1
            if waits == 20 then mock:broker_up(1) end
            h.sleep(0.02)
        end)
        assert.same({ 0, 0 }, { producer:watermarks("asked", 0, -1) })
        kafka.wrap(producer, nil)
        assert.is_true(waits >= 20)
    end)

    it("that asks without limit can still be closed", function()
        local producer = clients(h.nowhere).producer
        kafka.wrap(producer, function() coroutine.yield() end)
        local task = coroutine.create(function() return producer:metadata { timeout = -1 } end)
        assert.is_true(coroutine.resume(task))
        kafka.wrap(producer, nil)
        local begun = h.now()
        producer:close(0)
        assert.is_true(h.now() - begun < 3)
        local ok, value, err = coroutine.resume(task)
        assert.is_true(ok)
        assert.is_nil(value)
        assert.equal("_DESTROY", err.name)
    end)

    it("names the user's line, the call and the option when a question is misput", function()
        local producer = clients(h.nowhere).producer
        local function error_of(body) return h.error_of(h.chunk("local p = ...\n" .. body, "user.lua"), producer) end
        assert.equal('user.lua:2: metadata: unknown option "tpic"; topic and timeout are known', error_of "p:metadata{tpic='x'}")
        assert.matches("^user.lua:2: groups: option states: ", error_of "p:groups{states={1}}")
        assert.matches("^user.lua:2: bad argument #1 to 'watermarks' %(", error_of "p:watermarks({}, 0)")
        assert.matches("^user.lua:2: offsets_for_times: entry 1: timestamp: missing", error_of "p:offsets_for_times{'t:0'}")
        assert.matches("^user.lua:2: .*invalid level", error_of "p:set_log_level('loud')")
    end)
end)
