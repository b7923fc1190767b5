-- Waiting is one replaceable function: ten lines over luv, and every call that waits yields instead of blocking.
local uv = require "luv"
local h = require "spec.helper"
local loop = require "spec.input.loop"

local kafka = h.kafka
local waits -- what the seam was asked for: {client, ms}

local function wait(client, ms)
    waits[#waits + 1] = { client = client, ms = ms }
    local task, watch, timer = coroutine.running(), uv.new_poll(client:pollfd()), uv.new_timer()
    local function wake()
        if watch:is_closing() then return end
        watch:close()
        timer:close()
        loop.resume(task)
    end
    watch:start("r", wake)
    if ms >= 0 then timer:start(ms, 0, wake) end
    coroutine.yield()
end

-- Milliseconds this thread stood ready but had no processor: the machine's doing, not a blocked loop. 0 where unknown.
local function starved()
    local file = io.open "/proc/self/schedstat"
    if not file then return 0 end
    local _, delay = file:read("*n", "*n")
    file:close()
    return delay / 1e6
end

-- A timer of 5 ms on the same loop; its longest silence is how long anything blocked the loop.
local function ticker()
    local tick = { count = 0, worst = 0 }
    local timer = uv.new_timer()
    local last, last_starved = uv.hrtime(), starved()
    timer:start(5, 5, loop.guard(function()
        local now, now_starved = uv.hrtime(), starved()
        tick.count = tick.count + 1
        tick.worst = math.max(tick.worst, (now - last) / 1e6 - (now_starved - last_starved))
        last, last_starved = now, now_starved
    end))
    return tick
end

-- Closing at the end of a test is done outside of any task, where `wait` has nothing to yield.
local wrapped = {}

local function wrap(client, fn)
    wrapped[#wrapped + 1] = client
    return kafka.wrap(client, fn)
end

local function cleanup()
    for i = #wrapped, 1, -1 do
        local client = table.remove(wrapped, i)
        if not client:closed() then kafka.wrap(client, nil) end
    end
    h.cleanup()
end

local function pair()
    local topic = h.topic()
    local mock = h.mock { topics = { [topic] = 1 } }
    local producer = h.track(kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 20 }))
    producer:create_topic(topic)
    local consumer = h.track(kafka.consumer(mock:bootstrap_servers(), { topic }, {
        ["group.id"] = topic, ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 10,
    }))
    return producer, consumer, topic, mock
end

