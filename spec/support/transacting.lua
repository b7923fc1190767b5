-- What specs of producer:transaction share: a mock cluster with topics "input" and "out", and clients of it.
local h = require "spec.helper"
local transacting = {}
local mock

--- Before each test.
function transacting.new_mock()
    mock = h.mock { topics = { input = 2, out = 2 } }
    return mock
end

function transacting.producer(conf)
    conf = conf or {}
    conf["bootstrap.servers"], conf.exit_timeout = mock:bootstrap_servers(), 100
    conf["transactional.id"] = conf["transactional.id"] or h.topic "id"
    return h.track(h.kafka.producer(conf))
end

function transacting.consumer(conf)
    conf = conf or {}
    conf["bootstrap.servers"], conf["group.id"] = mock:bootstrap_servers(), conf["group.id"] or h.topic "group"
    conf.topics, conf["auto.offset.reset"] = conf.topics or { "input" }, "earliest"
    if conf["enable.auto.commit"] == nil then conf["enable.auto.commit"] = false end
    return h.track(h.kafka.consumer(conf))
end

function transacting.fill(count)
    local values = {}
    for i = 1, count do values[i] = { value = tostring(i), partition = i % 2 } end
    h.fill(mock:bootstrap_servers(), "input", values)
end

--- Reads until it has `count` messages: their values, sorted.
function transacting.take(consumer, count)
    local got = {}
    h.wait_until(function()
        for _, message in ipairs(assert(consumer:poll_batch(count - #got, 100))) do got[#got + 1] = message.value end
        return #got >= count
    end)
    table.sort(got, function(a, b) return tonumber(a) < tonumber(b) end)
    return got
end

--- How many requests of one kind there were.
function transacting.requests(api)
    local count = 0
    for _, request in ipairs(mock:requests()) do
        if request.api == api then count = count + 1 end
    end
    return count
end

return transacting
