-- What a client counts, where its log lines go, and what it looks like inside.       lua examples/statistics.lua [BROKERS]
local kafka = require "kafka"

local mock = not arg[1] and kafka.mock_cluster{ topics = { counted = 1 } } or nil
local reports, lines = 0, 0
local producer = kafka.producer{
    ["bootstrap.servers"] = arg[1] or mock:bootstrap_servers(),
    ["statistics.interval.ms"] = 200,
    debug = "broker",
    on_stats = function(stats, json)             -- the same as a table and as it came
        reports = reports + 1
        print(("report %d: %d bytes of JSON, %d messages queued"):format(reports, #json, stats.msg_cnt))
    end,
    on_log = function() lines = lines + 1 end,
    on_throttle = function(throttle) print(("broker %d asks for %d ms"):format(throttle.id, throttle.time)) end,
}

for i = 1, 100 do assert(producer:produce("counted", "message " .. i)) end
assert(producer:flush(10000))
producer:set_log_level("warning")                -- no more details
local give_up = os.time() + 20
while (reports < 3 or producer:stats().txmsgs < 100) and os.time() < give_up do producer:poll(100) end

local latest = producer:stats()                  -- the latest report, at any time
print(("%s sent %d messages in %d requests; %d log lines"):format(latest.name, latest.txmsgs, latest.tx, lines))
print(producer:dump():match("[^\n]+"))           -- for a human with a question
assert(latest.txmsgs >= 100 and lines > 0)
assert(producer:close())
