-- Two processes in one consumer group share the partitions of a topic; when one leaves, the other takes over.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

local PARTITIONS = 4

-- Prints "partition value" for each message until the file named by the fourth argument is there; then leaves.
local MEMBER = [[
local kafka = require "kafka"
io.stdout:setvbuf "line"
local brokers, topic, group, leave, name, session_timeout = (unpack or table.unpack)(arg)
local consumer = kafka.consumer(brokers, { topic }, {
    ["group.id"] = group, ["client.id"] = name, ["session.timeout.ms"] = session_timeout,
}, { ["auto.offset.reset"] = "earliest" })
local function told_to_leave()
    local file = io.open(leave)
    if file then file:close() end
    return file
end
while not told_to_leave() do
    local value, _, partition, _, err = consumer:receive()
    if value then print(partition .. " " .. value) end
    if err then io.stderr:write(tostring(err), "\n") end
end
consumer:close()
print("left")
]]

-- How the group looks from the broker: its state and how many partitions each member (by client id) has.
local function shares(kafka, group)
    local found, count = {}, 0
    local seen = kafka:group(group)
    for _, member in ipairs(seen.members) do
        found[member.client] = #member.assigned
        count = count + 1
    end
    return seen.state, found, count
end

describe("a consumer group of two processes", function()
    local kafka = on_kafka { nodes = 1 }
    local leave_files = {}

    after_each(function()
        h.cleanup()
        for _, path in ipairs(leave_files) do os.remove(path) end
    end)

    local function member(topic, group, name, session_timeout)
        local leave = os.tmpname()
        os.remove(leave)
        leave_files[#leave_files + 1] = leave
        local process = h.start(MEMBER, { args = { kafka.brokers, topic, group, leave, name, session_timeout } })
        return {
            process = process,
            leave = function() assert(io.open(leave, "w")):close() end,
            seen = function()
                local out = process:output()
                local values, partitions = {}, {}
                for partition, value in out:gmatch("(%d+) (%S+)\n") do
                    values[#values + 1] = value
                    partitions[tonumber(partition)] = true
                end
                return values, partitions
            end,
        }
    end

    local function send(topic, from, to)
        local producer = h.kafka.producer(kafka.brokers)
        producer:create_topic(topic)
        for n = from, to do assert.equal(0, producer:send(topic, n % PARTITIONS, n, "m" .. n)) end
        assert(producer:flush(10000))
        producer:close()
    end

    it("splits the partitions, sees every message, and hands over without loss when one leaves", function()
        local topic, group = kafka:create_topic(h.topic("group"), PARTITIONS), h.topic("two")
        local a, b = member(topic, group, "a", 60000), member(topic, group, "b", 60000)
        h.wait_until(function()
            local state, share = shares(kafka, group)
            return state == "Stable" and share.a == 2 and share.b == 2
        end, 30, "two partitions for each member")

        send(topic, 1, 2000)
        h.wait_until(function() return #a.seen() + #b.seen() >= 2000 end, 30, "2,000 messages")
        local _, of_a = a.seen()
        local _, of_b = b.seen()
        for partition = 0, PARTITIONS - 1 do
            assert.is_true((of_a[partition] or false) ~= (of_b[partition] or false), "both or none read partition " .. partition)
        end
        assert.equal(1000, #a.seen())
        assert.equal(1000, #b.seen())

        local started = h.now()
        a.leave()
        assert.equal(0, (a.process:wait(10)))
        h.wait_until(function()
            local state, share, count = shares(kafka, group)
            return state == "Stable" and count == 1 and share.b == PARTITIONS
        end, 20, "b alone with all partitions")
        -- The session timeout is a minute: only a member that said goodbye is gone this soon.
        assert.is_true(h.now() - started < 12, "the hand-over took " .. h.now() - started .. " s")

        send(topic, 2001, 2400)
        h.wait_until(function() return #a.seen() + #b.seen() >= 2400 end, 30, "400 more messages")
        local times = {}
        for _, one in ipairs { a, b } do
            for _, value in ipairs((one.seen())) do times[value] = (times[value] or 0) + 1 end
        end
        for n = 1, 2400 do assert.equal(1, times["m" .. n], "times m" .. n .. " was seen") end
        b.leave()
        assert.equal(0, (b.process:wait(10)))
        local committed = 0
        for _, offset in pairs(kafka:committed(group, topic)) do committed = committed + offset end
        assert.equal(2400, committed)
    end)

    it("loses nothing when one of the two is killed by SIGKILL in the middle", function()
        local topic, group = kafka:create_topic(h.topic("group"), PARTITIONS), h.topic("killed")
        local a, b = member(topic, group, "a", 6000), member(topic, group, "b", 6000)
        h.wait_until(function()
            local state, share = shares(kafka, group)
            return state == "Stable" and share.a == 2 and share.b == 2
        end, 30, "two partitions for each member")
        send(topic, 1, 1000)
        h.wait_until(function() return #a.seen() > 0 end, 30, "the first message of a")
        a.process:kill("KILL")
        send(topic, 1001, 2000)
        local seen = {}
        h.wait_until(function()
            local count = 0
            seen = {}
            for _, one in ipairs { a, b } do
                for _, value in ipairs((one.seen())) do
                    if not seen[value] then count = count + 1 end
                    seen[value] = true
                end
            end
            return count == 2000
        end, 60, "every message, from one or the other")
        b.leave()
        assert.equal(0, (b.process:wait(10)))
    end)
end)
