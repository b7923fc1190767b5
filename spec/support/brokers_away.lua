-- The story of a consumer all of whose brokers die and come back: told for seconds in CI, for half a minute in hammer.

return function(kafka, h, seconds)
    local topic, errors = kafka:create_topic(h.topic "away", 2), {}
    h.fill(kafka.brokers, topic, { { value = "before", partition = 0 } })
    local c = h.track(h.kafka.consumer {
        ["bootstrap.servers"] = kafka.brokers, ["group.id"] = h.topic "away", topics = { topic },
        ["auto.offset.reset"] = "earliest", ["reconnect.backoff.max.ms"] = 1000, ["session.timeout.ms"] = 45000,
        on_error = function(err) errors[err.name] = (errors[err.name] or 0) + 1 end,
    })
    local value
    local function next_value(timeout)
        for message in c:messages { timeout = timeout, limit = 1 } do return message.value end -- luacheck: ignore
    end
    h.wait_until(function()
        value = next_value(200)
        return value
    end, 20)
    assert(value == "before")
    kafka:kill(1)
    local until_then = h.now() + seconds
    while h.now() < until_then do
        local message, err = c:poll(200)
        assert(message == nil)
        -- Nothing that a program would have to handle.
        assert(err == nil, tostring(err))
    end
    assert(errors._ALL_BROKERS_DOWN or errors._TRANSPORT, "on_error was told")
    kafka:restart(1)
    local back = h.now()
    -- The producer has its own way back; its message is there before the clock starts.
    h.fill(kafka.brokers, topic, { { value = "after", partition = 0 } })
    local written = h.now()
    h.wait_until(function()
        value = next_value(200)
        return value == "after"
    end, 20)
    local took = h.now() - math.max(back, written)
    assert(took < 5, ("flowing again took %.1f s"):format(took))
    return took
end
