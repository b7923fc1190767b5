-- A member with a name of its own (group.instance.id) that is stopped, or killed, and comes back.
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

-- Prints "A partitions" for what it is assigned, "H partition value" for each message it has handled, "S partition offset"
-- when it is stuck in the handler of message number `stop`, and "E name" for a fatal error, which ends it.
local MEMBER = [[
local kafka = require "kafka"
io.stdout:setvbuf "line"
local brokers, topic, group, protocol, stop = (unpack or table.unpack)(arg)
local handled = 0
local consumer = kafka.consumer {
    ["bootstrap.servers"] = brokers, ["group.id"] = group, ["group.protocol"] = protocol, ["group.instance.id"] = "first",
    ["auto.offset.reset"] = "earliest", ["auto.commit.interval.ms"] = 100, topics = { topic },
    on_assign = function(_, partitions)
        local found = {}
        for _, place in ipairs(partitions) do found[#found + 1] = place.partition end
        table.sort(found)
        print("A " .. table.concat(found, " "))
    end,
}
while true do
    local message, err = consumer:poll(100)
    if message then
        handled = handled + 1
        if handled == tonumber(stop) then
            print(("S %d %d"):format(message.partition, message.offset))
            io.read() -- until it is killed
        end
        print(("H %d %s"):format(message.partition, message.value))
    elseif err and err.fatal then
        print("E " .. err.name)
        break
    end
end
]]

describe("a static member", function()
    local kafka = on_kafka {
        nodes = 1, -- sessions and heartbeats of KIP-848 are the brokers' to choose
        settings = {
            ["group.consumer.session.timeout.ms"] = 8000, ["group.consumer.min.session.timeout.ms"] = 1000,
            ["group.consumer.heartbeat.interval.ms"] = 300, ["group.consumer.min.heartbeat.interval.ms"] = 100,
        },
    }
    local topic, group
    after_each(h.cleanup)
    before_each(function() topic, group = kafka:create_topic(h.topic("static"), 4), h.topic("group") end)

    local function join(protocol, name, on_change)
        local conf = {
            ["bootstrap.servers"] = kafka.brokers, ["group.id"] = group, ["group.protocol"] = protocol, ["group.instance.id"] = name,
            ["auto.offset.reset"] = "earliest", topics = { topic }, on_assign = on_change, on_revoke = on_change,
        }
        if protocol == "classic" then conf["heartbeat.interval.ms"] = 300 end
        return h.track(h.kafka.consumer(conf))
    end

    local function places(consumer)
        local found = {}
        for _, place in ipairs(consumer:assignment()) do found[#found + 1] = place.partition end
        table.sort(found)
        return found
    end

    -- After that a rebalance would be known.
    local function five_heartbeats(serve)
        local stop = h.now() + 1.5
        while h.now() < stop do serve() end
    end

    -- Two members; the first leaves and comes back. → its partitions before and after, what the other one's callbacks
    -- were told meanwhile, and by how many generations the group moved.
    local function come_back(protocol, named)
        local told = 0
        local function serve(first, second)
            assert(not first:poll(20))
            assert(not second:poll(20))
            return #first:assignment() == 2 and #second:assignment() == 2
        end
        local second = join(protocol, named and "second" or nil, function() told = told + 1 end)
        local first = join(protocol, named and "first" or nil)
        h.wait_until(function() return serve(first, second) end, 30, "both have their share")
        local before, generation = places(first), second:group_metadata().generation_id
        told = 0
        assert(first:close())
        first = join(protocol, named and "first" or nil)
        h.wait_until(function() return serve(first, second) end, 30, "both have their share again")
        five_heartbeats(function() serve(first, second) end)
        return before, places(first), told, second:group_metadata().generation_id - generation
    end

    for name, protocol in pairs { classic = "classic", ["KIP-848"] = "consumer" } do
        it("that stops and comes back has what it had, and nobody is disturbed (" .. name .. ")", function()
            local before, after, told, moves = come_back(protocol, true)
            assert.same(before, after)
            assert.equal(0, told)
            assert.equal(0, moves)
        end)
    end

    it("is not what a member without a name is: when that comes back, the others are disturbed", function()
        local _, _, told, moves = come_back("classic", false)
        assert.is_true(told > 0)
        assert.is_true(moves > 0)
    end)

    -- The first of two members is killed in the middle of a handler and started again, as a supervisor does, until it stays;
    -- each message is handled by one of them. → what each of its lives printed first ("A 0 1", or "E name" for a fatal
    -- error), what the other one's callbacks were told meanwhile, and by how many generations the group moved.
    local function killed(protocol)
        local told, seen, count, sent, lives, kind = 0, {}, 0, 0, {}, {}
        local second = join(protocol, "second", function() told = told + 1 end)
        local first, stuck_at
        local function note(value)
            if not seen[value] then seen[value], count = true, count + 1 end
        end
        local function send()
            local values = {}
            for n = 1, 100 do values[n] = { value = "v" .. sent + n, partition = n % 4 } end
            h.fill(kafka.brokers, topic, values)
            sent = sent + 100
        end
        local function start(stop)
            first = h.start(MEMBER, { args = { kafka.brokers, topic, group, protocol, tostring(stop) } })
            lives[#lives + 1] = first
        end
        local function serve()
            local message, err = second:poll(20)
            assert(err == nil, err)
            if message then note(message.value) end
            for n, life in ipairs(lives) do
                local out = life:output()
                kind[n] = out:match "^(A %d %d)\n" or out:match "^(E %S+)\n"
                for value in out:gmatch "H %d (%S+)\n" do note(value) end
                if life == first then stuck_at = { out:match "S (%d) (%d+)\n" } end
            end
        end

        h.wait_until(function() serve() return #second:assignment() == 4 end, 30, "the second member has all")
        start(30)
        h.wait_until(function() serve() return kind[1] and #second:assignment() == 2 end, 30, "both have their share")
        send()
        h.wait_until(function() serve() return stuck_at[1] end, 30, "the first member is in the handler")
        local partition, offset = tonumber(stuck_at[1]), tonumber(stuck_at[2])
        h.wait_until(function() return kafka:committed(group, topic)[partition] >= offset end, 30, "what it has done is committed")
        local generation = second:group_metadata().generation_id
        told = 0
        first:kill "KILL"
        local _, signal = first:wait(10)
        assert.equal(9, signal)
        start(-1)
        send()
        h.wait_until(function()
            serve()
            if first:wait(0) then
                serve()
                start(-1)
            end
            return count == sent and kind[#lives]
        end, 40, "every message is handled")
        five_heartbeats(serve)
        return kind, told, second:group_metadata().generation_id - generation
    end

    it("that is killed and comes back has what it had, nobody is disturbed, and nothing is lost (classic)", function()
        local kind, told, moves = killed "classic"
        assert.equal(2, #kind)
        assert.matches("^A", kind[1])
        assert.equal(kind[1], kind[2])
        assert.equal(0, told)
        assert.equal(0, moves)
    end)

    it("that is killed is refused until its session is over, and nothing is lost (KIP-848)", function()
        local kind = killed "consumer"
        assert.is_true(#kind > 2)
        for n = 2, #kind - 1 do assert.equal("E UNRELEASED_INSTANCE_ID", kind[n]) end
        assert.matches("^A", kind[#kind])
    end)
end)
