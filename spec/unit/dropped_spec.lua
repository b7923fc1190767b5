-- Coroutines that are dropped while they wait: for a report, or for the answer to a question. A program that
-- gives tasks up (a server whose peer is gone) does so by the thousands.
local h = require "spec.helper"
local loop = require "spec.input.loop"

local kafka = h.kafka

local function yielding() coroutine.yield() end

-- What the process holds (KiB), where the system tells it, and what the Lua state does.
local function memory()
    for _ = 1, 3 do collectgarbage() end
    local heap = collectgarbage("count")
    local file = io.open "/proc/self/status"
    local kib = file and tonumber(file:read("*a"):match "VmRSS:%s*(%d+) kB")
    if file then file:close() end
    return kib or 0, heap
end

-- Begins `wait` in a coroutine, which is returned in its wait.
local function begin(client, wait)
    kafka.wrap(client, yielding)
    local task = coroutine.create(wait)
    local ok, err = coroutine.resume(task)
    kafka.wrap(client, nil)
    assert.is_true(ok, err)
    return task
end

-- The same, many times, and nothing is kept. A `pause` now and then, if there is one.
local function drop(client, count, wait, pause)
    for i = 1, count do
        begin(client, wait)
        if pause and i % 100 == 0 then pause() end
    end
end

local function check_memory(client, wait, pause)
    drop(client, 10000, wait, pause)
    local process, heap = memory()
    drop(client, 20000, wait, pause)
    local process_then, heap_then = memory()
    assert.is_true(heap_then - heap <= 64, ("the Lua heap grew by %d KiB"):format(math.floor(heap_then - heap)))
    assert.is_true(process_then - process <= 1024, ("the process grew by %d KiB"):format(process_then - process))
end

-- A message on its way to nowhere.
local function undelivered()
    local producer = h.track(kafka.producer { ["bootstrap.servers"] = h.nowhere, exit_timeout = 0, on_error = function() end })
    return producer, assert(producer:produce_async(h.topic(), "never"))
end

describe("Coroutines dropped in their wait, by the thousands,", function()
    after_each(h.cleanup)

    it("for a report leave nothing behind", function()
        local producer, delivery = undelivered()
        check_memory(producer, function() delivery:wait(1) end)
    end)

    it("for a report, however long it takes, leave nothing behind", function()
        local producer, delivery = undelivered()
        check_memory(producer, function() delivery:wait(-1) end)
    end)

    it("for the answer to a question leave nothing behind", function()
        local producer = undelivered()
        -- Takes its turn behind the questions that are being asked, so that there are never many.
        local function pause() assert(producer:purge { queued = false, in_flight = false }) end
        check_memory(producer, function() producer:cluster_id(3) end, pause)
    end)
end)

describe("A coroutine dropped in its wait", function()
    after_each(h.cleanup)

    it("for a report that comes one day does not keep the descriptor readable then", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 }, rtt = 200 }
        local producer = h.track(kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["linger.ms"] = 0 })
        local fd = producer:pollfd()
        local delivery = assert(producer:produce_async(topic, "x"))
        drop(producer, 1, function() delivery:wait(-1) end)
        memory()
        h.wait_until(function()
            producer:poll(10)
            return delivery:done()
        end)
        assert.is_false(loop.readable(fd, 50))
    end)

    it("for an answer that comes one day keeps the descriptor readable only until it is collected", function()
        local mock = h.mock()
        local producer = h.track(kafka.producer(mock:bootstrap_servers()))
        assert(producer:metadata())
        local fd = producer:pollfd()
        mock:set_rtt(1, 200) -- or the answer may be there before the first wait
        local task = begin(producer, function() producer:metadata { timeout = -1 } end)
        for _ = 1, 3 do
            assert.is_true(loop.readable(fd, 10000))
            producer:poll(0)
        end
        assert.equal("suspended", coroutine.status(task))
        task = nil -- luacheck: ignore
        memory()
        producer:poll(0)
        assert.is_false(loop.readable(fd, 50))
    end)

    -- What `wait` does with a producer whose message is on its way; then the descriptor is quiet.
    local function quiet_after(wait)
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 }, rtt = 100 }
        local producer = h.track(kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["linger.ms"] = 0 })
        local fd = producer:pollfd()
        assert(producer:produce(topic, "x"))
        wait(producer)
        h.wait_until(function()
            producer:poll(10)
            return #producer == 0
        end)
        h.wait_until(function()
            producer:poll(0)
            return not loop.readable(fd, 100)
        end, 5, "a quiet descriptor")
    end

    -- Red when a flush waits past its deadline (`Waiters::any` in client/producer.rs): its end keeps the descriptor readable.
    it("for a flush does not keep the descriptor readable past its deadline", function()
        quiet_after(function(producer)
            drop(producer, 1, function() producer:flush(1000) end)
        end)
    end)

    -- Red when nothing ends the wait with its coroutine (`Flushing` in lua/producer.rs).
    it("for a flush without a deadline does not keep the descriptor readable once it is collected", function()
        quiet_after(function(producer)
            drop(producer, 1, function() producer:flush(-1) end)
            memory()
        end)
    end)

    it("for a report hears of no failure: close tells it", function()
        local producer = h.track(kafka.producer { ["bootstrap.servers"] = h.nowhere, ["message.timeout.ms"] = 300, on_error = function() end })
        local delivery = assert(producer:produce_async(h.topic(), "never"))
        drop(producer, 1, function() delivery:wait(-1) end)
        producer:flush(10000) -- poll would have told it
        assert.is_true(delivery:done())
        local closed, err, count = producer:close(1000)
        assert.is_nil(closed)
        assert.matches("1 message(s) were not delivered", err.message, 1, true)
        assert.equal(1, count)
    end)

    it("with a question that will never be answered holds up other calls for one try, ten seconds, at the most", function()
        local producer, delivery = undelivered()
        drop(producer, 40, function() producer:metadata { timeout = -1 } end)
        memory()
        h.wait_until(function() return producer:purge() end, 40, "an idle thread")
        assert.is_true(delivery:done())
    end)
end)
