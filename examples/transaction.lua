-- Two bookings that are visible together or not at all.                      lua examples/transaction.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
local topic = "bookings-" .. os.time()

local producer = kafka.producer{
    ["bootstrap.servers"] = brokers,
    ["transactional.id"] = "example-" .. os.time(),     -- a real program keeps the same one for ever
    on_delivery = function(err, report)
        print(("  %-9s %s"):format(report.value, err and "taken back: " .. err.name or "at offset " .. report.offset))
    end,
}
assert(producer:init_transactions())

print("both, by hand:")
assert(producer:begin_transaction())
assert(producer:produce(topic, "debit 10", "account 1"))
assert(producer:produce(topic, "credit 10", "account 2"))
assert(producer:commit_transaction())

print("neither, as the second one fails:")
local ok, err = pcall(producer.transaction, producer, function(tx)
    assert(tx:produce(topic, "debit 20", "account 1"))
    error("account 2 is closed", 0)
end)
producer:poll()
print("  " .. tostring(err))
assert(not ok and err == "account 2 is closed")

print("out of order:")
local done, why = producer:commit_transaction()
print("  " .. tostring(why))
assert(not done and why.name == "_STATE")

assert(producer:close())
