-- Orders become invoices; an attempt fails in the middle, nothing doubles.  lua examples/exactly_once.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end
local run = os.time()
local orders, invoices, worker = "orders-" .. run, "invoices-" .. run, "billing-" .. run

local shop = kafka.producer(brokers)
for n = 1, 30 do assert(shop:produce(orders, "order " .. n)) end
assert(shop:close())

local consumer = kafka.consumer{
    ["bootstrap.servers"] = brokers, ["group.id"] = worker, topics = { orders }, ["auto.offset.reset"] = "earliest",
    ["enable.auto.commit"] = false,             -- the offsets go with the transactions
}
local producer = kafka.producer{ ["bootstrap.servers"] = brokers, ["transactional.id"] = worker }

local done, attempts, give_up = 0, 0, os.time() + 60
while done < 30 and os.time() < give_up do
    local ok, count = producer:transaction(function(tx)
        local batch = assert(consumer:poll_batch(10, 1000))
        if #batch > 0 then attempts = attempts + 1 end
        for i, message in ipairs(batch) do
            assert(tx:produce(invoices, "invoice for " .. message.value))
            if attempts == 2 and i == 5 then
                print("trouble in the middle of the second batch: aborted, and begun again")
                -- What Kafka reports when a coordinator moves. Errors that pass are tried again.
                error(setmetatable({ code = 16, name = "NOT_COORDINATOR", message = "rehearsed", fatal = false,
                    retriable = true, txn_requires_abort = true }, kafka.Error), 0)
            end
        end
        return #batch
    end, { consumer = consumer })
    assert(ok, count)
    done = done + count
end
assert(consumer:close())
assert(producer:close())

-- What was aborted stands in the log, too: isolation.level=read_committed, the default, leaves it out.
local reader = kafka.consumer{
    ["bootstrap.servers"] = brokers, ["group.id"] = "audit-" .. run, topics = { invoices }, ["auto.offset.reset"] = "earliest",
}
local found, count = {}, 0
for message in reader:messages{ limit = 30, timeout = 10000 } do
    assert(not found[message.value], message.value .. " is there twice")
    found[message.value], count = true, count + 1
end
reader:close()
print(count .. " orders, " .. count .. " invoices, " .. attempts .. " attempts")
assert(count == 30)
