-- The main job: a real file, line by line, through four partitions and back.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local PATH, PARTITIONS = "examples/data/harbour.log", 4

local function lines_of(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    local lines = {}
    for line in text:gmatch("[^\n]*\n?") do
        if line ~= "" then lines[#lines + 1] = line end -- with its newline, so that the last one may have none
    end
    return lines, text
end

-- Line n went to partition (n - 1) % PARTITIONS, so it is the next of that partition.
local function reassemble(by_partition, count)
    local lines = {}
    for n = 1, count do
        lines[n] = by_partition[(n - 1) % PARTITIONS][math.floor((n - 1) / PARTITIONS) + 1]
    end
    return table.concat(lines)
end

local function by_partition(records)
    local found = {}
    for partition = 0, PARTITIONS - 1 do found[partition] = {} end
    for _, record in ipairs(records) do table.insert(found[record.partition], record.value) end
    return found
end

describe("a file that is sent line by line through four partitions", function()
    local kafka = on_kafka { nodes = 1 }
    local topic, lines, text, reported, failed
    after_each(h.cleanup)

    setup(function()
        lines, text = lines_of(PATH)
        topic = kafka:create_topic(h.topic("file"), PARTITIONS)
        reported, failed = {}, 0
        local producer = h.kafka.producer(kafka.brokers, {
            on_delivery = function(err, report)
                if err then failed = failed + 1 end
                reported[report.sequence_id] = (reported[report.sequence_id] or 0) + 1
            end,
        })
        producer:create_topic(topic)
        for n, line in ipairs(lines) do
            assert.equal(0, producer:send(topic, (n - 1) % PARTITIONS, n, line))
            if n % 100 == 0 then producer:poll() end
        end
        assert(producer:flush(30000))
        producer:close()
    end)

    it("has every line reported once, and none failed", function()
        assert.equal(0, failed)
        assert.is_true(#lines >= 1000)
        for n = 1, #lines do assert.equal(1, reported[n], "reports of line " .. n) end
    end)

    it("comes back byte-equal from a consumer in another process", function()
        local result = h.run([[
            local kafka = require "kafka"
            local consumer = kafka.consumer(arg[1], { arg[2] }, { ["group.id"] = arg[2], ["auto.offset.reset"] = "earliest" })
            for _ = 1, tonumber(arg[3]) do
                local line, _, partition
                repeat line, _, partition = consumer:receive() until line
                io.write(partition, " ", #line, "\n", line)
            end
            consumer:close()
        ]], { args = { kafka.brokers, topic, #lines }, timeout = 60 })
        assert.equal(0, result.status, result.err)
        local records, at = {}, 1
        while at <= #result.out do
            local _, stop, partition, length = result.out:find("^(%d+) (%d+)\n", at)
            at = stop + 1 + length
            records[#records + 1] = { partition = tonumber(partition), value = result.out:sub(stop + 1, at - 1) }
        end
        assert.equal(#lines, #records)
        assert.is_true(reassemble(by_partition(records), #lines) == text, "the file differs")
    end)

    it("stands byte-equal in Kafka, as its own console consumer reads it", function()
        local records = kafka:read_back(topic)
        assert.equal(#lines, #records)
        assert.is_true(reassemble(by_partition(records), #lines) == text, "the file differs")
    end)
end)
