-- kafka.session: one configuration, many clients. kafka.with: a client that is closed whatever happens.
local h = require "spec.helper"
local kafka = h.kafka

local NOWHERE = h.nowhere

local function session(options)
    options["bootstrap.servers"] = options["bootstrap.servers"] or NOWHERE
    return h.track(kafka.session(options))
end

describe("kafka.session", function()
    after_each(h.cleanup)

    it("gives each client what belongs to it, and no more", function()
        local s = session{
            ["client.id"] = "shop", ["linger.ms"] = 3, acks = 1, ["group.id"] = "g", ["auto.offset.reset"] = "earliest",
            ["session.timeout.ms"] = 12345, topics = { "t" }, partitioner = "murmur2",
        }
        local p, c = s:producer(), s:consumer()
        assert.matches("^kafka%.Producer: shop", tostring(p))
        assert.matches("^kafka%.Consumer: shop", tostring(c))
        local producers, consumers = p:config(), c:config()
        assert.equal(NOWHERE, producers["bootstrap.servers"])
        assert.equal(NOWHERE, consumers["bootstrap.servers"])
        assert.same({ 3, 5 }, { producers["linger.ms"], consumers["linger.ms"] })
        assert.same({ 45000, 12345 }, { producers["session.timeout.ms"], consumers["session.timeout.ms"] })
        assert.is_nil(producers["group.id"])
        assert.equal("g", consumers["group.id"])
        assert.same({ 1, -1 }, { p:topic_config().acks, c:topic_config().acks })
        assert.same({ "largest", "smallest" }, { p:topic_config()["auto.offset.reset"], c:topic_config()["auto.offset.reset"] })
        assert.same({ "murmur2", "consistent_random" }, { p:topic_config().partitioner, c:topic_config().partitioner })
    end)

    it("reads windows with what concerns no group, and closes its readers", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { { value = "a" }, { value = "b" }, { value = "c" } })
        local s = session {
            ["bootstrap.servers"] = mock:bootstrap_servers(), ["client.id"] = "shop", ["group.id"] = "g", topics = { "t" }, ack = "manual",
            ["fetch.wait.max.ms"] = 10, on_assign = function() error "no group" end,
        }
        local values = {}
        local first = s:read { topic = "t", limit = 2 }
        assert.equal(2, first:each(function(message) values[#values + 1] = message.value end))
        assert.equal(1, s:read(first:next_request()):each(function(message) values[#values + 1] = message.value end))
        assert.same({ "a", "b", "c" }, values)
        local open = s:read { topic = "t" }
        assert.equal("a", open:next().value)
        assert.is_true(s:close())
        assert.is_true(open:closed())
        assert.is_nil(open:next())
        assert.equal("user.lua:2: attempt to use a closed kafka.Session",
            h.error_of(h.chunk "local s = ...\nlocal r = s:read{ topic = 't' }\nreturn r", s))
        assert.equal("user.lua:2: bad argument #1 to 'read' (a table of options with a topic, or requests, expected, got nil)",
            h.error_of(h.chunk "local s = ...\nlocal r = s:read(nil)\nreturn r", session {}))
    end)

    it("lets a client override each property, under any of its names, and each option", function()
        local function one() end
        local function two() end
        local s = session{ ["linger.ms"] = 3, acks = 1, on_error = one, exit_timeout = 1 }
        local p = s:producer{ ["queue.buffering.max.ms"] = 4, ["request.required.acks"] = "all", on_error = two, ["metadata.broker.list"] = "127.0.0.1:2" }
        local config = p:config()
        assert.same({ 4, two, 1, "127.0.0.1:2" }, { config["linger.ms"], config.on_error, config.exit_timeout, config["bootstrap.servers"] })
        assert.equal(-1, p:topic_config().acks)
        local other = s:producer():config()
        assert.same({ 3, one, NOWHERE }, { other["linger.ms"], other.on_error, other["bootstrap.servers"] })
    end)

    it("hands callbacks down to the side that has them", function()
        local mock = h.mock{ topics = { t = 1 } }
        local reports, logs = 0, 0
        local s = session{
            ["bootstrap.servers"] = mock:bootstrap_servers(), debug = "broker", ["group.id"] = "g", topics = { "t" },
            on_delivery = function() reports = reports + 1 end, on_log = function() logs = logs + 1 end,
        }
        local p = s:producer()
        assert.is_true(p:produce("t", "v"))
        assert.is_true(p:flush())
        assert.equal(1, reports)
        local c = s:consumer() -- takes no on_delivery
        logs = 0
        h.wait_until(function()
            c:receive()
            return logs > 0
        end)
    end)

    it("takes Lua functions as partitioners for its producers", function()
        local mock = h.mock{ topics = { t = 3 } }
        local went
        local s = session{
            ["bootstrap.servers"] = mock:bootstrap_servers(), partitioner = function() return 2 end,
            on_delivery = function(_, report) went = report.partition end,
        }
        local p = s:producer()
        p:produce("t", "v")
        assert.is_true(p:flush())
        assert.equal(2, went)
        went = nil
        local named = s:producer{ partitioner = "consistent" }
        named:produce("t", "v", "k")
        assert.is_true(named:flush())
        assert.equal(kafka.partitioner.crc32("k", 3), went)
        s:set("partitioner", "murmur2")
        assert.equal("murmur2", s:topic_config().partitioner)
        assert.is_nil(s:config().partitioner)
        assert.equal("murmur2", s:producer():topic_config().partitioner)
    end)

    it("reads options and overrides through metatables, and passes their errors on", function()
        local failure = { "mine" }
        local s = session(setmetatable({}, { __index = { exit_timeout = 5 } }))
        assert.equal(5, s:config().exit_timeout)
        assert.equal(6, s:producer(setmetatable({}, { __index = { exit_timeout = 6 } })):config().exit_timeout)
        local angry = setmetatable({}, { __index = function() error(failure) end })
        for _, use in ipairs{ kafka.session, function(options) return s:producer(options) end, function(options) return s:consumer(options) end } do
            local ok, err = pcall(use, angry)
            assert.is_false(ok)
            assert.equal(failure, err)
        end
    end)

    it("is refused what a client would be refused, at once", function()
        assert.matches('did you mean "linger.ms"', h.error_of(kafka.session, { ["linger.mz"] = 1 }), 1, true)
        assert.matches('did you mean "on_error"', h.error_of(kafka.session, { on_eror = print }), 1, true)
        assert.matches("linger.ms = x", h.error_of(kafka.session, { ["linger.ms"] = "x" }), 1, true)
        assert.matches("allow_unsafe_config=true", h.error_of(kafka.session, { ["plugin.library.paths"] = "x" }), 1, true)
        local make = h.chunk("local kafka, options = ...\nlocal s = kafka.session(options)")
        assert.matches("^user%.lua:2: option on_error: a function expected", h.error_of(make, kafka, { on_error = 1 }))
        assert.matches("^user%.lua:2: option topics: an array", h.error_of(make, kafka, { topics = 1 }))
        assert.matches("table expected", h.error_of(kafka.session, 1), 1, true)
        assert.matches("incorrect number of arguments", h.error_of(kafka.session), 1, true)
        local ok, err = pcall(kafka.session, { ["sasl.password"] = "hunter2\0" })
        assert.is_false(ok)
        assert.is_nil(err:find("hunter2", 1, true))
    end)

    it("needs no brokers until a client is made", function()
        local s = h.track(kafka.session{ ["linger.ms"] = 1 })
        local make = h.chunk("local s = ...\nlocal p = s:producer()")
        assert.matches("^user%.lua:2: bootstrap%.servers must be set", h.error_of(make, s))
        assert.is_false(s:producer{ ["bootstrap.servers"] = NOWHERE }:closed())
    end)

    it("raises a client's own mistakes at the line that makes it", function()
        local s = session{ ["group.id"] = "g" }
        local produce = h.chunk("local s, options = ...\nlocal p = s:producer(options)")
        local consume = h.chunk("local s, options = ...\nlocal c = s:consumer(options)")
        assert.matches("^user%.lua:2: option exit_timeout: milliseconds", h.error_of(produce, s, { exit_timeout = "x" }))
        assert.matches("^user%.lua:2: option on_delivery: a producer's option", h.error_of(consume, s, { on_delivery = print }))
        assert.matches("^user%.lua:2: option topics: the array is empty", h.error_of(consume, s, { topics = {} }))
    end)
end)

describe("session:set", function()
    after_each(h.cleanup)

    it("reaches clients made later, and none made before", function()
        local s = session{ ["linger.ms"] = 3 }
        local before = s:producer()
        s:set("queue.buffering.max.ms", 9)
        s:set("on_error", print)
        s:set_topic("acks", 1)
        local after = s:producer()
        assert.same({ 3, 9 }, { before:config()["linger.ms"], after:config()["linger.ms"] })
        assert.same({ -1, 1 }, { before:topic_config().acks, after:topic_config().acks })
        assert.is_nil(before:config().on_error)
        assert.equal(print, after:config().on_error)
        assert.is_nil(s:config()["linger.ms"])
        assert.equal(9, s:config()["queue.buffering.max.ms"])
    end)

    it("takes a value back with nil", function()
        local s = session{ ["linger.ms"] = 3, on_error = print, acks = 1, topics = { "t" } }
        s:set("queue.buffering.max.ms", nil)
        s:set("on_error", nil)
        s:set("topics", nil)
        s:set_topic("request.required.acks", nil)
        assert.same({ ["bootstrap.servers"] = NOWHERE }, s:config())
        assert.same({}, s:topic_config())
        assert.equal(5, s:producer():config()["linger.ms"])
    end)

    it("changes nothing when it refuses", function()
        local s = session{ ["linger.ms"] = 3, acks = 1 }
        assert.matches("linger.ms", h.error_of(s.set, s, "linger.ms", "x"), 1, true)
        assert.matches("did you mean", h.error_of(s.set, s, "linger.mz", 3), 1, true)
        assert.matches("did you mean", h.error_of(s.set, s, "linger.mz", nil), 1, true)
        assert.matches("it belongs to the client", h.error_of(s.set_topic, s, "linger.ms", 3), 1, true)
        assert.matches("acks", h.error_of(s.set_topic, s, "acks", "maybe"), 1, true)
        assert.matches("did you mean", h.error_of(s.set_topic, s, "akcs", nil), 1, true)
        assert.matches("^user%.lua:2: option exit_timeout", h.error_of(h.chunk("local s = ...\ns:set('exit_timeout', 'x')"), s))
        assert.matches("allow_unsafe_config=true", h.error_of(s.set, s, "plugin.library.paths", "x"), 1, true)
        assert.same({ 3, 1 }, { s:config()["linger.ms"], s:topic_config().acks })
    end)

    it("may allow what runs code, as a client may", function()
        local s = session{}
        s:set("allow_unsafe_config", true)
        s:set("ssl.engine.location", "/no/such/engine.so")
        assert.equal("/no/such/engine.so", s:config()["ssl.engine.location"])
        s:set("allow_unsafe_config", false)
        assert.matches("allow_unsafe_config=true", h.error_of(s.producer, s), 1, true)
    end)
end)

describe("session:config", function()
    after_each(h.cleanup)

    it("tells what was set, by level, with secrets masked, in a table of the caller's", function()
        local s = session{ ["sasl.password"] = "hunter2", acks = "all", topics = { "t" }, exit_timeout = 7 }
        assert.same({ ["bootstrap.servers"] = NOWHERE, ["sasl.password"] = "(hidden)", topics = { "t" }, exit_timeout = 7 }, s:config())
        assert.same({ acks = "all" }, s:topic_config())
        s:config().topics[1] = "mine"
        s:config().exit_timeout = 8
        assert.same({ "t" }, s:config().topics)
        assert.equal(7, s:config().exit_timeout)
        assert.equal("(hidden)", s:producer():config()["sasl.password"])
    end)

    it("keeps a secret out of sight of what prints tables", function()
        local s = session{ ["sasl.password"] = "hunter2" }
        local seen = {}
        local function walk(value)
            if type(value) == "string" then assert.is_nil(value:find("hunter2", 1, true)) end
            if type(value) ~= "table" or seen[value] then return end
            seen[value] = true
            for k, v in pairs(value) do
                walk(k)
                walk(v)
            end
            walk(getmetatable(value))
        end
        walk(s)
        walk(tostring(s))
    end)
end)

describe("session:close", function()
    after_each(h.cleanup)

    it("closes its clients, which deliver and commit as by their own close, and makes no more", function()
        local mock = h.mock{ topics = { t = 1 } }
        local s = session{ ["bootstrap.servers"] = mock:bootstrap_servers(), ["linger.ms"] = 60000, ["group.id"] = "g", topics = { "t" } }
        local p, c, gone = s:producer(), s:consumer(), s:producer()
        p:produce("t", "v")
        gone:close()
        assert.equal("kafka.Session (open, 2 clients open)", tostring(s))
        assert.is_true(s:close())
        assert.is_true(p:closed() and c:closed() and s:closed())
        assert.equal("kafka.Session (closed, 0 clients open)", tostring(s))
        assert.equal("v", h.drain(mock:bootstrap_servers(), "t", { count = 1 })[1].value)
        assert.is_true(s:close())
        for _, name in ipairs{ "producer", "consumer", "config", "topic_config" } do
            assert.matches("attempt to use a closed kafka.Session", h.error_of(s[name], s), 1, true)
        end
    end)

    it("tells the first that failed, and closes the others all the same", function()
        local s = session{}
        local one, two = s:producer(), s:producer()
        one:produce("t", "lost")
        one:produce("t", "lost too")
        two:produce("t", "lost as well")
        local done, err, undelivered = s:close(50)
        assert.is_nil(done)
        assert.equal("_TIMED_OUT", err.name)
        assert.equal(3, undelivered)
        assert.is_true(one:closed() and two:closed())
    end)

    it("raises what a callback raised when all are closed", function()
        local failure = { "mine" }
        local s = session{ on_delivery = function() error(failure) end }
        local one, two = s:producer(), s:producer()
        two:produce("t", "v")
        local ok, err = pcall(s.close, s, 50)
        assert.is_false(ok)
        assert.equal(failure, err)
        assert.is_true(one:closed() and two:closed())
    end)

    it("is not done by the collector, and a session keeps no client alive", function()
        local weak = setmetatable({}, { __mode = "v" })
        local p
        do
            local s = kafka.session{ ["bootstrap.servers"] = NOWHERE, on_error = function() return weak end }
            p = h.track(s:producer())
            weak.session, weak.dropped = s, s:producer()
        end
        for _ = 1, 4 do collectgarbage() end
        assert.is_nil(weak.session)
        assert.is_nil(weak.dropped)
        assert.is_false(p:closed())
    end)

    it("refuses a wrong timeout before anything is closed", function()
        local s = session{}
        local p = s:producer()
        for _, bad in ipairs{ "x", -2, 1.5, 0 / 0, {}, 2 ^ 31 } do assert.matches("timeout", h.error_of(s.close, s, bad), 1, true) end
        assert.is_false(p:closed() or s:closed())
    end)
end)

describe("kafka.with", function()
    after_each(h.cleanup)

    it("closes the client after the function and returns its results", function()
        local mock = h.mock{ topics = { t = 1 } }
        local p = kafka.producer{ ["bootstrap.servers"] = mock:bootstrap_servers(), ["linger.ms"] = 60000 }
        local got = { kafka.with(p, function(client, ...)
            assert.equal(p, client)
            assert.equal(0, select("#", ...))
            client:produce("t", "v")
            return 1, nil, 3
        end) }
        assert.same({ 1, nil, 3 }, got)
        assert.is_true(p:closed())
        assert.equal("v", h.drain(mock:bootstrap_servers(), "t", { count = 1 })[1].value)
    end)

    it("closes it also when the function raises, and passes the error on as it is", function()
        local failure = { "mine" }
        local p = kafka.producer(NOWHERE)
        local ok, err = pcall(kafka.with, p, function() error(failure) end)
        assert.is_false(ok)
        assert.equal(failure, err)
        assert.is_true(p:closed())
    end)

    it("counts a consumer's last message as done, unless the function raised", function()
        local mock = h.mock{ topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "one", "two", "three" })
        local function consume(fn)
            local c = kafka.consumer{
                ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g", ["auto.offset.reset"] = "earliest", topics = { "t:0" },
            }
            return pcall(kafka.with, c, function() return fn(h.receive(c, 20)[1]) end)
        end
        assert.same({ true, "one" }, { consume(function(value) return value end) })
        local ok, err = consume(function(value) error({ value }) end)
        assert.is_false(ok)
        assert.same({ "two" }, err)
        assert.same({ true, "two" }, { consume(function(value) return value end) })
    end)

    it("returns nil, err and how many are lost when closing fails", function()
        local p = kafka.producer{ ["bootstrap.servers"] = NOWHERE, close_timeout = 50 }
        local done, err, undelivered = kafka.with(p, function(client)
            client:produce("t", "v")
            return "unheard"
        end)
        assert.is_nil(done)
        assert.equal("_TIMED_OUT", err.name)
        assert.equal(1, undelivered)
    end)

    it("lets the function yield", function()
        local p = kafka.producer(NOWHERE)
        local co = coroutine.create(function() return kafka.with(p, function() return coroutine.yield("inside") end) end)
        assert.same({ true, "inside" }, { coroutine.resume(co) })
        assert.is_false(p:closed())
        assert.same({ true, "result" }, { coroutine.resume(co, "result") })
        assert.is_true(p:closed())
    end)

    it("takes sessions and mock clusters, clients with a partitioner in Lua, and nothing else", function()
        local s, m = kafka.session{}, kafka.mock_cluster{}
        assert.equal(1, kafka.with(s, function() return 1 end))
        assert.is_true(s:closed())
        assert.equal(1, kafka.with(m, function() return 1 end))
        local p = kafka.producer{ ["bootstrap.servers"] = NOWHERE, partitioner = print }
        assert.equal(1, kafka.with(p, function() return 1 end))
        for _, bad in ipairs{ io.stdout, {}, "x", 1, true, print, { close = print } } do
            assert.matches("expected", h.error_of(kafka.with, bad, print), 1, true)
        end
        assert.matches("function expected", h.error_of(kafka.with, kafka.producer(NOWHERE), 1), 1, true)
        assert.matches("incorrect number of arguments", h.error_of(kafka.with, s), 1, true)
    end)
end)

describe("Offsets with a meaning of their own", function()
    it("are numbers of the module", function()
        assert.same({ -2, -1, -1000, -1001 }, { kafka.OFFSET_BEGINNING, kafka.OFFSET_END, kafka.OFFSET_STORED, kafka.OFFSET_INVALID })
        assert.equal(-2005, kafka.offset_tail(5))
        for _, bad in ipairs{ 0, -1, 1.5, 0 / 0, "x", {}, 2 ^ 53 } do assert.matches("from 1, expected", h.error_of(kafka.offset_tail, bad), 1, true) end
        assert.matches("incorrect number of arguments", h.error_of(kafka.offset_tail), 1, true)
    end)
end)
