-- A test of your own program against brokers that fail on request.       lua examples/mock_cluster_in_tests.lua
-- The cluster lives inside this process: no Java, no ports to choose, gone at the end.
local kafka = require "kafka"

-- The code under test: true when the text is safe, else nil and why.
local function save(producer, text)
    local done, failure
    local accepted, refused = producer:produce("diary", text, nil, {
        on_delivery = function(err) done, failure = true, err end,
    })
    if not accepted then return nil, refused end
    while not done do producer:poll(100) end
    if failure then return nil, failure end
    return true
end

local cluster = kafka.mock_cluster{ brokers = 1, topics = { diary = 1 } }
local producer = kafka.producer{
    ["bootstrap.servers"] = cluster:bootstrap_servers(),
    ["message.timeout.ms"] = 2000, ["retry.backoff.ms"] = 10, ["reconnect.backoff.max.ms"] = 200,
}

assert(save(producer, "a quiet day"))

-- Errors that pass: the next two Produce requests are answered like this, and sent again by the client.
cluster:push_errors("Produce", { "NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT" })
assert(save(producer, "two hiccups, nobody noticed"))

-- An error that stays.
cluster:push_errors("Produce", { "POLICY_VIOLATION" })
local ok, err = save(producer, "not allowed")
assert(not ok and err.name == "POLICY_VIOLATION" and not err.retriable)

-- No broker at all, then one again.
cluster:broker_down(1)
ok, err = save(producer, "shouted into the void")
assert(not ok and err.name == "_MSG_TIMED_OUT")
cluster:broker_up(1)
assert(save(producer, "all is well again"))

-- What the brokers were asked, in order.
local asked = {}
for _, request in ipairs(cluster:requests()) do asked[request.api] = (asked[request.api] or 0) + 1 end
print(("%d Produce requests for 5 messages"):format(asked.Produce))
assert(asked.Produce >= 6)                      -- at least three were answered, two repeated, one refused

assert(producer:close())
cluster:close()
