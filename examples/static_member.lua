-- A member with a name of its own restarts, and nobody's partitions move.   lua examples/static_member.lua [brokers]
--
-- With group.instance.id the group waits for a member that has stopped, as long as its session lasts: a program that is
-- updated goes on with the partitions it had. (It is so without group.protocol=consumer too, which needs Kafka 4.)
local kafka = require "kafka"

local mock = not arg[1] and kafka.mock_cluster{ topics = { receipts = 4 } }
local brokers = arg[1] or mock:bootstrap_servers()
local topic, group = mock and "receipts" or "receipts-" .. os.time(), "tills-" .. os.time()

local producer = kafka.producer{ ["bootstrap.servers"] = brokers }
local function sell(count)
    for i = 1, count do assert(producer:produce(topic, "receipt " .. i, nil, { partition = mock and i % 4 or nil })) end
    assert(producer:flush())
end

local function names(list)
    local found = {}
    for _, place in ipairs(list) do found[#found + 1] = place.partition end
    table.sort(found)
    return #found > 0 and table.concat(found, ", ") or "none"
end

local function member(name)
    return kafka.consumer{
        ["bootstrap.servers"] = brokers, ["group.id"] = group, ["group.protocol"] = "consumer",
        ["group.instance.id"] = name,           -- the same at each start of this program, another one for each program
        ["auto.offset.reset"] = "earliest", topics = { topic },
        on_assign = function(_, partitions) print(("%s gets %s"):format(name, names(partitions))) end,
        on_revoke = function(_, partitions) print(("%s gives back %s"):format(name, names(partitions))) end,
    }
end

local handled = 0
local function work(members, done)
    local deadline = os.time() + 20
    while not done() and os.time() < deadline do
        for _, consumer in ipairs(members) do
            if consumer:poll(20) then handled = handled + 1 end
        end
    end
end

sell(20)
local count = assert(producer:metadata{ topic = topic }).topics[topic].partitions
local all = #count + 1                          -- partitions are numbered from 0
local a = member "till a"
work({ a }, function() return #a:assignment() == all end)
local b = member "till b"
work({ a, b }, function() return #b:assignment() == math.floor(all / 2) and handled >= 20 end)

print "till a stops, and starts again"
a:close()
sell(20)
a = member "till a"
work({ a, b }, function() return handled >= 40 end)
print(("till a has %s, till b has %s, %d receipts handled"):format(names(a:assignment()), names(b:assignment()), handled))
assert(handled == 40)
a:close()
b:close()
producer:close()
if mock then mock:close() end