describe("A wait function of ten lines over luv", function()
    before_each(function() waits = {} end)
    after_each(cleanup)

    it("drives a producer and a consumer in two coroutines on one loop, which is never blocked", function()
        local producer, consumer, topic = pair()
        assert.equal(0, producer:send(topic, 0, nil, "first")) -- joining the group is over with it
        h.wait_until(function() return consumer:receive() == "first" end, 15, "the first message")
        assert.is_true(producer:flush(10000))
        while select(3, producer:poll(0)) > 0 do end
        assert.equal(producer, wrap(producer, wait))
        assert.equal(consumer, wrap(consumer, wait))
        local rounds, size = 40, 25
        local steps, received = {}, {}
        local tick = ticker()

        loop.run(60, function()
            for round = 1, rounds do
                for i = 1, size do
                    assert.equal(0, producer:send(topic, 0, (round - 1) * size + i, tostring((round - 1) * size + i)))
                end
                if round % 8 == 0 then
                    assert.is_true(producer:flush(10000))
                else
                    local id, failures = producer:poll(10000)
                    assert.is_number(id)
                    assert.equal(0, failures)
                end
                steps[#steps + 1] = "P"
            end
            assert.is_true(producer:flush(-1))
            assert.equal(0, #producer)
        end, function()
            while #received < rounds * size do
                local payload, _, _, _, err = consumer:receive()
                assert.is_nil(err)
                if payload then
                    received[#received + 1] = payload
                    if steps[#steps] ~= "C" then steps[#steps + 1] = "C" end
                end
            end
        end)

        for i = 1, rounds * size do assert.equal(tostring(i), received[i]) end
        local _, turns = table.concat(steps):gsub("PC", "")
        assert.is_true(turns >= 5, "the two did not take turns: " .. table.concat(steps))
        assert.is_true(tick.count >= 20, "the timer ticked only " .. tick.count .. " times")
        assert.is_true(tick.worst < 20, ("the loop was blocked for %.1f ms"):format(tick.worst))

        local asked = {}
        for _, one in ipairs(waits) do
            assert.is_true(one.client == producer or one.client == consumer, "wait got a stranger")
            assert.is_number(one.ms)
            asked[one.client] = (asked[one.client] or 0) + 1
        end
        assert.is_true((asked[producer] or 0) >= 5)
        assert.is_true((asked[consumer] or 0) >= 1)
    end)

    it("lets close wait without blocking the loop, for both classes", function()
        local producer, consumer, topic, mock = pair()
        wrap(producer, wait)
        wrap(consumer, wait)
        assert.equal(0, producer:send(topic, 0, 1, "x"))
        mock:set_rtt(1, 100) -- else there is nothing to wait for
        local tick = ticker()
        loop.run(30, function() assert.is_true(producer:close(10000)) end, function() consumer:close(10000) end)
        assert.is_true(producer:closed())
        assert.is_true(consumer:closed())
        assert.is_true(tick.worst < 20, ("the loop was blocked for %.1f ms"):format(tick.worst))
        assert.is_true(#waits >= 1 and #waits < 200, #waits .. " waits: more would be a busy loop")
    end)

    it("ends poll and receive at their deadlines when nothing comes", function()
        local producer, consumer, topic = pair()
        assert.equal(0, producer:send(topic, 0, nil, "first"))
        h.wait_until(function() return consumer:receive() == "first" end, 15, "the first message")
        assert.is_true(producer:flush(10000))
        while select(3, producer:poll(0)) > 0 do end
        wrap(producer, wait)
        wrap(consumer, wait)
        local polled, received
        loop.run(10, function()
            local before = h.now()
            local id, failures, served = producer:poll(200)
            polled = h.now() - before
            assert.is_nil(id)
            assert.equal(0, failures)
            assert.equal(0, served)
        end, function()
            local before = h.now()
            assert.is_nil((consumer:receive()))
            received = h.now() - before
        end)
        assert.is_true(polled >= 0.19 and polled < 0.6, ("poll(200) took %.3f s"):format(polled))
        assert.is_true(received >= 0.95 and received < 1.5, ("receive took %.3f s"):format(received))
    end)

    it("runs delivery callbacks that yield themselves", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local order = {}
        local task -- plain 5.1 runs a callback in a coroutine of its own, so it is not found by coroutine.running there
        local producer = h.track(kafka.producer(mock:bootstrap_servers(), {
            on_delivery = function()
                order[#order + 1] = "in"
                local timer = uv.new_timer()
                timer:start(20, 0, function()
                    timer:close()
                    loop.resume(task)
                end)
                coroutine.yield()
                order[#order + 1] = "out"
            end,
        }))
        wrap(producer, wait)
        loop.run(20, function()
            task = coroutine.running()
            assert.is_true((producer:produce(topic, "one")))
            assert.is_true(producer:flush(10000))
            order[#order + 1] = "flushed"
        end)
        assert.same({ "in", "out", "flushed" }, order)
    end)
end)

describe("The seam itself", function()
    before_each(function() waits = {} end)
    after_each(cleanup)

    it("gives back the blocking wait for nil", function()
        local producer, _, topic = pair()
        wrap(producer, function() error "never asked" end)
        assert.equal(producer, wrap(producer, nil))
        assert.equal(0, producer:send(topic, 0, 1, "x"))
        assert.is_true(producer:flush(10000))
    end)

    it("is one per client: wrapping one leaves the other as it was", function()
        local producer, consumer, topic = pair()
        wrap(consumer, function() error "not this one" end)
        assert.equal(0, producer:send(topic, 0, 1, "x"))
        assert.is_true(producer:flush(10000))
    end)

    it("passes an error of the wait function through as it is, and the client works on", function()
        local producer, _, topic = pair()
        local thrown = { "mine" }
        wrap(producer, function() error(thrown, 0) end)
        assert.equal(0, producer:send(topic, 0, 1, "x"))
        assert.equal(thrown, h.error_of(producer.flush, producer, 10000))
        wrap(producer, nil)
        assert.is_true(producer:flush(10000))
    end)

    it("copes with a wait function that returns early", function()
        local producer, _, topic, mock = pair()
        local calls = 0
        wrap(producer, function()
            calls = calls + 1
            h.sleep(0.001)
        end)
        mock:set_rtt(1, 50)
        assert.equal(0, producer:send(topic, 0, 9, "x"))
        assert.equal(9, (producer:poll(10000)))
        assert.is_true(calls >= 2)
    end)

    it("is never asked to wait by calls that need not", function()
        local producer, consumer, topic = pair()
        wrap(producer, wait)
        wrap(consumer, wait)
        producer:poll(0)
        assert.equal(0, producer:send(topic, 0, 1, "x"))
        assert.is_true((producer:produce(topic, "y")))
        assert.is_string(producer:name())
        assert.is_string(consumer:name())
        assert.is_false(producer:closed())
        assert.equal(0, #waits)
        wrap(producer, nil)
        wrap(consumer, nil)
    end)
end)
