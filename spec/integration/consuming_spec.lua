-- The modern consumer on real Kafka: a million messages within constant memory, bombs, transactions, a topic that is
-- made again, brokers that are away.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

-- Writes and reads a million messages, 2,000 at a time, by one call; prints how the process and the Lua heap grew
-- after the first tenth. It is measured when all that was written is read, and the allocator is told to give back what
-- it does not need: what librdkafka fetches ahead comes and goes otherwise.
local MILLION = [[
local kafka = require "kafka"
local brokers, topic, call, total = arg[1], arg[2], arg[3], tonumber(arg[4])
local PAGE, ROUND = 4096, 2000
local function resident()
    local file = assert(io.open("/proc/self/statm"))
    local pages = file:read("*l"):match("^%d+ (%d+)")
    file:close()
    return tonumber(pages) * PAGE
end
local function heap()
    collectgarbage()
    collectgarbage()
    return collectgarbage("count") * 1024
end
local producer = kafka.producer(brokers, { ["linger.ms"] = 1, acks = 1 })
local consumer = kafka.consumer {
    ["bootstrap.servers"] = brokers, ["group.id"] = topic .. call, topics = { topic .. ":0" }, ["auto.offset.reset"] = "latest",
    ["fetch.wait.max.ms"] = 10, ["enable.partition.eof"] = true,
}
repeat
    local message = consumer:poll()
until message and message.eof
local calls = {
    poll = function()
        local message = consumer:poll()
        return message and not message.eof and 1 or 0
    end,
    poll_batch = function()
        local count = 0
        for _, message in ipairs(consumer:poll_batch(1000)) do count = count + (message.eof and 0 or 1) end
        return count
    end,
    receive_batch = function() return (consumer:receive_batch(1000)) end,
}
local one, value, seen, grown_from, heap_from = calls[call], ("x"):rep(100), 0, nil, nil
while seen < total do
    for _ = 1, ROUND do producer:produce(topic, value, nil, { partition = 0 }) end
    local wanted = seen + ROUND
    while seen < wanted do
        seen = seen + one()
        producer:poll(0)
    end
    if not grown_from and seen >= total / 10 then heap_from, grown_from = heap(), resident() end
end
local heap_grown = heap() - heap_from
print(seen, resident() - grown_from, heap_grown)
consumer:close()
]]
local FRUGAL = {
    GLIBC_TUNABLES = "glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=16384:glibc.malloc.trim_threshold=16384:glibc.malloc.top_pad=0",
}

