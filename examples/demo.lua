-- A file goes through Kafka line by line and comes back the same.
--
--   luajit examples/demo.lua [FILE] [BROKERS]
--
-- FILE     default: examples/data/harbour.log
-- BROKERS  "host:port,…"; without them an embedded mock cluster is started (no Java, no network).
--          On brokers of your own the topic "lua-kafka-demo" must have four partitions.
--
-- A topic keeps order inside a partition only, and these lines go to four of them in turn. So each message starts with
-- "RUN:NUMBER:", NUMBER being its line's, and the reader puts the lines back by that; RUN keeps apart what earlier runs
-- left in the topic. The line feed stays part of its line: a file without a last one, with CRLF, with any bytes comes
-- back whole. The checksums come from sha256sum, shasum or openssl, whichever is there.
-- The exit status is 1 when anything differs.

local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path

local kafka = require "kafka"
local lines_of = require "demo.lines"
local assembly = require "demo.assembly"
local checksum = require "demo.checksum"
local clock = require "demo.clock"
local terminal = require "demo.terminal"

local TOPIC, PARTITIONS = "lua-kafka-demo", 4
local ENOBUFS = 105                       -- send's number for "the queue is full": poll, then send again
-- The mock cluster forgets what is over 5 MB or 100,000 messages a partition: at most this much waits to be read.
local WINDOW_LINES, WINDOW_BYTES = 20000, 2000000
local PATIENCE = 30                       -- seconds without any step forward

local path = arg[1] ~= "" and arg[1] or here .. "/data/harbour.log"
local brokers = arg[2] ~= "" and arg[2] or nil

local count = { sent = 0, bytes = 0, confirmed = 0, failed = 0, full = 0, foreign = 0 }
local first_failure

local function open_producer()
    local producer = kafka.producer(brokers, {
        ["linger.ms"] = 5,
        on_delivery = function(err, report)
            if err and not first_failure then
                first_failure = ("line %s: %s"):format(tostring(report.sequence_id), tostring(err))
            end
        end,
    })
    producer:create_topic(TOPIC)
    return producer
end

local function open_consumer()
    local entries = {}
    for p = 0, PARTITIONS - 1 do entries[p + 1] = TOPIC .. ":" .. p end   -- these partitions, no group to wait for
    return kafka.consumer(brokers, entries, {
        ["group.id"] = "lua-kafka-demo",
        ["enable.auto.commit"] = false,
        ["fetch.wait.max.ms"] = 20,         -- a mock broker asked too early lets the whole time pass
    }, { ["auto.offset.reset"] = "earliest" })
end

local function count_reports(producer, timeout)
    local before = #producer
    local _, failures = producer:poll(timeout)
    count.confirmed = count.confirmed + (before - #producer) - failures
    count.failed = count.failed + failures
end

local function send_line(producer, run, line)
    local number = count.sent + 1
    local message = { run .. ":" .. number .. ":", line }   -- joined by the module, not by Lua
    local refused = producer:send(TOPIC, number % PARTITIONS, number, message)
    while refused == ENOBUFS do
        count.full = count.full + 1
        count_reports(producer, 100)
        refused = producer:send(TOPIC, number % PARTITIONS, number, message)
    end
    if refused ~= 0 then error(("line %d was refused: errno %d (docs/guides/errors.md)"):format(number, refused), 0) end
    count.sent, count.bytes = number, count.bytes + #line
end

-- Sends and reads in turn, so that no more than the window is under way, until the file is done and everything is back.
local function run_through(producer, file, result)
    local run = ("%x%x"):format(os.time(), math.random(0, 0xffff))
    local next_line = lines_of(file)
    local more, idle, seen, since = true, false, -1, os.time()
    local consumer
    while true do
        while more and count.sent - result.lines < WINDOW_LINES and count.bytes - result.bytes < WINDOW_BYTES do
            local line, why = next_line()
            if why then error(("reading %s: %s"):format(path, why), 0) end
            more = line ~= nil
            if more then send_line(producer, run, line) end
            if count.sent % 500 == 0 then break end                             -- look at the reports now and then
        end
        count_reports(producer, idle and 100 or 0)
        if not consumer and count.confirmed > 0 then consumer = open_consumer() end
        for _ = 1, 500 do
            if not consumer or result.lines >= count.confirmed then break end   -- what is confirmed is there to be read
            local payload, _, _, _, err = consumer:receive()
            if err then error("reading back: " .. tostring(err), 0) end
            if not payload then break end
            local from, number, text = payload:match("^(%x+):(%d+):()")
            if from == run then
                result:add(tonumber(number), payload:sub(text))
            else
                count.foreign = count.foreign + 1
            end
        end
        terminal.progress(count, result)
        if not more and count.confirmed + count.failed == count.sent and result.lines >= count.confirmed then break end
        local step = count.sent + count.confirmed + count.failed + result.lines + count.foreign
        idle = step == seen
        if not idle then seen, since = step, os.time() end
        if os.time() - since > PATIENCE then
            error(("nothing moved for %d s; last error: %s"):format(PATIENCE, tostring(producer:last_error())), 0)
        end
    end
    if consumer then consumer:close() end
end

local function main()
    local file, why = io.open(path, "rb")
    if not file then error(why, 0) end
    local cluster
    if not brokers then
        cluster = kafka.mock_cluster{ brokers = 1, topics = { [TOPIC] = PARTITIONS } }
        brokers = cluster:bootstrap_servers()
    end
    local where = cluster and "an embedded mock cluster" or brokers
    print(("%s → topic %s, %d partitions, on %s"):format(path, TOPIC, PARTITIONS, where))
    local producer = open_producer()
    local result = assembly.new()
    local started = clock()
    local ok, err = pcall(run_through, producer, file, result)
    local seconds = clock() - started
    file:close()
    terminal.end_progress()
    local closed, close_err = producer:close()
    if cluster then cluster:close() end
    if not ok then result:discard() error(err, 0) end
    if not closed then result:discard() error("closing the producer: " .. tostring(close_err), 0) end

    local sent_sum, read_sum = checksum(path), result:finish(checksum)
    local equal = count.failed == 0 and result.lines == count.sent and sent_sum == read_sum
    terminal.report{
        count = count, result = result, seconds = seconds, sent_sum = sent_sum, read_sum = read_sum,
        first_failure = first_failure, equal = equal,
    }
    return equal
end

math.randomseed(os.time())
local ran, verdict = pcall(main)
terminal.end_progress()
if not ran then print("demo failed: " .. tostring(verdict)) end
os.exit(ran and verdict and 0 or 1)
