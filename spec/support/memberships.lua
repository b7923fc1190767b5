-- A group whose members come and go, all in this process so that the order of their callbacks is known: what is assigned
-- and revoked balances, no partition has two owners, and each commits while it still is one.
local h = require "spec.helper"

local PARTITIONS, MOST = 6, 3
-- How long (s) a member keeps its group waiting when it gives back: a few heartbeats.
local HESITATION = 0.3
local memberships = {}

--- The ways a group shares its partitions, each with what its members are configured by.
memberships.ways = {
    { name = "range", conf = { ["partition.assignment.strategy"] = "range", ["heartbeat.interval.ms"] = 100 } },
    { name = "cooperative-sticky", conf = { ["partition.assignment.strategy"] = "cooperative-sticky", ["heartbeat.interval.ms"] = 100 } },
    { name = "KIP-848", conf = { ["group.protocol"] = "consumer" } },
}

--- For the brokers, who choose the heartbeats of KIP-848.
memberships.settings = { ["group.consumer.heartbeat.interval.ms"] = 100, ["group.consumer.min.heartbeat.interval.ms"] = 100 }

--- Lets members join and leave `changes` times while messages flow. → how many messages were handled, commits in on_revoke
function memberships.change(kafka, changes, conf)
    local topic, group = kafka:create_topic(h.topic("members"), PARTITIONS), h.topic("group")
    local producer = h.track(h.kafka.producer(kafka.brokers))
    local owner, members, told = {}, {}, { assigned = 0, revoked = 0, commits = 0, handled = 0 }
    local sent, brought = 0, {}

    local function serve()
        for _, member in ipairs(members) do
            local message, err
            if not member.gives_back then message, err = member.consumer:poll(10) end
            assert(err == nil, err)
            if message then
                assert(owner[message.partition] == member.name, "a message came to who does not own its partition")
                told.handled = told.handled + 1
                brought[message.partition] = true
            end
        end
        producer:produce(topic, "x", nil, { partition = sent % PARTITIONS })
        sent = sent + 1
        producer:poll(0)
    end

    local function join(name)
        local member, options = { name = name }, { ["bootstrap.servers"] = kafka.brokers, ["group.id"] = group, topics = { topic } }
        options["auto.offset.reset"] = "earliest"
        for key, value in pairs(conf) do options[key] = value end
        function options.on_assign(_, list)
            for _, place in ipairs(list) do
                assert(owner[place.partition] == nil, ("partition %d has an owner"):format(place.partition))
                owner[place.partition], brought[place.partition] = name, nil
                told.assigned = told.assigned + 1
            end
        end
        -- The others go on meanwhile: who gave a partition away before its commit would see it assigned to one of them.
        function options.on_revoke(consumer, list)
            member.gives_back = true
            local stop = h.now() + HESITATION
            while h.now() < stop do
                serve()
                h.sleep(0.01)
            end
            for _, place in ipairs(list) do
                assert(owner[place.partition] == name, ("partition %d is not this member's"):format(place.partition))
            end
            assert(consumer:commit(nil, 20000))
            told.commits = told.commits + 1
            for _, place in ipairs(list) do
                owner[place.partition] = nil
                told.revoked = told.revoked + 1
            end
            member.gives_back = false
        end
        function options.on_lost() error "partitions were lost" end
        member.consumer = h.track(h.kafka.consumer(options))
        members[#members + 1] = member
    end

    local function settled()
        local has = {}
        for partition = 0, PARTITIONS - 1 do
            if not owner[partition] or not brought[partition] then return false end
            has[owner[partition]] = (has[owner[partition]] or 0) + 1
        end
        for _, member in ipairs(members) do
            if not has[member.name] then return false end
        end
        return true
    end

    -- Until everybody has partitions and a message of each has come.
    local function settle(what)
        brought = {}
        h.wait_until(function()
            serve()
            return settled()
        end, 40, what)
    end

    join "member 0"
    settle "the first member has all"
    for change = 1, changes do
        if #members == 1 or (#members < MOST and change % 2 == 1) then
            join("member " .. change)
        else
            assert(table.remove(members, 1 + change % #members).consumer:close(30000))
        end
        settle(("all partitions are owned after change %d"):format(change))
    end
    while #members > 0 do assert(table.remove(members).consumer:close(30000)) end
    assert(next(owner) == nil)
    return told
end

return memberships
