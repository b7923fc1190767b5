-- Queues on Apache Kafka: partitions merged without a group, and a queue for each assigned partition while members come and
-- go. Kafka's own consumer is the judge of what is there.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local PARTITIONS, MESSAGES = 6, 6000

describe("Queues of Apache Kafka's partitions", function()
    local kafka = on_kafka { nodes = 1, settings = {
        ["group.consumer.min.heartbeat.interval.ms"] = 100, ["group.consumer.heartbeat.interval.ms"] = 200,
        ["group.initial.rebalance.delay.ms"] = 0,
    } }
    after_each(h.cleanup)

    local function filled()
        local topic = kafka:create_topic(h.topic("split"), PARTITIONS)
        local items = {}
        for i = 1, MESSAGES do items[i] = { value = tostring(i), partition = i % PARTITIONS } end
        h.fill(kafka.brokers, topic, items)
        return topic
    end

    -- Takes messages, each partition's from 0 on without a gap.
    local function ledger()
        local self = { next = {}, count = 0, values = {} }
        for partition = 0, PARTITIONS - 1 do self.next[partition], self.values[partition] = 0, {} end
        function self.take(message)
            assert.equal(self.next[message.partition], message.offset)
            self.next[message.partition], self.count = message.offset + 1, self.count + 1
            table.insert(self.values[message.partition], message.value)
        end
        return self
    end

    it("merge them without a group, each in its order", function()
        local topic, seen = filled(), ledger()
        local consumer = h.track(h.kafka.consumer { ["bootstrap.servers"] = kafka.brokers })
        local queue = consumer:queue()
        for partition = 0, PARTITIONS - 1 do assert(consumer:consume_start(topic, partition, "earliest", queue)) end
        h.wait_until(function()
            for _, message in ipairs(assert(queue:poll_batch(500, 1000))) do seen.take(message) end
            return seen.count == MESSAGES
        end, 30)
        local judged = {}
        for partition = 0, PARTITIONS - 1 do judged[partition] = {} end
        for _, record in ipairs(kafka:read_back(topic)) do table.insert(judged[record.partition], record.value) end
        assert.same(judged, seen.values)
        -- One that is stopped and started goes on where it is told to.
        assert(consumer:consume_stop(topic, 3))
        assert(consumer:consume_start(topic, 3, 990))
        local batch = {}
        h.wait_until(function()
            for _, message in ipairs(assert(consumer:consume_batch(topic, 3, 1000, 100))) do batch[#batch + 1] = message.offset end
            return #batch == 10
        end, 20)
        assert.same({ 990, 999 }, { batch[1], batch[10] })
        assert(consumer:close())
    end)

    for _, way in ipairs {
        { "eager", { ["partition.assignment.strategy"] = "range" } },
        { "cooperative", { ["partition.assignment.strategy"] = "cooperative-sticky" } },
        { "KIP-848", { ["group.protocol"] = "consumer" } },
    } do
        it("are one a partition for members that come and go, and nothing is lost or doubled: " .. way[1], function()
            local topic, group, seen = filled(), h.topic("group"), ledger()
            local function member()
                local self = { queues = {}, count = 0 }
                local conf = {
                    ["bootstrap.servers"] = kafka.brokers, ["group.id"] = group, topics = { topic }, ["auto.offset.reset"] = "earliest",
                    ["queued.max.messages.kbytes"] = 64,
                    on_assign = function(consumer, list)
                        for _, place in ipairs(list) do
                            self.queues[place.partition] = consumer:partition_queue(place.topic, place.partition)
                        end
                    end,
                    on_revoke = function(consumer, list)
                        assert(consumer:commit())
                        for _, place in ipairs(list) do self.queues[place.partition] = nil end
                    end,
                }
                for key, value in pairs(way[2]) do conf[key] = value end
                if not conf["group.protocol"] then conf["heartbeat.interval.ms"], conf["session.timeout.ms"] = 200, 6000 end
                self.consumer = h.track(h.kafka.consumer(conf))
                function self.work()
                    local message, err = self.consumer:poll(5)
                    assert.is_nil(message)
                    assert.is_nil(err)
                    for partition, queue in pairs(self.queues) do
                        for _, one in ipairs(assert(queue:poll_batch(3, 0))) do
                            assert.equal(partition, one.partition)
                            seen.take(one)
                            self.count = self.count + 1
                        end
                    end
                end
                return self
            end
            local first = member()
            h.wait_until(function()
                first.work()
                return seen.count >= 500
            end, 30)
            local second = member()
            h.wait_until(function()
                first.work()
                second.work()
                return second.count >= 300
            end, 30)
            assert.equal(3, #second.consumer:assignment())
            assert(second.consumer:close())
            h.wait_until(function()
                first.work()
                return seen.count == MESSAGES
            end, 40)
            assert.is_true(first.count > 3000)
            assert(first.consumer:close())
            local committed = kafka:committed(group, topic)
            for partition = 0, PARTITIONS - 1 do assert.equal(MESSAGES / PARTITIONS, committed[partition]) end
        end)
    end
end)
