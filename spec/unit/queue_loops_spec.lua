-- What ends a loop over a queue, and what a batch with a function does with an error behind its messages.
local h = require "spec.helper"
local kafka = h.kafka

describe("a loop over a queue", function()
    after_each(h.cleanup)
    local mock

    before_each(function()
        mock = h.mock { topics = { t = 1, u = 1 } }
        for _, topic in ipairs { "t", "u" } do
            local values = {}
            for i = 1, 10 do values[i] = { value = "v" .. i, partition = 0 } end
            h.fill(mock:bootstrap_servers(), topic, values)
        end
    end)

    local function queue_of(conf, topic)
        conf["bootstrap.servers"] = mock:bootstrap_servers()
        local consumer = h.track(kafka.consumer(conf))
        local queue = consumer:queue()
        assert(consumer:consume_start(topic or "t", 0, "earliest", queue))
        return queue, consumer
    end

    local ways = {
        ["without a group"] = {},
        ["that stores at hand-over"] = { ["group.id"] = "g", ["enable.auto.offset.store"] = true },
        ["that stores what is done"] = { ["group.id"] = "g" },
    }
    for name, conf in pairs(ways) do
        it("ends by cancel of a message of a consumer " .. name, function()
            local queue = queue_of(conf)
            local count = 0
            for message in queue:messages { timeout = 5000 } do
                count = count + 1
                if count == 3 then message:cancel() end
            end
            assert.are.equal(3, count)
            assert.are.equal(3, h.next_message(queue).offset)
        end)
    end

    it("does not end by a message that was cancelled before it began", function()
        local queue = queue_of { ["group.id"] = "g" }
        h.next_message(queue):cancel()
        local count = 0
        for _ in queue:messages { limit = 5, timeout = 10000 } do count = count + 1 end
        assert.are.equal(5, count)
    end)

    it("ends with the loop in its body when that is cancelled, and no other queue's does", function()
        local queue, consumer = queue_of {}
        local other = consumer:queue()
        assert(consumer:consume_start("u", 0, "earliest", other))
        local outer, inner, beside = 0, 0, 0
        for _ in other:messages { limit = 4, timeout = 10000 } do
            beside = beside + 1
            if beside == 1 then
                for _ in queue:messages { timeout = 10000 } do
                    outer = outer + 1
                    for message in queue:messages { timeout = 10000 } do
                        inner = inner + 1
                        if inner == 2 then message:cancel() end
                    end
                end
            end
        end
        assert.are.same({ 4, 1, 2 }, { beside, outer, inner })
    end)
end)

describe("consume_batch with a function, and consume_callback,", function()
    after_each(h.cleanup)

    for _, name in ipairs { "consume_batch", "consume_callback", "consume_one" } do
        it("tell an error behind the messages by the next call: " .. name, function()
            local mock = h.mock { topics = { t = 1 } }
            local values = {}
            for i = 1, 5 do values[i] = { value = "v" .. i, partition = 0 } end
            h.fill(mock:bootstrap_servers(), "t", values)
            local consumer = h.track(kafka.consumer {
                ["bootstrap.servers"] = mock:bootstrap_servers(), ["auto.offset.reset"] = "error", ["fetch.wait.max.ms"] = 10,
                ["statistics.interval.ms"] = 50,
            })
            assert(consumer:consume_start("t", 0, "earliest"))
            assert.are.equal(0, h.wait_until(function() return consumer:consume_one("t", 0, 100) end).offset)
            -- The other four are local; the error goes behind them. Another queue serves the client, and takes none of them.
            local beside = consumer:queue()
            local function fetching()
                assert.is_nil(beside:poll(20))
                local stats = consumer:stats()
                local topic = stats and stats.topics.t
                return topic and topic.partitions["0"].fetch_state
            end
            h.wait_until(function() return fetching() == "active" end, 20, "fetching")
            -- librdkafka makes the end of the partition of the first answer there, whatever its error.
            mock:push_errors("Fetch", { "OFFSET_OUT_OF_RANGE", "OFFSET_OUT_OF_RANGE" })
            h.wait_until(function() return fetching() == "none" end, 20, "the end of fetching")
            local count = 0
            local function keep() count = count + 1 end
            assert.are.equal(4, consumer:consume_batch("t", 0, 1000, 100, keep))
            assert.are.equal(4, count)
            local result, err
            if name == "consume_batch" then
                result, err = consumer:consume_batch("t", 0, 1000, 100, keep)
            elseif name == "consume_callback" then
                result, err = consumer:consume_callback("t", 0, 1000, keep)
            else
                result, err = consumer:consume_one("t", 0, 1000)
            end
            assert.is_nil(result)
            assert.are.equal("_AUTO_OFFSET_RESET", err.name)
            assert.are.equal(0, consumer:consume_batch("t", 0, 0, 100, keep))
        end)
    end
end)
