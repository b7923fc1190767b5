-- What the specs of secured listeners share: one message there and back, and what is heard of a refusal.
local assert = require "luassert"
local h = require "spec.helper"

local secured = {}

function secured.text_of(path)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    return text
end

function secured.with(conf, more)
    local all = {}
    for _, part in ipairs { conf or {}, more or {} } do
        for key, value in pairs(part) do all[key] = value end
    end
    return all
end

--- One message there and back over `brokers` with these settings.
function secured.round_trip(kafka, brokers, conf)
    local topic = kafka:create_topic(h.topic("secured"), 1)
    local producer = h.track(h.kafka.producer(brokers, conf))
    assert(producer:produce(topic, "a secret"))
    assert(producer:flush(10000))
    local consumer = h.track(h.kafka.consumer(brokers, { topic .. ":0" }, secured.with(conf, {
        ["group.id"] = h.topic("group"), ["auto.offset.reset"] = "earliest",
    })))
    assert.equal("a secret", h.receive(consumer)[1])
    return producer, consumer, topic
end

--- A producer and a consumer are refused within five seconds and told why, each by every way it has.
function secured.assert_refused(brokers, conf, name, pattern)
    local begun, heard, told = h.now(), { producer = {}, consumer = {} }, nil
    local function listener(side) return function(err) table.insert(heard[side], err) end end
    local producer = h.track(h.kafka.producer(brokers, secured.with(conf, { on_error = listener("producer") })))
    local consumer = h.track(h.kafka.consumer(brokers, { "never:0" }, secured.with(conf, {
        ["group.id"] = h.topic("group"), on_error = listener("consumer"),
    })))
    assert(producer:produce("never", "a secret"))
    while not (told and heard.producer[1]) and h.now() - begun < 5 do
        producer:poll(50)
        if not told then
            local _, err = consumer:poll(50)
            told = err
        end
    end
    assert.is_true(h.now() - begun < 5, "it took longer than 5 s")
    for what, err in pairs {
        ["the producer's on_error"] = heard.producer[1], ["the producer's last_error"] = producer:last_error(),
        ["the consumer's poll"] = told, ["the consumer's on_error"] = heard.consumer[1],
        ["the consumer's last_error"] = consumer:last_error(),
    } do
        assert.equal(name, err.name, what .. ": " .. tostring(err))
        assert.matches(pattern, err.message, 1, false, what)
    end
    local done, why, left = producer:flush(100)
    assert.is_nil(done)
    assert.equal(1, left)
    assert.matches(pattern, why.message)
    assert.is_truthy(why.message:find(name, 1, true), why.message)
    producer:close(0)
end

return secured
