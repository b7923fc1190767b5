-- kafka.read on Apache Kafka: windows of compacted, transactional and timed topics, and pages. Kafka's own consumer is the
-- judge of what is there.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local END = "that was all"

describe("A reader of Apache Kafka", function()
    local kafka = on_kafka { nodes = 1, settings = {
        ["log.cleaner.backoff.ms"] = 200, ["log.initial.task.delay.ms"] = 200, ["quota.window.num"] = 2,
    } }
    after_each(h.cleanup)

    local function read(topic, options)
        local all = { ["bootstrap.servers"] = kafka.brokers, topic = topic, timeout = 20000 }
        for key, value in pairs(options or {}) do all[key] = value end
        return h.kafka.read(all)
    end

    local function kafka_end(topic)
        local _, high = assert(h.track(h.kafka.consumer { ["bootstrap.servers"] = kafka.brokers }):watermarks(topic, 0))
        return high
    end

    -- What a reader gives, and what Kafka's consumer says, in one form: "partition offset key value".
    local function line(record)
        return ("%d %d %s %s"):format(record.partition, record.offset, tostring(record.key), tostring(record.value))
    end

    local function lines_of(reader, into)
        local lines, at = into or {}, {}
        assert(reader:each(function(message)
            assert.is_true(message.offset > (at[message.partition] or -1))
            at[message.partition] = message.offset
            lines[#lines + 1] = line(message)
        end))
        return lines
    end

    local function sorted(lines)
        table.sort(lines)
        return lines
    end

    local function told(records, wanted)
        local lines = {}
        for _, record in ipairs(records) do
            if not wanted or wanted(record) then lines[#lines + 1] = line(record) end
        end
        return sorted(lines)
    end

    it("finds a window by time, and pages through all of a topic without losing or repeating a message", function()
        local topic, begin = kafka:create_topic(h.topic("timed"), 3), 1700000000000
        local producer = h.track(h.kafka.producer { ["bootstrap.servers"] = kafka.brokers })
        for i = 0, 2999 do
            assert(producer:produce(topic, ("v"):rep(i % 50) .. i, "k" .. i % 11, { partition = i % 3, timestamp = begin + i * 1000 }))
        end
        assert(producer:flush(20000))
        local records = kafka:read_back(topic)
        assert.equal(3000, #records)
        local from, to = begin + 700500, begin + 1900000
        assert.same(told(records, function(record) return record.timestamp >= from and record.timestamp < to end),
            sorted(lines_of(read(topic, { from = { time = from }, to = { time = to } }))))
        assert.same({}, lines_of(read(topic, { from = { time = begin + 10 ^ 9 } })))
        for _, bound in ipairs { { limit = 170 }, { max_bytes = 5000 } } do
            local lines, pages, reader = {}, 0, read(topic, bound)
            while reader do
                lines_of(reader, lines)
                pages = pages + 1
                local request = reader:next_request()
                reader = request and h.kafka.read(request)
            end
            assert.same(told(records), sorted(lines))
            assert.is_true(pages >= 15)
        end
    end)

    it("hands out what is committed, or all, and ends past what was aborted", function()
        local topic = kafka:create_topic(h.topic("aborted"), 2)
        local producer = h.track(h.kafka.producer { ["bootstrap.servers"] = kafka.brokers, ["transactional.id"] = topic })
        assert(producer:init_transactions(20000))
        local written = {}
        for round = 1, 6 do
            assert(producer:begin_transaction())
            for i = 1, 100 do
                assert(producer:produce(topic, round .. ":" .. i, nil, { partition = i % 2 }))
                written[#written + 1] = ("%d %d:%d"):format(i % 2, round, i)
            end
            -- What is not written yet would not be there to be aborted.
            assert(producer:flush(20000))
            if round % 2 == 1 then assert(producer:commit_transaction(20000)) else assert(producer:abort_transaction(20000)) end
        end
        local committed, all = sorted(lines_of(read(topic))), sorted(lines_of(read(topic, { ["isolation.level"] = "read_uncommitted" })))
        assert.equal(300, #committed)
        assert.equal(600, #all)
        local values = {}
        for i, one in ipairs(all) do values[i] = one:gsub("^(%d+) %d+ nil ", "%1 ") end
        assert.same(sorted(written), sorted(values))
        -- A part of the last transaction alone: there is nothing to hand out, and the reader ends all the same.
        assert.same({}, lines_of(read(topic, { from = kafka_end(topic) - 20 })))
        h.fill(kafka.brokers, topic, { { value = END, partition = 0 }, { value = END, partition = 1 } })
        assert.same(told(kafka:read_committed(topic, END)), committed)
        -- A transaction that is open ends the window of those who read what is committed.
        assert(producer:begin_transaction())
        assert(producer:produce(topic, "open", nil, { partition = 0 }))
        assert(producer:flush(20000))
        assert.equal(302, #lines_of(read(topic)))
        assert.equal(603, #lines_of(read(topic, { ["isolation.level"] = "read_uncommitted" })))
        assert(producer:abort_transaction(20000))
    end)

    kafka.ours_to("set quotas")("goes on for longer than its timeout while it gets past what was aborted", function()
        local topic, name = kafka:create_topic(h.topic("aborted"), 1), h.topic("slow")
        local producer = h.track(h.kafka.producer {
            ["bootstrap.servers"] = kafka.brokers, ["transactional.id"] = topic, ["batch.num.messages"] = 2,
        })
        assert(producer:init_transactions(20000))
        assert(producer:begin_transaction())
        for _ = 1, 120 do assert(producer:produce(topic, ("x"):rep(10000), nil, { partition = 0 })) end
        assert(producer:flush(20000))
        assert(producer:abort_transaction(20000))
        h.fill(kafka.brokers, topic, { { value = END, partition = 0 } })
        -- Two batches go through each second or two.
        kafka:limit(name, "consumer_byte_rate=200000")
        local start, timeout = h.now(), 6000
        local lines = lines_of(read(topic, { ["client.id"] = name, timeout = timeout, ["fetch.message.max.bytes"] = 40000 }))
        assert.equal(1, #lines)
        assert.matches(END, lines[1])
        assert.is_true(h.now() - start > timeout / 1000, "the quota did not slow it down")
    end)

    it("ends in compacted partitions, whatever is left of them", function()
        local topic = kafka:create_topic(h.topic("compacted"), 2, {
            ["cleanup.policy"] = "compact", ["segment.ms"] = 200, ["min.cleanable.dirty.ratio"] = 0.01, ["delete.retention.ms"] = 0,
        })
        local function write(first, last)
            local items = {}
            for i = first, last do items[#items + 1] = { value = "v" .. i, key = "k" .. i % 5, partition = i % 2 } end
            h.fill(kafka.brokers, topic, items)
        end
        write(1, 500)
        -- A segment is closed by a write after its time, and only then cleaned.
        local count
        h.wait_until(function()
            h.sleep(0.3)
            write(501, 502)
            count = #lines_of(read(topic))
            return count < 100
        end, 60, "the cleaner")
        assert.is_true(kafka_end(topic) > 2 * count)
        -- The cleaner may be at work between one look and the other.
        h.fill(kafka.brokers, topic, { { value = END, key = "end", partition = 0 }, { value = END, key = "end", partition = 1 } })
        h.wait_until(function()
            local before = {}
            for _, one in ipairs(sorted(lines_of(read(topic)))) do
                if not one:find(END, 1, true) then before[#before + 1] = one end
            end
            return table.concat(before, "\n") == table.concat(told(kafka:read_committed(topic, END)), "\n")
        end, 60, "the judge's agreement")
        -- From a place where nothing is left, to another.
        assert.same({}, lines_of(read(topic, { from = 10, to = 20 })))
    end)
end)
