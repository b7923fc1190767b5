-- Misuse of every method is a clear error and never a crash. The methods are read from the metatables, so new ones are
-- swept without being listed; those listed in spec/input/signatures.lua are also held to refuse what they must.
local h = require "spec.helper"
local calls = require "spec.input.calls"
local signatures = require "spec.input.signatures"
local subjects = require "spec.input.subjects"
local survives = require "spec.input.survives"
local values = require "spec.input.values"

local kafka = h.kafka
local unpack = table.unpack or unpack

-- A spec with many cases collects what went wrong and shows all of it at once.
local function complaints()
    local list = {}
    return function(text, ...) list[#list + 1] = text:format(...) end, function()
        assert.equal(0, #list, ("%d wrong:\n%s"):format(#list, table.concat(list, "\n", 1, math.min(#list, 40))))
    end
end

local function good_args(kinds)
    local args = {}
    for i, one in ipairs(kinds) do
        if not one.optional then args[i] = one.kind.good end
    end
    return args
end

for _, class in ipairs { "Producer", "Partitioned", "Consumer", "Simple", "Queue", "Reader", "Mock", "Session" } do
    describe(("A %s"):format(class), function()
        after_each(h.cleanup)

        it("refuses each wrong argument of each listed method by a message that names it", function()
            local make, complain, settle = subjects.new(), complaints()
            local subject = make[class]()
            for _, method in ipairs(calls.names(signatures.classes[class])) do
                local kinds, call = signatures.of(class, method), calls.method(method)
                for place, one in ipairs(kinds) do
                    for _, bad in ipairs(one.kind.bad) do
                        local args = good_args(kinds)
                        args[place] = bad[2]
                        local count = math.max(place, subject.send and method == "send" and 4 or 0)
                        for i = place + 1, #kinds do
                            if not kinds[i].optional then count = math.max(count, i) end
                        end
                        local what = ("%s(%s = %s)"):format(method, one.word, bad[1])
                        local ok, err = calls.try(call, { subject, unpack(args, 1, count) }, count + 1)
                        if ok then
                            complain("%s returned %s", what, tostring(err))
                        elseif calls.unclear(err) then
                            complain("%s: %s", what, calls.unclear(err))
                        elseif not calls.names_it(err, method, one.kind.words) then
                            complain("%s names neither: %s", what, err)
                        end
                    end
                    if not one.optional then -- missing
                        local args = good_args(kinds)
                        local what = ("%s without %s"):format(method, one.word)
                        local ok, err = calls.try(call, { subject, unpack(args, 1, place - 1) }, place)
                        if ok then
                            complain("%s returned %s", what, tostring(err))
                        elseif calls.unclear(err) or not calls.names_it(err, method, one.kind.words) then
                            complain("%s: %s", what, tostring(err))
                        end
                    end
                end
            end
            settle()
            if subject.closed then assert.is_false(subject:closed(), "a refused argument closed it") end
        end)

        it("answers anything in any place of any method, and works afterwards", function()
            local make, complain, settle = subjects.new(), complaints()
            local subject = make[class]()
            local found = calls.of(subject)
            for _, name in ipairs(calls.names(found)) do
                if name ~= "close" and name ~= "__gc" and name ~= "__close" then
                    for _, value in ipairs(values.all) do
                        for place = 1, 4 do
                            local args = { subject }
                            for i = 2, place do args[i] = "known" end
                            args[place + 1] = value[2]
                            local ok, err = calls.try(found[name], args, place + 1)
                            if not ok and calls.unclear(err) then
                                complain("%s with %s as argument %d: %s", name, value[1], place, calls.unclear(err))
                            end
                        end
                    end
                end
            end
            settle()
            if subject.produce then
                kafka.wrap(subject, nil)
                subject:flush(10000)
                assert.is_true((subject:produce("known", "after all that")))
                assert.is_true(subject:flush(10000))
            elseif class == "Mock" then
                assert.is_string(subject:bootstrap_servers())
            end
        end)

        it("answers 64 MiB in any place of any method, by errors that stay short", function()
            local make, complain, settle = subjects.new(), complaints()
            local subject, big = make[class](), values.big()
            local found = calls.of(subject)
            local tries = { { big }, { "known", big }, { "known", "known", big }, { { { topic = big, partition = 0 } } } }
            for _, name in ipairs(calls.names(found)) do
                if name ~= "close" and name ~= "__gc" and name ~= "__close" then
                    for i, args in ipairs(tries) do
                        local ok, err = calls.try(found[name], { subject, unpack(args) }, #args + 1)
                        if not ok and calls.unclear(err) then complain("%s, try %d: %s", name, i, calls.unclear(err)) end
                    end
                end
            end
            settle()
        end)

        it("has methods that refuse every self but their own", function()
            local make, complain, settle = subjects.new(), complaints()
            local strangers = {}
            for _, stranger in ipairs(values.strangers) do strangers[#strangers + 1] = stranger end
            for _, other in ipairs(make.classes) do
                if other ~= class and other ~= make.kind_of[class] then strangers[#strangers + 1] = { "a " .. other, make[other]() } end
            end
            strangers[#strangers + 1] = { "a dressed-up table", setmetatable({}, { __index = make[class]() }) }
            for name, fn in pairs(calls.of(make[class]())) do
                for _, stranger in ipairs(strangers) do
                    local ok, err = calls.try(fn, { stranger[2], 0 }, stranger.none and 0 or 2)
                    if ok then
                        complain("%s took %s as self and returned %s", name, stranger[1], tostring(err))
                    elseif calls.unclear(err) then
                        complain("%s of %s: %s", name, stranger[1], calls.unclear(err))
                    elseif not err:find("kafka.", 1, true) then
                        complain("%s of %s does not say what it expects: %s", name, stranger[1], err)
                    end
                end
            end
            settle()
        end)

        it("answers every call after close: an error that says so, or what stays allowed", function()
            local make, complain, settle = subjects.new(), complaints()
            local subject = make[class]()
            local client, closed = make.client_of(subject), "attempt to use a[%a ]* closed kafka%.%a+"
            if client.pollfd then kafka.wrap(client, nil) end
            local found = calls.of(subject)
            client:close()
            local allowed = { close = true, closed = true, name = true, __tostring = true, __close = true }
            -- One that is at its end has nothing more, which is no misuse.
            if class == "Reader" then allowed.next, allowed.next_request, found.each, found.__call = true, true, nil, nil end
            -- An event loop may still ask what to look at: the descriptor is readable for good.
            local either = { pollfd = true, events = true, timeout = true }
            found.__gc = nil -- has a spec of its own
            for name, fn in pairs(found) do
                if either[name] then
                    local ok, err = pcall(fn, subject)
                    if not ok and not tostring(err):find(closed) then
                        complain("%s after close: %s", name, tostring(err))
                    end
                elseif name:sub(1, 2) == "__" or allowed[name] then
                    local ok, err = pcall(fn, subject)
                    if not ok and not (type(err) == "string" and err:find("closed kafka%.%a+")) then
                        complain("%s after close: %s", name, tostring(err))
                    end
                    if not ok and allowed[name] then complain("%s must work after close: %s", name, tostring(err)) end
                else
                    local kinds = signatures.of(class, name) or {}
                    local ok, err = calls.try(fn, { subject, unpack(good_args(kinds), 1, #kinds) }, #kinds + 1)
                    if ok or type(err) ~= "string" or not err:find(closed) then
                        complain("%s after close: %s", name, tostring(err))
                    end
                end
            end
            settle()
        end)
    end)
end

describe("The module's functions", function()
    after_each(h.cleanup)

    it("answer anything, in any place", function()
        local complain, settle = complaints()
        for _, name in ipairs(calls.names(kafka)) do
            local fn = kafka[name]
            if type(fn) == "function" then
                for _, value in ipairs(values.all) do
                    for place = 1, 4 do
                        local args = {}
                        for i = 1, place - 1 do args[i] = "127.0.0.1:1" end
                        args[place] = value[2]
                        local ok, result = calls.try(fn, args, place)
                        if not ok and calls.unclear(result) then
                            complain("kafka.%s with %s as argument %d: %s", name, value[1], place, calls.unclear(result))
                        elseif ok and type(result) == "userdata" and result.close then
                            result:close()
                        end
                    end
                end
            end
        end
        settle()
    end)

    it("refuse what they can not work with", function()
        local complain, settle = complaints()
        -- fn calls by name and not as its last act: so Lua knows what to call it in errors.
        local function refused(what, words, fn)
            local ok, err = pcall(fn)
            if ok then
                complain("%s was taken", what)
            elseif calls.unclear(err) or not calls.names_it(err, words[1], words) then
                complain("%s: %s", what, tostring(err))
            end
        end
        for _, stranger in ipairs(values.strangers) do
            refused("wrap of " .. stranger[1], { "wrap" }, function() return (kafka.wrap(stranger[2], print)) end)
        end
        local producer, brokers, group = h.track(kafka.producer "127.0.0.1:1"), "127.0.0.1:1", { ["group.id"] = "g" }
        for _, bad in ipairs { { "1", 1 }, { "true", true }, { "'x'", "x" }, { "a file", io.stdout } } do
            local value = bad[2]
            refused("wrap with " .. bad[1], { "wrap" }, function() return (kafka.wrap(producer, value)) end)
            refused("producer of " .. bad[1], { "producer" }, function() return (kafka.producer(brokers, value)) end)
            refused("consumer of " .. bad[1], { "consumer" }, function() return (kafka.consumer(brokers, { "t" }, value)) end)
            refused("topics " .. bad[1], { "consumer" }, function() return (kafka.consumer(brokers, value, group)) end)
        end
        for _, bad in ipairs { { brokers = 0 }, { brokers = -1 }, { brokers = 1.5 }, { brokers = "x" }, { brokers = values.nan },
            { brokers = 2 ^ 31 }, { brokers = 1, topics = 1 }, { brokers = 1, topics = { t = 0 } },
            { brokers = 1, topics = { t = -1 } }, { brokers = 1, topics = { t = 1.5 } }, { brokers = 1, topics = { t = 2147483647 } },
            { brokers = 1, topics = { ["a b"] = 1 } }, { brokers = 1, topics = { [1] = 1 } }, { brokers = 1, rtt = -1 },
            { brokers = 1, rtt = "x" }, { brokers = 1, no_such = 1 } } do
            refused("mock_cluster option", { "mock_cluster", "brokers", "topic", "rtt", "no_such" },
                function() return (kafka.mock_cluster(bad)) end)
        end
        for _, bad in ipairs { true, print, io.stdout, {} } do
            refused("properties of a " .. type(bad), { "properties" }, function() return (kafka.properties(bad)) end)
        end
        settle()
    end)

    it("refuse strings of 64 MiB and strings with NUL by a message that stays short", function()
        local big, complain, settle = values.big(), complaints()
        for _, text in ipairs { big, "a\0b" } do
            for what, fn in pairs {
                ["a configuration key"] = function() return kafka.producer("127.0.0.1:1", { [text] = "1" }) end,
                ["a configuration value"] = function() return kafka.producer("127.0.0.1:1", { acks = text }) end,
                ["a client.id with NUL"] = function() return kafka.producer("127.0.0.1:1", { ["client.id"] = "a\0b" }) end,
                ["a topic"] = function() return kafka.consumer("127.0.0.1:1", { text }, { ["group.id"] = "g" }) end,
                ["a group.id with NUL"] = function() return kafka.consumer("127.0.0.1:1", { "t" }, { ["group.id"] = "g\0" }) end,
                ["a broker list with NUL"] = function() return kafka.producer "127.0.0.1:1\0" end,
                ["a topic setting"] = function()
                    return kafka.consumer("127.0.0.1:1", { "t" }, { ["group.id"] = "g" }, { ["auto.offset.reset"] = text })
                end,
            } do
                local ok, err = pcall(fn)
                if ok then
                    complain("%s was taken", what)
                    err:close(0)
                elseif calls.unclear(err) then
                    complain("%s: %s", what, calls.unclear(err))
                end
            end
        end
        settle()
    end)

    it("refuse texts so long that librdkafka would overflow the stack on them", function()
        survives [[
            local kafka, long = h.kafka, ("x"):rep(16 * 1024 * 1024)
            local function refused(what, fn, ...)
                local ok, err = pcall(fn, ...)
                assert(not ok, what .. " was taken")
                assert(not calls.unclear(err), calls.unclear(err))
            end
            local nested = "^" .. ("("):rep(100000) .. "a" .. (")"):rep(100000)
            refused("a broker list", kafka.producer, long)
            refused("bootstrap.servers", kafka.producer, { ["bootstrap.servers"] = long })
            refused("a pattern", kafka.consumer, "127.0.0.1:1", { "^" .. long }, { ["group.id"] = "g" })
            refused("a nested pattern", kafka.consumer, "127.0.0.1:1", { nested }, { ["group.id"] = "g" })
            for _, pattern in ipairs { "^" .. long, nested } do
                refused("a modern pattern", kafka.consumer,
                    { ["bootstrap.servers"] = "127.0.0.1:1", ["group.id"] = "g", topics = { pattern } })
            end
            refused("a blacklist", kafka.consumer, "127.0.0.1:1", { "t" }, { ["group.id"] = "g", ["topic.blacklist"] = nested })
            refused("a group", kafka.consumer, "127.0.0.1:1", { "t" }, { ["group.id"] = ("g"):rep(40000) }) -- past Kafka's int16
            refused("a client", kafka.producer, "127.0.0.1:1", { ["client.id"] = ("c"):rep(40000) })
        ]]
    end)
end)

describe("Numbers", function()
    after_each(h.cleanup)

    local function delivered(id)
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local producer = h.track(kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 0 }))
        producer:create_topic(topic)
        assert.equal(0, producer:send(topic, 0, id, "x"))
        local found, failures = producer:poll(10000)
        assert.equal(0, failures)
        return found
    end

    it("of a sequence come back exactly: 0, 1, 2^53, a numeric string", function()
        assert.equal(0, delivered(0))
        assert.equal(1, delivered(1))
        assert.equal(2 ^ 53, delivered(2 ^ 53))
        assert.equal(12, delivered "12")
        assert.is_nil(delivered(nil))
    end)

    it("of a sequence that can not be kept exactly are refused by name", function()
        local make = subjects.new()
        local producer = make.Producer()
        for _, id in ipairs { -1, values.beyond, 2 ^ 63, math.huge } do
            assert.matches("sequence_id out of range", h.error_of(producer.send, producer, "known", 0, id, "x"))
        end
        local send = calls.method "send"
        for _, id in ipairs { 1.5, values.nan, "1.5", "x", "" } do
            local err = h.error_of(send, producer, "known", 0, id, "x")
            assert.is_true(calls.names_it(err, "bad argument #3 to 'send'", { "sequence_id" }), err)
        end
        assert.equal(0, #producer)
    end)

    it("as timeouts are whole milliseconds, 0, or -1 for ever", function()
        local make = subjects.new()
        local producer = make.Producer()
        assert.is_nil((producer:poll(0)))
        assert.is_true(producer:flush(-1)) -- nothing is queued, so for ever is over at once
        assert.equal(calls.WOULD_WAIT, h.error_of(producer.poll, producer, -1))
        for _, bad in ipairs { -2, -1.5, 0.5, 1e308, -1e308, values.nan, math.huge, -math.huge, values.beyond } do
            for _, method in ipairs { "poll", "flush", "close" } do
                assert.matches("timeout", h.error_of(producer[method], producer, bad))
            end
        end
        assert.is_false(producer:closed())
    end)
end)

describe("A mock cluster", function()
    after_each(h.cleanup)

    it("refuses what would make librdkafka's own cluster abort the process, and works on", function()
        survives [[
            local mock = make.Mock()
            for what, call in pairs {
                ["a leader far beyond"] = function() return mock:set_leader("unknown", 2147483647, 1) end,
                ["a leader before the first"] = function() return mock:set_leader("known", -1, 1) end,
                ["a follower far beyond"] = function() return mock:set_follower("unknown", 2147483646, 1) end,
                ["a follower of none"] = function() return mock:set_follower("unknown", -1, 1) end,
                ["too many partitions"] = function() return mock:create_topic("many", 2147483647) end,
                ["no replicas"] = function() return mock:create_topic("few", 1, -1) end,
                ["all brokers removed"] = function() return mock:remove_broker(-1) end,
                ["too many partitions in a table"] = function() return h.kafka.mock_cluster { topics = { t = 2147483647 } } end,
                ["too many brokers"] = function() return h.kafka.mock_cluster { brokers = 2147483647 } end,
            } do
                local ok, result = pcall(call)
                assert(not ok or not result, what .. " was taken")
            end
            mock:remove_broker(1) -- the only one
            assert(pcall(mock.add_broker, mock, 1))
            mock:create_topic("after", 3)
            local producer = h.kafka.producer(mock:bootstrap_servers(), { exit_timeout = 100 })
            producer:produce("after", "x")
            mock:close()
            pcall(mock.close, mock)
        ]]
    end)
end)

-- Red when the type is called as mlua does, "other".
if h.is_jit then
    describe("A number of LuaJIT's FFI where a timeout belongs", function()
        after_each(h.cleanup)

        it("is called cdata", function()
            local producer = h.track(kafka.producer(h.nowhere))
            local big = h.chunk("return 100ULL")()
            for _, name in ipairs { "flush", "poll", "close" } do
                assert.matches("number expected, got cdata", h.error_of(producer[name], producer, big))
            end
            assert.matches("number expected, got cdata", h.error_of(producer.watermarks, producer, "t", 0, big))
        end)
    end)
end
