-- A group whose members come and go, all in this process so that the order of their callbacks is known: what is assigned
-- and revoked balances, no partition has two owners, and each commits while it still is one.
local h = require "spec.helper"

local PARTITIONS, MOST = 6, 3

--- Lets members join and leave `changes` times while messages flow. → how many messages were handled, commits in on_revoke
return function(kafka, changes, conf)
    local topic, group = kafka:create_topic(h.topic("members"), PARTITIONS), h.topic("group")
    local producer = h.track(h.kafka.producer(kafka.brokers))
    local owner, members, told = {}, {}, { assigned = 0, revoked = 0, commits = 0, handled = 0 }

    local function join(name)
        local options = { ["bootstrap.servers"] = kafka.brokers, ["group.id"] = group, ["auto.offset.reset"] = "earliest", topics = { topic } }
        for key, value in pairs(conf) do options[key] = value end
        function options.on_assign(_, list)
            for _, place in ipairs(list) do
                assert(owner[place.partition] == nil, ("partition %d has an owner"):format(place.partition))
                owner[place.partition] = name
                told.assigned = told.assigned + 1
            end
        end
        function options.on_revoke(consumer, list)
            for _, place in ipairs(list) do
                assert(owner[place.partition] == name, ("partition %d is not this member's"):format(place.partition))
            end
            assert(consumer:commit(nil, 20000))
            told.commits = told.commits + 1
            for _, place in ipairs(list) do
                owner[place.partition] = nil
                told.revoked = told.revoked + 1
            end
        end
        function options.on_lost() error "partitions were lost" end
        members[#members + 1] = { name = name, consumer = h.track(h.kafka.consumer(options)) }
    end

    local function serve()
        for _, member in ipairs(members) do
            local message = member.consumer:poll(10)
            if message then
                assert(owner[message.partition] == member.name, "a message came to who does not own its partition")
                told.handled = told.handled + 1
            end
        end
        producer:produce(topic, "x", nil, { partition = told.handled % PARTITIONS })
        producer:poll(0)
    end

    local function settled()
        local has = {}
        for partition = 0, PARTITIONS - 1 do
            if not owner[partition] then return false end
            has[owner[partition]] = (has[owner[partition]] or 0) + 1
        end
        for _, member in ipairs(members) do
            if not has[member.name] then return false end
        end
        return true
    end

    -- Until everybody has partitions and messages have come to them.
    local function settle(what)
        local before = told.handled
        h.wait_until(function()
            serve()
            return settled() and told.handled >= before + 5
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
