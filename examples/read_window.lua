-- A piece of a topic, and then to be done: by time, from the end, in pages.    lua examples/read_window.lua [BROKERS]
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster { brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
local topic = "ledger-" .. os.time()
local midnight = (os.time() - os.time() % 86400) * 1000
local hour = 3600 * 1000

local producer = kafka.producer { ["bootstrap.servers"] = brokers }
for n = 0, 23 do assert(producer:produce(topic, n .. " o'clock", nil, { timestamp = midnight + n * hour })) end
assert(producer:close())

local function read(options)
    options["bootstrap.servers"], options.topic = brokers, topic
    return kafka.read(options)
end

print "between nine and twelve (a mock cluster cannot tell):"
for message in read { from = { time = midnight + 9 * hour }, to = { time = midnight + 12 * hour } } do print("", message.value) end

print "the last of each partition:"
for message in read { from = kafka.offset_tail(1) } do print("", message.partition, message.value) end

-- A page is a reader with a limit; next_request() is the table for the next one.
local request, pages, count = { ["bootstrap.servers"] = brokers, topic = topic, limit = 10 }, 0, 0
while request do
    local page = kafka.read(request)
    count = count + assert(page:each(function() end))
    pages = pages + 1
    request = page:next_request()
end
print(("%d messages on %d pages"):format(count, pages))
assert(count == 24, "none lost, none twice")
if cluster then cluster:close() end
