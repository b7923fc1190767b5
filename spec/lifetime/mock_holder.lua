-- Child script: holds a mock cluster for other processes and counts what arrived in it. Commands on stdin, one a line:
--   topic NAME PARTITIONS         → "ok"
--   count NAME EXPECTED SECONDS   → one line "TAG MESSAGES DISTINCT" for each tag, then "."
-- A message is "TAG:NUMBER". Ends at end of file, so it never outlives the process that asked for it.
local kafka = require "kafka"
local uv = require "luv"

io.stdout:setvbuf "no"
local mock = kafka.mock_cluster { brokers = tonumber((...)) }
mock:set_group_delay(0)
local brokers = mock:bootstrap_servers()
print(brokers)

local marker = kafka.producer(brokers, { ["linger.ms"] = 0 })
local judges = {}

local function create(topic, partitions)
    mock:create_topic(topic, partitions)
    marker:create_topic(topic)
    local list = {}
    for partition = 0, partitions - 1 do list[#list + 1] = topic .. ":" .. partition end
    judges[topic] = {
        partitions = partitions,
        marks = 0,
        total = 0,
        tags = {},
        -- The mock holds an empty fetch for its whole wait, even when messages come meanwhile.
        consumer = kafka.consumer(brokers, list, {
            ["group.id"] = "judge",
            ["enable.auto.commit"] = false,
            ["fetch.wait.max.ms"] = 10,
        }, { ["auto.offset.reset"] = "earliest" }),
    }
end

local function take(judge, value)
    local tag = value:match("^(.*):%d+$")
    local entry = judge.tags[tag] or { messages = 0, distinct = 0, seen = {} }
    judge.tags[tag] = entry
    judge.total, entry.messages = judge.total + 1, entry.messages + 1
    if not entry.seen[value] then entry.distinct = entry.distinct + 1 end
    entry.seen[value] = true
end

-- Puts a mark behind all that is in the topic and reads up to it: nothing can be missed, no silence has to be waited
-- for.
local function read_up(topic, judge, deadline)
    judge.marks = judge.marks + 1
    local mark, left = "mark:" .. judge.marks, judge.partitions
    for partition = 0, judge.partitions - 1 do assert(marker:send(topic, partition, nil, mark) == 0) end
    assert(marker:flush(10000))
    while left > 0 do
        local value = judge.consumer:receive()
        if value == mark then
            left = left - 1
        elseif value then
            take(judge, value)
        else
            assert(uv.hrtime() < deadline + 10e9, "the mark did not come back")
        end
    end
end

local function count(topic, expected, seconds)
    local judge, deadline = judges[topic], uv.hrtime() + seconds * 1e9
    repeat
        read_up(topic, judge, deadline)
        local enough = judge.total >= expected
        if not enough then uv.sleep(20) end
    until enough or uv.hrtime() > deadline
    for tag, entry in pairs(judge.tags) do print(tag, entry.messages, entry.distinct) end
    print "."
end

for line in io.lines() do
    local words = {}
    for word in line:gmatch("%S+") do words[#words + 1] = word end
    if words[1] == "topic" then
        create(words[2], tonumber(words[3]))
        print "ok"
    else
        count(words[2], tonumber(words[3]), tonumber(words[4]))
    end
end
