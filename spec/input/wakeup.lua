-- Streams of events whose only wake-up is the client's descriptor. Nothing here is rescued by a timeout: a wake-up
-- that gets lost leaves the loop asleep until the deadline, which is a failure.
local uv = require "luv"
local loop = require "spec.input.loop"

local wakeup = {}

-- Sends what may be sent now. Sometimes the next burst waits until all is quiet (the queue goes from empty to
-- non-empty, where wake-ups get lost), sometimes it races with what is still on its way.
local function burst(flow, random, send)
    local allowed = random:one_in(2) and 0 or 200
    if flow.sent - flow.seen > allowed then return end
    for _ = 1, math.min(random:int(1, random:one_in(2) and 4 or 120), flow.count - flow.sent) do
        flow.sent = flow.sent + 1
        send(flow.sent)
    end
end

--- Sends `count` messages and waits for all their reports, woken by the producer's descriptor alone.
function wakeup.deliveries(producer, topic, count, random, seconds)
    local flow = { sent = 0, seen = 0, wakes = 0, count = count }
    local function send(i)
        assert(producer:send(topic, -1, i, "event") == 0)
    end
    local watch = assert(uv.new_poll(producer:pollfd()))
    watch:start("r", loop.guard(function()
        flow.wakes = flow.wakes + 1
        -- One serving a wake-up must be enough, because the descriptor stays readable while anything is left;
        -- serving until nothing is left is what most programs do. Both.
        local once = random:one_in(2)
        repeat
            local _, failures, served = producer:poll(0)
            assert(failures == 0, "a delivery failed")
        until once or served == 0
        flow.seen = flow.sent - #producer
        if flow.seen == count then return uv.stop() end
        burst(flow, random, send)
        producer:pollfd() -- some loops ask before each sleep; asking must not put out a wake-up
    end))
    burst(flow, random, send)
    loop.until_stopped(seconds, function()
        return ("%d of %d sent, %d reported, %d wake-ups, descriptor readable: %s"):format(flow.sent, count, flow.seen,
            flow.wakes, tostring(loop.readable(producer:pollfd(), 0)))
    end)
    return flow
end

-- A wait function that sleeps on the descriptor and on nothing else; `ms` does not wake it.
local function sleeper(client, flow)
    local asleep
    local watch = assert(uv.new_poll(client:pollfd()))
    watch:start("r", loop.guard(function()
        flow.wakes = flow.wakes + 1
        local task = asleep
        asleep = nil
        if task then loop.resume(task) end
    end))
    return function()
        client:pollfd()
        asleep = coroutine.running()
        coroutine.yield()
    end
end

--- Runs fn(client) as a task in which the client's waiting calls sleep on its descriptor alone.
function wakeup.task(kafka, client, seconds, fn)
    local flow = { wakes = 0 }
    kafka.wrap(client, sleeper(client, flow))
    local ok, err = pcall(loop.run, seconds, function() fn(client) end)
    if not client:closed() then kafka.wrap(client, nil) end
    if not ok then error(err, 0) end
    return flow
end

--- Receives `count` messages that `producer` sends meanwhile; the consumer sleeps on its descriptor alone.
--- `kafka` is the module; the consumer must be subscribed to `topic` and gets its first message within `seconds`.
function wakeup.messages(kafka, consumer, producer, topic, count, random, seconds)
    local flow = { sent = 0, seen = 0, wakes = 0, count = count }
    local function send(i)
        assert(producer:send(topic, -1, nil, tostring(i)) == 0)
    end
    kafka.wrap(consumer, sleeper(consumer, flow))
    local highest, repeated = 0, 0
    local ok, err = pcall(loop.run, seconds, function()
        burst(flow, random, send)
        while flow.seen < count do
            local payload = consumer:receive()
            if payload then
                local number = tonumber(payload)
                if number ~= highest + 1 then repeated = repeated + 1 end
                highest = number
                flow.seen = flow.seen + 1
                burst(flow, random, send)
            end
        end
    end)
    kafka.wrap(consumer, nil)
    if not ok then
        error(("%s: %d of %d sent, %d received, %d wake-ups, descriptor readable: %s"):format(tostring(err), flow.sent,
            count, flow.seen, flow.wakes, tostring(loop.readable(consumer:pollfd(), 0))), 0)
    end
    flow.out_of_order = repeated
    return flow
end

return wakeup