describe("the modern consumer on Apache Kafka", function()
    local kafka = on_kafka { nodes = 1, settings = { ["message.max.bytes"] = 2000000 } }
    after_each(h.cleanup)

    local function consumer(options)
        options["bootstrap.servers"] = kafka.brokers
        options["group.id"] = options["group.id"] or h.topic "group"
        options["auto.offset.reset"] = options["auto.offset.reset"] or "earliest"
        return h.track(h.kafka.consumer(options))
    end

    local function poll(c, seconds)
        local deadline = h.now() + (seconds or 20)
        while h.now() < deadline do
            local message, err = c:poll(200)
            assert.is_nil(err)
            if message then return message end
        end
        error("nothing came in time", 2)
    end

    it("reads a million messages by each call within constant memory", function()
        local TOTAL = 1000000
        for _, call in ipairs { "poll", "poll_batch", "receive_batch" } do
            local topic = kafka:create_topic(h.topic "million", 1)
            local child = h.run(MILLION, { args = { kafka.brokers, topic, call, tostring(TOTAL) }, env = FRUGAL, timeout = 120 })
            local seen, grown, heap = child.out:match "^(%d+)%s+(%-?[%d.]+)%s+(%-?[%d.]+)"
            assert.are.equal(TOTAL, tonumber(seen), call .. ": " .. child.out .. child.err)
            assert.is_true(tonumber(grown) <= 1048576, ("%s: the process grew by %s bytes"):format(call, grown))
            assert.is_true(tonumber(heap) <= 65536, ("%s: the Lua heap grew by %s bytes"):format(call, heap))
            print(("    %s: process %+.0f KiB, Lua heap %+.0f KiB"):format(call, tonumber(grown) / 1024, tonumber(heap) / 1024))
        end
    end)

    it("survives bombs of every codec: batches that are small on the wire and large in memory", function()
        local SIZE, topic = 30000000, kafka:create_topic(h.topic "bombs", 4)
        local codecs = { "gzip", "snappy", "lz4", "zstd" }
        for partition, codec in ipairs(codecs) do
            local producer = h.kafka.producer(kafka.brokers, {
                ["compression.codec"] = codec, ["message.max.bytes"] = 64000000, ["queue.buffering.max.kbytes"] = 200000,
            })
            assert(producer:produce(topic, ("\0"):rep(SIZE), codec, { partition = partition - 1 }))
            assert(producer:flush(30000))
            assert(producer:produce(topic, "after", codec, { partition = partition - 1 }))
            assert(producer:flush(30000))
            producer:close()
        end
        local c = consumer { topics = { topic }, ["receive.message.max.bytes"] = 100000000 }
        local sizes, after = {}, 0
        while after < 4 do
            local message = poll(c, 60)
            if message.value == "after" then
                after = after + 1
            else
                sizes[message.key] = #message.value
                assert.is_nil(message.value:find("[^%z]"))
            end
        end
        for _, codec in ipairs(codecs) do assert.are.equal(SIZE, sizes[codec], codec) end
        c:close()
        -- What is over the consumer's own limit is a message or an error with its place, and never the end of the process.
        c = consumer {
            topics = { topic }, ["receive.message.max.bytes"] = 4000000, ["fetch.max.bytes"] = 2000000, ["fetch.message.max.bytes"] = 1000000,
        }
        local went_on, places = 0, {}
        local deadline = h.now() + 10
        while h.now() < deadline and went_on + #places < 4 do
            local message, err = c:poll(100)
            if message and message.value == "after" then went_on = went_on + 1 end
            if err and err.name == "_BAD_COMPRESSION" then
                assert.truthy(err.message:find("^" .. topic:gsub("%-", "%%-") .. " %[%d%] at offset 0: "), err.message)
                places[#places + 1] = err.message
            end
        end
        assert.are.equal(4, went_on + #places)
        assert.is_true(#places > 0)
        assert.is_true(c:close())
    end)

    it("hands out what any program may have written: headers of any bytes, in order and repeated, nil apart from empty", function()
        local topic, many = kafka:create_topic(h.topic "poison", 1), {}
        for i = 1, 10000 do many[i] = { "\255\254", i % 2 == 0 and "\0" .. i or nil } end
        local written = {
            { value = "v", key = "k", partition = 0, headers = many },
            { value = "", key = "", partition = 0, headers = { { "", "" }, { "caf\233", "\237\160\128" }, { "", nil } } },
            { partition = 0 },
            { value = "healthy", partition = 0 },
        }
        h.fill(kafka.brokers, topic, written)
        local c = consumer { topics = { topic } }
        for _, record in ipairs(written) do
            local message = poll(c)
            assert.are.same({ record.value, record.key, record.headers }, { message.value, message.key, message.headers })
        end
    end)

    it("sees committed data only, or all, as isolation.level says", function()
        local topic = kafka:create_topic(h.topic "transactions", 1)
        local producer = h.track(h.kafka.producer {
            ["bootstrap.servers"] = kafka.brokers, ["transactional.id"] = h.topic "id",
        })
        assert(producer:init_transactions(20000))
        for round = 1, 6 do
            assert(producer:begin_transaction())
            for i = 1, 50 do assert(producer:produce(topic, (round % 2 == 0 and "aborted " or "committed ") .. round .. "." .. i)) end
            assert(producer:flush(20000))
            if round % 2 == 0 then assert(producer:abort_transaction(20000)) else assert(producer:commit_transaction(20000)) end
        end
        local function read(level)
            local c = consumer { topics = { topic }, ["isolation.level"] = level, ["enable.partition.eof"] = true }
            local committed, aborted = 0, 0
            while true do
                local message = poll(c)
                if message.eof then break end
                if message.value:find "^committed" then committed = committed + 1 else aborted = aborted + 1 end
            end
            c:close()
            return committed, aborted
        end
        assert.are.same({ 150, 0 }, { read "read_committed" })
        assert.are.same({ 150, 150 }, { read "read_uncommitted" })
    end)

    for name, protocol in pairs { classic = "classic", ["KIP-848"] = "consumer" } do
        it("goes on when its topic is deleted and made again: an error or a revoke, then messages (" .. name .. ")", function()
            local topic, told = kafka:create_topic(h.topic "again", 2), 0
            local function tell() told = told + 1 end
            local function fill(text)
                local values = {}
                for i = 1, 20 do values[i] = { value = text .. i, partition = i % 2 } end
                h.fill(kafka.brokers, topic, values)
            end
            fill "first "
            local c = consumer {
                topics = { topic }, ["topic.metadata.refresh.interval.ms"] = 500, ["metadata.max.age.ms"] = 1000,
                -- Offsets go by name: those of the old partitions, committed late, would be the new ones' end.
                ["enable.auto.commit"] = false,
                ["group.protocol"] = protocol, on_error = tell, on_revoke = tell,
            }
            for _ = 1, 20 do assert.truthy(poll(c).value:find "^first ") end
            kafka:delete_topic(topic)
            local deadline = h.now() + 15
            while told == 0 and h.now() < deadline do
                assert.is_nil((c:poll(100)))
            end
            assert.is_true(told > 0)
            kafka:create_topic(topic, 2)
            fill "second "
            local seen, count = {}, 0
            deadline = h.now() + 30
            while count < 20 and h.now() < deadline do
                local message = c:poll(200)
                if message and message.value:find "^second " and not seen[message.value] then
                    seen[message.value], count = true, count + 1
                end
            end
            assert.are.equal(20, count)
        end)
    end

    kafka.ours_to("kill its brokers")("lives through all brokers being away: events only, and flow within 5 s when they are back", function()
        require("spec.support.brokers_away")(kafka, h, 6)
    end)
end)
