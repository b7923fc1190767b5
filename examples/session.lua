-- One configuration, many clients.                     lua examples/session.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local topic = "session-" .. os.time()

-- What producers and what consumers need may stand side by side: each goes where it belongs.
local session = kafka.session{
    ["bootstrap.servers"] = arg[1] or cluster:bootstrap_servers(), ["client.id"] = "shop",
    ["linger.ms"] = 5, acks = "all",
    ["group.id"] = "shop-" .. os.time(), ["auto.offset.reset"] = "earliest", topics = { topic .. ":0" },
    ["sasl.password"] = "never shown",
    on_error = function(err) print("in the background: " .. tostring(err)) end,
}
print("set: linger.ms " .. session:config()["linger.ms"] .. ", sasl.password " .. session:config()["sasl.password"])

-- The clients end with the session, whatever happens in between.
kafka.with(session, function()
    local producer = session:producer()
    local hasty = session:producer{ ["linger.ms"] = 0 }
    print(("linger.ms of the two producers: %d and %d"):format(producer:config()["linger.ms"], hasty:config()["linger.ms"]))
    assert(producer:produce(topic, "from one", nil, { partition = 0 }))
    assert(producer:flush())
    assert(hasty:produce(topic, "from the other", nil, { partition = 0 }))
    assert(hasty:flush())

    local consumer = session:consumer()
    local seen = 0
    for _ = 1, 30 do
        local value = consumer:receive()
        if value then
            print("received: " .. value)
            seen = seen + 1
        end
        if seen == 2 then break end
    end
    assert(seen == 2, "both messages should have come")
    print(tostring(session))
end)
assert(session:closed())
print(tostring(session))
