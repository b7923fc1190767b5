-- Messages taken ahead of the program: nobody notices, but for the speed.
-- Turns red when receiving.rs no longer looks at librdkafka's queue while the buffer is full (LOOK_EVERY), when a
-- rebalance drops errors with the messages, when `settle` forgets the buffer, when an error waits until the buffer is
-- empty (`overdue`), or when `Leaver` (consumer.rs) keeps what is buffered while it leaves: the group is then not left in
-- time.
local h = require "spec.helper"
local kafka = h.kafka

describe("the prefetch buffer", function()
    local mock
    before_each(function() mock = h.mock { topics = { t = 1, many = 4 } } end)
    after_each(h.cleanup)

    local function consumer(options) return h.reader(mock, options) end

    local function impatient(options)
        options["session.timeout.ms"], options["max.poll.interval.ms"], options["heartbeat.interval.ms"] = 1000, 1000, 100
        return consumer(options)
    end

    local function fill(first, last)
        local values = {}
        for i = first, last do values[#values + 1] = { value = tostring(i), partition = 0 } end
        h.fill(mock:bootstrap_servers(), "t", values)
    end

    local poll = h.next_message

    it("shows the group that a slow program lives while it eats what is buffered", function()
        fill(1, 200)
        local errors = {}
        local c = impatient { topics = { "t" }, on_error = function(err) errors[#errors + 1] = err.name end }
        local start = h.now()
        for i = 1, 200 do
            assert.are.equal(tostring(i), poll(c).value)
            if h.now() - start < 2.5 then h.sleep(0.025) end
        end
        assert.is_true(h.now() - start > 2.4)
        for _ = 1, 3 do assert.are.same({ n = 1 }, { n = select("#", c:poll(50)), c:poll(50) }) end -- what waits behind shows now
        assert.are.same({}, errors)
    end)

    -- Each call that waits, as a function that returns the next value, and the error.
    local ASKING = {
        poll = function(c) return function()
            local message, err = c:poll(100)
            return message and message.value, err
        end end,
        receive = function(c) return function()
            local value, _, _, _, err = c:receive()
            return value, err
        end end,
        poll_batch = function(c) return function()
            local batch, err = c:poll_batch(1, 100)
            return batch and batch[1] and batch[1].value, err
        end end,
        receive_batch = function(c) return function()
            local count, values = c:receive_batch(1, 100)
            return count and values[1], not count and values or nil
        end end,
        messages = function(c)
            local next_one = c:messages()
            return function() return next_one().value end
        end,
    }

    for name, asking in pairs(ASKING) do
        it("is dropped when a handler took too long: the error comes once from " .. name .. ", then the group is joined again", function()
            fill(1, 50)
            local errors, assigned, lost = {}, 0, 0
            local c = consumer {
                topics = { "t" }, ["session.timeout.ms"] = 2000, ["max.poll.interval.ms"] = 2000, ["heartbeat.interval.ms"] = 100,
                on_error = function(err) errors[#errors + 1] = err.name end,
                on_assign = function() assigned = assigned + 1 end, on_lost = function() lost = lost + 1 end,
            }
            local ask = asking(c)
            local told = {}
            local function value()
                return h.wait_until(function()
                    local found, err = ask()
                    if err then told[#told + 1] = err.name end
                    return found
                end, 20, "a value")
            end
            for i = 1, 10 do assert.are.equal(tostring(i), value()) end
            h.wait_until(function() return c:assignment_lost() end, 20, "the end of the group's patience")
            local after = tonumber(value())
            -- A loop has nothing to return an error by: on_error is told.
            assert.are.same(name == "messages" and {} or { "_MAX_POLL_EXCEEDED" }, told)
            assert.are.same({ "_MAX_POLL_EXCEEDED" }, errors)
            assert.are.same({ 2, 1 }, { assigned, lost })
            -- Nine were done, perhaps ten: what is not committed comes again, nothing is left out.
            assert.is_true(after <= 11, after)
            for i = after + 1, 50 do assert.are.equal(tostring(i), value()) end
        end)
    end

    it("keeps the descriptor readable while anything is in it, and quiet when nothing is", function()
        fill(1, 20)
        local c = consumer {}
        local fd = c:pollfd()
        assert.are.equal("number", type(fd))
        poll(c)
        local waits = 0
        kafka.wrap(c, function(_, ms)
            waits = waits + 1
            h.sleep(math.min(ms, 20) / 1000)
        end)
        -- No call has to wait for what is buffered.
        for _ = 2, 20 do assert(c:poll(1000)) end
        kafka.wrap(c, nil)
        assert.is_true(waits <= 1, waits .. " waits")
    end)

    it("hands out in order whichever call asks", function()
        fill(1, 500)
        local c, seen = consumer {}, {}
        local calls = {
            function() seen[#seen + 1] = c:receive() end,
            function()
                local message = c:poll(100)
                if message then seen[#seen + 1] = message.value end
            end,
            function()
                for _, message in ipairs(c:poll_batch(5, 100)) do seen[#seen + 1] = message.value end
            end,
            function()
                local n, payloads = c:receive_batch(5, 100)
                for i = 1, n do seen[#seen + 1] = payloads[i] end
            end,
            function()
                for message in c:messages { limit = 3, timeout = 100 } do seen[#seen + 1] = message.value end
            end,
        }
        local round = 0
        while #seen < 500 do
            round = round + 1
            assert.is_true(round < 2000)
            calls[round % #calls + 1]()
        end
        for i = 1, 500 do assert.are.equal(tostring(i), seen[i]) end
    end)

    it("does not hold back an error that came beside the messages, however many there are", function()
        fill(1, 600)
        local refused = false
        local c = impatient {
            topics = { "t" }, ["partition.assignment.strategy"] = "cooperative-sticky",
            on_assign = function(_, list)
                refused = list[1].topic == "many"
                if refused then return { "t:0" } end -- which is assigned already
            end,
        }
        poll(c)
        assert(c:subscribe { "t", "many" })
        local after, seen, err = 0, 1, nil
        h.wait_until(function()
            local message
            message, err = c:poll(100)
            if message then
                seen = seen + 1
                assert.are.equal(tostring(seen), message.value)
            end
            if refused then after = after + 1 end
            h.sleep(0.03)
            return err
        end, 15, "the error")
        assert.are.equal("_CONFLICT", err.name)
        assert.is_true(after <= 20, after .. " calls later")
        assert.are.equal(tostring(seen + 1), poll(c).value)
    end)

    it("stores nothing for what is only buffered", function()
        fill(1, 100)
        local c = consumer {}
        for _ = 1, 5 do poll(c) end
        assert.is_true(c:close())
        assert.are.equal("6", poll(consumer {}).value)
    end)

    it("goes by close, and so does not keep a program from closing at once", function()
        fill(1, 1000)
        local c = consumer {}
        poll(c)
        local start = h.now()
        assert.is_true(c:close())
        assert.is_true(h.now() - start < 2)
    end)
end)
