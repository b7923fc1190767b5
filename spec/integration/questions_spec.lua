-- What every client can ask, put to Apache Kafka: what its mock does not know, and what only a real broker does.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

describe("a question to Apache Kafka", function()
    local kafka = on_kafka { nodes = 1, settings = {
        ["group.consumer.min.heartbeat.interval.ms"] = 100, ["group.consumer.heartbeat.interval.ms"] = 300,
    } }
    after_each(h.cleanup)

    local function producer(conf) return h.track(h.kafka.producer(kafka.brokers, conf)) end

    local function member(topic, group, conf)
        local settings = { ["group.id"] = group, ["auto.offset.reset"] = "earliest", ["client.id"] = "member" }
        for key, value in pairs(conf or {}) do settings[key] = value end
        local consumer = h.track(h.kafka.consumer(kafka.brokers, { topic }, settings))
        h.receive(consumer)
        return consumer
    end

    local function filled(partitions, count)
        local topic = kafka:create_topic(h.topic("asked"), partitions)
        local values = {}
        for i = 1, count do values[i] = { value = "value " .. i, partition = (i - 1) % partitions } end
        h.fill(kafka.brokers, topic, values)
        return topic
    end

    it("for metadata tells cluster, brokers, topics and who leads what", function()
        local topic = filled(3, 3)
        local p = producer()
        local found = assert(p:metadata())
        assert.is_true(#found.cluster_id >= 10)
        assert.equal(found.cluster_id, p:cluster_id())
        assert.equal(found.controller_id, p:controller_id())
        assert.is_number(found.controller_id)
        local host, port = found.brokers[1].host, found.brokers[1].port
        assert.equal(kafka.brokers:match("^[^,]+"), host .. ":" .. port)
        local partitions = found.topics[topic].partitions
        for number = 0, 2 do
            assert.equal(found.brokers[1].id, partitions[number].leader)
            assert.same({ found.brokers[1].id }, partitions[number].replicas)
            assert.same({ found.brokers[1].id }, partitions[number].isr)
        end
        assert.is_nil(partitions[3])
        local one = assert(p:metadata { topic = topic })
        assert.same({ topic }, { (next(one.topics)) })
    end)

    it("for offsets by time tells the first message at or after each, and the end where none is that late", function()
        local topic = kafka:create_topic(h.topic("asked"), 2)
        local p = producer()
        for i = 1, 5 do assert(p:produce(topic, "x", nil, { partition = 0, timestamp = 1000000 * i })) end
        assert(p:flush(10000))
        local found = assert(p:offsets_for_times {
            { topic = topic, partition = 0, timestamp = 2500000 }, { topic = topic, partition = 1, timestamp = 0 },
        })
        assert.same({ topic = topic, partition = 0, offset = 2 },
            { topic = found[1].topic, partition = found[1].partition, offset = found[1].offset })
        assert.equal(-1, found[2].offset)
        assert.equal(-1, p:offsets_for_times { { topic = topic, partition = 0, timestamp = 9000000 } }[1].offset)
    end)

    it("for watermarks is answered, and a consumer knows those of what it reads without asking", function()
        local topic = filled(1, 7)
        local consumer = member(topic, h.topic("group"))
        local low, high = consumer:watermarks(topic, 0)
        assert.same({ 0, 7 }, { low, high })
        assert.same({ 0, 7 }, { consumer:cached_watermarks(topic, 0) })
        assert.is_nil((consumer:cached_watermarks("never", 0)))
    end)

    for _, protocol in ipairs { "classic", "consumer" } do
        it(("for groups tells state and members of one with the %s protocol"):format(protocol), function()
            local topic, group = filled(2, 2), h.topic("group")
            local consumer = member(topic, group, { ["group.protocol"] = protocol })
            local found
            h.wait_until(function()
                consumer:poll(20)
                found = assert(producer():groups { group = group })[1]
                return found.state == "Stable" and found.members[1] and #found.members[1].assignment == 2
            end, 20)
            assert.equal(group, found.group)
            assert.equal(protocol, found.protocol)
            assert.is_false(found.simple)
            assert.equal(1, #found.members)
            assert.equal("member", found.members[1].client_id)
            assert.is_true(#found.members[1].member_id > 0)
            assert.equal(topic, found.members[1].assignment[1].topic)
            assert.is_number(found.coordinator.id)
            assert.is_nil(found.err)
            local names = {}
            for _, one in ipairs(assert(consumer:groups { states = { "Stable" } })) do names[one.group] = true end
            assert.is_true(names[group])
            for _, one in ipairs(assert(consumer:groups { states = { "Empty" } })) do assert.not_equal(group, one.group) end
            consumer:close(5000)
            h.wait_until(function() return producer():groups { group = group }[1].state == "Empty" end, 20)
        end)
    end

    it("for a group nobody knows is answered, too", function()
        local found = assert(producer():groups { group = "never-seen" })
        assert.equal("never-seen", found[1].group)
        assert.is_true(found[1].state == "Dead" or found[1].err ~= nil)
        assert.equal(0, #found[1].members)
    end)

    kafka.ours_to("set quotas")("is answered past a quota too, and on_throttle tells who throttles and for how long", function()
        local topic, name = kafka:create_topic(h.topic("asked"), 1), h.topic("client")
        kafka:limit(name, "producer_byte_rate=10000")
        local heard = {}
        local p = producer { ["client.id"] = name, on_throttle = function(throttle) heard[#heard + 1] = throttle end }
        local deadline = h.now() + 20
        while not heard[1] and h.now() < deadline do
            assert(p:produce(topic, ("x"):rep(20000)))
            p:poll(50)
        end
        assert.is_truthy(heard[1], "never throttled")
        assert.is_string((p:cluster_id()))
        assert.is_number(heard[1].id)
        assert.is_true(heard[1].time > 0)
        assert.is_truthy(heard[1].broker:find("127.0.0.1", 1, true), heard[1].broker)
    end)
end)
