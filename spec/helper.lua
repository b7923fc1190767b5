-- What every spec shares: clients and mock clusters that are closed after each test, time, child processes.
-- Contract: put `after_each(h.cleanup)` into each spec file that makes something here.
if not package.path:find("./?.lua", 1, true) then package.path = "./?.lua;" .. package.path end

local system = require "system" -- luasystem: busted itself depends on it, so it is on every interpreter
local child = require "spec.support.child"

local h = { kafka = require "kafka" }

h.is_jit = type(rawget(_G, "jit")) == "table"
h.version = h.is_jit and "jit" or _VERSION:match("%d+%.%d+")
h.lua = child.lua
h.now = system.monotime
h.sleep = system.sleep
h.run = child.run

--- An address where nothing listens: connecting is refused at once.
h.nowhere = "127.0.0.1:1"

local tracked, processes, topics = {}, {}, 0

--- Remembers anything with `close`, so that `cleanup` closes it, newest first. A client gets 200 ms for that:
--- a spec that cares how long closing takes, or what it delivers, closes by itself.
function h.track(client)
    tracked[#tracked + 1] = client
    return client
end

--- A child that runs beside the spec; killed by `cleanup` if it is still there.
function h.start(script, options)
    local process = child.start(script, options)
    processes[#processes + 1] = process
    return process
end

--- Closes all that was tracked. An error in one close does not spare the others, and is not swallowed.
function h.cleanup()
    local failure
    for i = #processes, 1, -1 do
        processes[i]:destroy()
        processes[i] = nil
    end
    for i = #tracked, 1, -1 do
        local thing = tracked[i]
        tracked[i] = nil
        local ok, err
        if tostring(thing):find("^kafka%.[PC]") then ok, err = pcall(thing.close, thing, 200) else ok, err = pcall(thing.close, thing) end
        if not ok and failure == nil then failure = err end
    end
    if failure ~= nil then error(failure, 0) end
end

--- A mock cluster of one broker whose consumer groups form at once.
function h.mock(options)
    options = options or {}
    local mock = h.track(h.kafka.mock_cluster { brokers = options.brokers or 1, topics = options.topics, rtt = options.rtt })
    mock:set_group_delay(0)
    return mock
end

--- A topic name no other test uses, also on a cluster that outlives this process.
function h.topic(prefix)
    topics = topics + 1
    return ("%s-%x-%d"):format(prefix or "topic", math.floor(system.gettime() * 1000) % 2 ^ 31, topics)
end

--- Calls fn until it gives a true value and returns that value; fails after `seconds` (10).
function h.wait_until(fn, seconds, what)
    local deadline = h.now() + (seconds or 10)
    while true do
        local value = fn()
        if value then return value end
        if h.now() > deadline then
            error(("%s did not come true within %g s"):format(what or "the condition", seconds or 10), 2)
        end
        h.sleep(0.005)
    end
end

--- Writes values (strings, or {value=, key=, partition=, headers=}) to a topic with a producer of its own and waits until they are there.
--- However slow the machine is, what fits into a batch goes at once: the flush sends it, not the time.
function h.fill(brokers, topic, values)
    local producer = h.kafka.producer(brokers, { ["linger.ms"] = 60000 })
    for _, item in ipairs(values) do
        if type(item) ~= "table" then item = { value = item } end
        assert(producer:produce(topic, item.value, item.key, { partition = item.partition, headers = item.headers }))
    end
    assert(producer:flush(10000))
    producer:close()
end

--- A consumer of a mock cluster's topic t from its beginning, in the group g, unless `options` say otherwise.
function h.reader(mock, options)
    options["bootstrap.servers"] = mock:bootstrap_servers()
    options["group.id"] = options["group.id"] or "g"
    options["auto.offset.reset"] = options["auto.offset.reset"] or "earliest"
    options.topics = options.topics or { "t:0" }
    return h.track(h.kafka.consumer(options))
end

--- The next message; an error before it fails.
function h.next_message(consumer)
    return h.wait_until(function()
        local message, err = consumer:poll(100)
        assert(err == nil, tostring(err))
        return message
    end, 20, "a message")
end

--- What receive() returns once it returns a message: payload, topic, partition, key (as a table, `n` counts them).
function h.receive(consumer, seconds)
    local deadline, last = h.now() + (seconds or 15), nil
    while h.now() < deadline do
        local got = { n = 0 }
        local function keep(...)
            got = { n = select("#", ...), ... }
        end
        keep(consumer:receive())
        if got[1] ~= nil then return got end
        last = got[5] or last
    end
    error(("no message within %g s; the last error was %s"):format(seconds or 15, tostring(last)), 2)
end

--- All of a topic, read by a consumer of its own: {value, key, partition} in partition order, each partition in its order.
--- Ends at `count` messages; without it when a whole second brought nothing after the first one; always at `timeout` (15 s).
function h.drain(brokers, topic, options)
    options = options or {}
    local deadline = h.now() + (options.timeout or 15)
    local consumer = h.kafka.consumer(brokers, { topic }, {
        ["group.id"] = h.topic("drain"),
        ["auto.offset.reset"] = "earliest",
    })
    local by_partition, highest, found = {}, -1, 0
    while (not options.count or found < options.count) and h.now() < deadline do
        local value, _, partition, key = consumer:receive()
        if value then
            by_partition[partition] = by_partition[partition] or {}
            table.insert(by_partition[partition], { value = value, key = key, partition = partition })
            highest, found = math.max(highest, partition), found + 1
        elseif found > 0 and not options.count then
            break
        end
    end
    consumer:close()
    local all = {}
    for partition = 0, highest do
        for _, message in ipairs(by_partition[partition] or {}) do all[#all + 1] = message end
    end
    return all
end

--- The error value of fn(…), which must raise.
function h.error_of(fn, ...)
    local ok, err = pcall(fn, ...)
    if ok then error("the call was expected to raise, but returned", 2) end
    return err
end

--- Compiles text under a chunk name of its own, so that positions in errors can be compared to the letter:
--- h.chunk("local p = ...\np:poll(1, 2)", "user.lua") raises "user.lua:2: …".
function h.chunk(text, name)
    return assert((loadstring or load)(text, "@" .. (name or "user.lua")))
end

return h
