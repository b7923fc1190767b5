-- A group of three processes whose members are killed in the middle of a handler, and one of whose brokers is restarted:
-- nothing is missed, and what comes twice is exactly what was not committed. Members that stop orderly repeat nothing.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local PARTITIONS, MESSAGES, KILLS = 12, 100000, 3

-- Prints "A partition committed" for what it is assigned, "H partition offset value" for each message it begins to handle,
-- and "S" when it is stuck in the handler of message number `stop`. Leaves at end of input, or at `stop` if told to "leave".
local MEMBER = [[
local kafka = require "kafka"
local brokers, topic, group, protocol, stop, way = (unpack or table.unpack)(arg)
stop = tonumber(stop)
local conf = {
    ["bootstrap.servers"] = brokers, ["group.id"] = group, ["group.protocol"] = protocol, ["auto.offset.reset"] = "earliest",
    topics = { topic }, on_error = function(err) io.stderr:write(tostring(err), "\n") end,
    on_assign = function(consumer, partitions)
        local committed = {}
        while #partitions > 0 do
            local list, err = consumer:committed(partitions)
            if list then committed = list break end
            io.stderr:write(tostring(err), "\n")
        end
        for _, p in ipairs(committed) do io.write("A ", p.partition, " ", p.offset or 0, "\n") end
        io.flush()
    end,
}
if protocol == "classic" then conf["session.timeout.ms"] = 6000 end
local consumer = kafka.consumer(conf)
local handled = 0
while true do
    local message = consumer:poll(100)
    if message then
        handled = handled + 1
        io.write(("H %d %d %s\n"):format(message.partition, message.offset, message.value))
        if handled == stop then
            if way == "leave" then break end
            io.write("S\n")
            io.flush()
            io.read() -- until it is killed
        end
    end
    if handled % 100 == 0 or not message then io.flush() end
    if way == "stay" and not message then
        local file = io.open(arg[7])
        if file then file:close() break end
    end
end
assert(consumer:close(30000))
io.write("L\n")
io.flush()
]]

