-- Two members share a topic; when one leaves, the other takes over where it stopped. lua examples/rebalancing.lua [brokers]
local kafka = require "kafka"

local brokers, mock = arg[1], nil
if not brokers then
    mock = kafka.mock_cluster { topics = { parcels = 4 } }
    mock:set_group_delay(0)
    brokers = mock:bootstrap_servers()
end
local topic = "parcels"

local producer = kafka.producer { ["bootstrap.servers"] = brokers }
for i = 1, 40 do assert(producer:produce(topic, "parcel " .. i, nil, { partition = mock and i % 4 or nil })) end
assert(producer:flush())
producer:close()

local function names(list)
    local found = {}
    for _, place in ipairs(list) do found[#found + 1] = place.partition end
    table.sort(found)
    return #found > 0 and table.concat(found, ", ") or "none"
end

local group = "depot-" .. os.time()
local handled = 0
local function member(name)
    return kafka.consumer {
        ["bootstrap.servers"] = brokers, ["group.id"] = group, ["auto.offset.reset"] = "earliest",
        ["partition.assignment.strategy"] = "cooperative-sticky", topics = { topic },
        ["session.timeout.ms"] = mock and 2000 or 6000, ["heartbeat.interval.ms"] = 200,
        on_assign = function(_, partitions) print(("%s gets %s"):format(name, names(partitions))) end,
        on_revoke = function(consumer, partitions)
            local ok, err = consumer:commit()
            print(("%s gives back %s%s"):format(name, names(partitions), ok and "" or ", uncommitted: " .. err.name))
        end,
    }
end

local function work(seconds, members, done)
    local deadline = os.time() + seconds
    while not done() and os.time() < deadline do
        for _, consumer in ipairs(members) do
            if consumer:poll(20) then handled = handled + 1 end
        end
    end
end

local a = member "a"
work(20, { a }, function() return handled >= 5 end)
local b = member "b"
work(20, { a, b }, function() return #b:assignment() == 2 and handled >= 40 end)
print(("a has %s, b has %s"):format(names(a:assignment()), names(b:assignment())))
b:close()
work(20, { a }, function() return #a:assignment() == 4 end)
a:close()
print(("%d parcels handled"):format(handled))
if mock then mock:close() end
