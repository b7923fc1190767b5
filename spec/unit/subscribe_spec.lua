-- What cannot be subscribed to is misuse: told at the user's line, with the entry, what is wrong with it and the cure.
-- Turns red when the answer of librdkafka to a bad pattern or a repeated topic is passed on as it is (_INVALID_ARG).
local h = require "spec.helper"
local kafka = h.kafka

describe("subscribing", function()
    after_each(h.cleanup)

    local function consumer()
        return h.track(kafka.consumer { ["bootstrap.servers"] = h.nowhere, ["group.id"] = "g" })
    end

    local ARRAY = 'bad argument #1 to \'subscribe\' (an array of topics expected, such as {"orders", "^audit\\..*"}, got '
    local NAMES = "only a-z A-Z 0-9 . _ - are accepted"
    for _, case in ipairs {
        { "a pattern that is no regular expression", { "fine", "^(" }, "subscribe: '^(' is not a valid regular expression: ",
            "; after ^ a POSIX extended one is accepted" },
        { "another one, with commas", { "^a{1,2}", "^a{1,2}[" }, "subscribe: '^a{1,2}[' is not a valid regular expression: ",
            "; after ^ a POSIX extended one is accepted" },
        { "a topic twice", { "t", "u", "t" }, "subscribe: 't' stands there twice; name each topic once", "" },
        { "an empty list", {}, ARRAY .. "an empty one; unsubscribe() ends a subscription)", "" },
        { "a name", "t", ARRAY .. '"t")', "" },
        { "a number", { "t", 5 }, ARRAY .. "5 in place 2)", "" },
        { "a table in the list", { { topic = "t" } }, ARRAY .. "table: 0x", " in place 1)" },
        { "a map", { topic = "t" }, ARRAY .. 'one with the key "topic")', "" },
        { "an empty name", { "" }, "subscribe: invalid topic: the name is empty; 1 to 249 characters of a-z A-Z 0-9 . _ - are accepted", "" },
        { "a name with a NUL byte", { "a\0b" }, "subscribe: invalid topic 'a\\x00b': " .. NAMES, "" },
        { "a name with a space", { "a b" }, "subscribe: invalid topic 'a b': " .. NAMES, "" },
        { "a pattern with a NUL byte", { "^a\0b" }, "subscribe: invalid topic pattern '^a\\x00b': it contains a NUL byte", "" },
        { "a pattern that is not UTF-8", { "^\255" }, "subscribe: invalid topic pattern '^\\xff': it is not UTF-8", "" },
        { "a partition", { "t:3" }, "subscribe: 't:3' names a partition; use assign for partitions", "" },
    } do
        it("to " .. case[1] .. " is told at the user's line, with what is accepted", function()
            local c = consumer()
            local err = h.error_of(h.chunk("local c, topics = ...\nlocal ok = c:subscribe(topics)\nreturn ok", "user.lua"), c, case[2])
            assert.equal("user.lua:2: " .. case[3], err:sub(1, #case[3] + 12))
            assert.equal(case[4], case[4] == "" and err:sub(#case[3] + 13) or err:sub(-#case[4]))
            assert.same({}, c:subscription())
        end)
    end

    -- Turns red when a pattern is subscribed to without its ^, or what comes later is not looked for.
    it("to a pattern takes up topics that are made later, and no others", function()
        local mock, name = h.mock {}, h.topic "made"
        local function make(topic)
            mock:create_topic(topic, 2)
            h.fill(mock:bootstrap_servers(), topic, { { value = topic, partition = 0 }, { value = topic, partition = 1 } })
        end
        make(name .. "-0") -- a pattern without a topic is told as an error
        local c = h.reader(mock, {
            topics = { "^" .. name .. "-.*" }, ["topic.metadata.refresh.interval.ms"] = 100,
            -- The mock waits that long for a member that joins again.
            ["session.timeout.ms"] = 2000, ["heartbeat.interval.ms"] = 100,
        })
        local seen, count = {}, 0
        for round = 1, 3 do
            make("un" .. name .. "-" .. round)
            make(name .. "-" .. round)
            while count < 2 * round + 2 do
                local message = h.next_message(c)
                local place = message.topic .. ":" .. message.partition
                if not seen[place] then seen[place], count = true, count + 1 end
            end
        end
        for place in pairs(seen) do assert.equal(1, (place:find(name .. "-", 1, true))) end
        assert.equal(8, #c:assignment())
    end)

    it("names the entry in a constructor, too", function()
        for _, case in ipairs { { { "^(" }, "option topics: '^(' is not a valid regular expression: " },
            { { "t", "t" }, "option topics: 't' stands there twice" }, { { "t:0", "t:0" }, "option topics: 't:0' stands there twice" } } do
            local err = h.error_of(kafka.consumer, { ["bootstrap.servers"] = h.nowhere, ["group.id"] = "g", topics = case[1] })
            assert.truthy(err:find(case[2], 1, true), err)
        end
    end)

    -- Turns red with librdkafka's words: they name partition 0, which nobody asked for, and not that it goes on looking.
    it("to what is not there (yet) is told once, with when it is looked for again, and goes on", function()
        local mock = h.mock { topics = { other = 1 } }
        for topic, message in pairs {
            ["^new-.*"] = "^new-.* matches no topic that is there and may be seen; it is looked for again after "
                .. "topic.metadata.refresh.interval.ms=500 at the latest",
            ["named"] = "named is no topic that is there and may be seen; it is looked for again after "
                .. "topic.metadata.refresh.interval.ms=500 at the latest",
        } do
            local c = h.track(kafka.consumer {
                ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = h.topic "group", ["auto.offset.reset"] = "earliest",
                topics = { topic }, ["topic.metadata.refresh.interval.ms"] = 500,
            })
            local err = h.wait_until(function() return select(2, c:poll(100)) end)
            assert.same({ "UNKNOWN_TOPIC_OR_PART", message }, { err.name, err.message })
            local name = topic == "named" and topic or "new-one"
            mock:create_topic(name, 1)
            h.fill(mock:bootstrap_servers(), name, { "value" })
            assert.equal(name, h.next_message(c).topic) -- an error before it fails
        end
    end)

    -- Turns red when all that is told of a topic as a whole is taken for a topic that is not there.
    it("to what may not be read says so, of the topic", function()
        local mock = h.mock { topics = { secret = 1 } }
        mock:set_topic_error("secret", "TOPIC_AUTHORIZATION_FAILED")
        local c = h.track(kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g", topics = { "secret" } })
        local err = h.wait_until(function() return select(2, c:poll(100)) end)
        assert.same({ "TOPIC_AUTHORIZATION_FAILED", "secret: Broker: Topic authorization failed" }, { err.name, err.message })
    end)
end)