describe("a group of three processes over 12 partitions", function()
    local kafka = on_kafka {
        nodes = 3,
        settings = { ["group.consumer.session.timeout.ms"] = 6000, ["group.consumer.min.session.timeout.ms"] = 1000 },
    }
    local ends = {}

    after_each(function()
        h.cleanup()
        for _, path in ipairs(ends) do os.remove(path) end
    end)

    local function filled(count)
        local topic = kafka:create_topic(h.topic("storm"), PARTITIONS)
        local producer = h.kafka.producer(kafka.brokers)
        for n = 1, count do
            while not producer:produce(topic, "v" .. n, nil, { partition = n % PARTITIONS }) do producer:poll(10) end
        end
        assert(producer:flush(60000))
        producer:close()
        return topic
    end

    -- Reads what a life printed since the last look.
    local function look(life)
        local text = life.process:output()
        local last = text:match(".*()\n") or 0
        local new = text:sub(life.read + 1, last)
        life.read = math.max(life.read, last)
        for line in new:gmatch("[^\n]+") do
            local kind, partition, offset, value = line:match("^(%a) ?(%d*) ?(%d*) ?(%S*)$")
            partition, offset = tonumber(partition), tonumber(offset)
            if kind == "A" then
                life.at[partition] = offset
            elseif kind == "H" then
                -- From what was committed when the partition came, and then one by one.
                assert(life.at[partition] == offset, ("partition %d: offset %d was handed out where %s was due")
                    :format(partition, offset, tostring(life.at[partition])))
                life.at[partition] = offset + 1
                life.handled(partition, offset, value)
            elseif kind == "S" then
                life.stuck = true
            end
        end
    end

    local function start(topic, group, protocol, stop, way, finish, handled)
        local process = h.start(MEMBER, { args = { kafka.brokers, topic, group, protocol, tostring(stop), way, finish } })
        return { process = process, read = 0, at = {}, handled = handled }
    end

    local function finish_file()
        local path = os.tmpname()
        os.remove(path)
        ends[#ends + 1] = path
        return path
    end

    local function tally()
        local seen, found, repeated = {}, 0, 0
        return function(partition, offset, value)
            seen[partition] = seen[partition] or {}
            if seen[partition][offset] then repeated = repeated + 1 else found = found + 1 end
            seen[partition][offset] = value
        end, function() return found, repeated, seen end
    end

    local function judge(topic, count, seen)
        local records = kafka:read_back(topic)
        assert.equal(count, #records)
        for _, record in ipairs(records) do
            local value = (seen[record.partition] or {})[record.offset]
            if value ~= record.value then
                error(("partition %d offset %d holds %s, handled was %s"):format(record.partition, record.offset, record.value, tostring(value)))
            end
        end
    end

    local function storm(protocol)
        local topic, group, finish = filled(MESSAGES), h.topic("group"), finish_file()
        local note, result = tally()
        local members, kills, restarted = {}, 0, false
        local function begin(n)
            local member = members[n] or { lives = 0 }
            member.lives = member.lives + 1
            local dies = member.lives <= KILLS
            member.life = start(topic, group, protocol, dies and 2000 + 500 * n or -1, dies and "stick" or "stay", finish, note)
            members[n] = member
        end
        for n = 1, 3 do begin(n) end
        h.wait_until(function()
            for n = 1, 3 do
                local member = members[n]
                look(member.life)
                if member.life.stuck then
                    member.life.process:kill("KILL")
                    local _, signal = member.life.process:wait(10)
                    assert.equal(9, signal)
                    look(member.life)
                    kills = kills + 1
                    begin(n)
                    if kills == 4 then
                        kafka:terminate(2)
                        kafka:restart(2)
                        restarted = true
                    end
                end
            end
            h.sleep(0.1)
            return kills == 3 * KILLS and (result()) == MESSAGES
        end, 140, "all messages, through all kills")
        assert(io.open(finish, "w")):close()
        for n = 1, 3 do
            assert.equal(0, (members[n].life.process:wait(40)))
            look(members[n].life)
        end
        local found, repeated, seen = result()
        assert.same({ MESSAGES, 9, true }, { found, kills, restarted })
        -- The handlers that were killed at least.
        assert.is_true(repeated >= 9)
        judge(topic, MESSAGES, seen)
        local committed = 0
        for _, offset in pairs(kafka:committed(group, topic)) do committed = committed + offset end
        assert.equal(MESSAGES, committed)
    end

    kafka.ours_to("restart brokers")("misses nothing when each is killed three times and a broker is restarted (classic)", function()
        storm "classic"
    end)

    if h.is_jit then
        kafka.ours_to("restart brokers")("misses nothing when each is killed three times and a broker is restarted (KIP-848)", function()
            storm "consumer"
        end)
    end

    for name, protocol in pairs { classic = "classic", ["KIP-848"] = "consumer" } do
        it("repeats nothing when members stop in the middle and others take over (" .. name .. ")", function()
            local count = 20000
            local topic, group, finish = filled(count), h.topic("clean"), finish_file()
            local note, result = tally()
            local lives = {}
            for n = 1, 3 do lives[n] = start(topic, group, protocol, 1000 * n, "leave", finish, note) end
            local replaced = 0
            h.wait_until(function()
                for n = 1, 3 do
                    look(lives[n])
                    if replaced < 3 and lives[n].process:wait(0) == 0 and not lives[n].replaced then
                        look(lives[n])
                        replaced = replaced + 1
                        lives[n] = start(topic, group, protocol, -1, "stay", finish, note)
                        lives[n].replaced = true
                    end
                end
                h.sleep(0.1)
                return replaced == 3 and (result()) == count
            end, 90, "all messages, through all hand-overs")
            assert(io.open(finish, "w")):close()
            for n = 1, 3 do
                assert.equal(0, (lives[n].process:wait(40)))
                look(lives[n])
            end
            local found, repeated = result()
            assert.same({ count, 0 }, { found, repeated })
        end)
    end
end)
