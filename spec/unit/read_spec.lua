-- kafka.read: a fixed window of partitions, without a group.
local h = require "spec.helper"
local kafka = h.kafka

describe("A reader", function()
    after_each(h.cleanup)
    local mock, topic, base

    before_each(function()
        topic = h.topic()
        mock = h.mock { topics = { [topic] = 3 } }
        local items = {}
        for i = 0, 299 do items[#items + 1] = { value = "v" .. i, key = "k", partition = i % 3 } end
        h.fill(mock:bootstrap_servers(), topic, items)
        base = { ["bootstrap.servers"] = mock:bootstrap_servers(), topic = topic, ["fetch.wait.max.ms"] = 10 }
    end)

    local function reader(options)
        local all = {}
        for key, value in pairs(base) do all[key] = value end
        for key, value in pairs(options or {}) do all[key] = value end
        return kafka.read(all)
    end

    it("reads what was there at its start, each partition in order, and ends by itself", function()
        local at, count, of_all = {}, 0, reader()
        for message in of_all do
            assert.equal(at[message.partition] or 0, message.offset)
            at[message.partition], count = message.offset + 1, count + 1
        end
        assert.equal(300, count)
        assert.is_true(of_all:closed())
        assert.is_nil(of_all:next_request())
        assert.is_nil(of_all:next())
    end)

    it("reads one partition between two offsets, and the last ones", function()
        local offsets = {}
        assert.equal(10, reader { partition = 1, from = 10, to = 20 }:each(function(m) offsets[#offsets + 1] = m.offset end))
        assert.equal(10, offsets[1])
        assert.equal(19, offsets[10])
        assert.equal(12, reader { from = kafka.offset_tail(4) }:each(function() end))
        assert.equal(0, reader { from = "latest" }:each(function() end))
        assert.equal(0, reader { from = 5000 }:each(function() end))
    end)

    it("pages without losing or repeating a message", function()
        local seen, count, pages = {}, 0, 0
        local request = { limit = 37 }
        for key, value in pairs(base) do request[key] = value end
        while request do
            local page = kafka.read(request)
            pages = pages + 1
            for message in page do
                local place = message.partition .. ":" .. message.offset
                assert.is_nil(seen[place])
                seen[place], count = true, count + 1
            end
            request = page:next_request()
        end
        assert.equal(300, count)
        assert.equal(9, pages)
    end)

    -- Turns red when next_request gives its windows the reader's own topic, or keeps those that are done.
    it("pages through several topics without losing or repeating a message, and then ends", function()
        local servers, requests, expected = mock:bootstrap_servers(), { { topic = topic }, { topic = topic .. "-empty" } }, 300
        mock:create_topic(topic .. "-empty", 2)
        for number, count in ipairs { 1, 64 } do
            local name, items = topic .. "-" .. number, {}
            mock:create_topic(name, 2)
            for i = 1, count do items[i] = { value = name .. i, partition = i % 2 } end
            h.fill(servers, name, items)
            requests[#requests + 1] = { topic = name }
            expected = expected + count
        end
        requests[#requests] = { topic = topic .. "-2", partition = 1, from = 5, to = 25 }
        expected = expected - 64 + 20
        for _, bound in ipairs { { limit = 23 }, { max_bytes = 70 } } do
            local seen, count, pages = {}, 0, 0
            local request = { ["bootstrap.servers"] = servers, ["fetch.wait.max.ms"] = 10, requests = requests }
            for name, value in pairs(bound) do request[name] = value end
            while request do
                local page = kafka.read(request)
                local got, err = page:each(function(message)
                    local place = ("%s:%s:%s"):format(message.topic, message.partition, message.offset)
                    assert.is_nil(seen[place])
                    seen[place], count = true, count + 1
                end)
                assert.is_true((got or error(err)) <= (bound.limit or 70))
                pages, request = pages + 1, page:next_request()
            end
            assert.equal(expected, count)
            if bound.limit then assert.equal(math.ceil(expected / bound.limit), pages) end
            for offset = 5, 24 do assert.is_true(seen[("%s-2:1:%s"):format(topic, offset)]) end
        end
    end)

    it("counts the bytes of keys and values, and hands out one message at the least", function()
        local bytes = 0
        local page = reader { max_bytes = 50 }
        assert(page:each(function(m) bytes = bytes + #m.key + #m.value end))
        assert.is_true(bytes > 40 and bytes <= 50)
        assert.is_table(page:next_request())
        assert.equal(1, reader { max_bytes = 1 }:each(function() end))
        assert.equal(6, reader { requests = { { partition = 0, from = 90, max_bytes = 9 }, { partition = 2, from = 95 } } }
            :each(function() end))
    end)

    it("pages by the bytes of each request, from the message that did not fit", function()
        local request = { requests = { { partition = 0, max_bytes = 40 }, { partition = 1, from = 20, max_bytes = 9 }, { partition = 2, from = 90 } } }
        local places = { [0] = 0, [1] = 20, [2] = 90 }
        while request do
            local page = reader(request)
            assert(page:each(function(message)
                assert.equal(places[message.partition], message.offset)
                places[message.partition] = message.offset + 1
            end))
            request = page:next_request()
        end
        assert.same({ [0] = 100, [1] = 100, [2] = 100 }, places)
    end)

    it("says why it cannot read, within its timeout", function()
        local _, err = reader { topic = "not-there", timeout = 3000 }:next()
        assert.equal("UNKNOWN_TOPIC_OR_PART", err.name)
        _, err = reader { partition = 9 }:next()
        assert.equal("_UNKNOWN_PARTITION", err.name)
        local start = h.now()
        _, err = kafka.read { ["bootstrap.servers"] = h.nowhere, topic = topic, timeout = 1000 }:next()
        assert.equal("_TIMED_OUT", err.name)
        assert.matches("refused", err.message)
        assert.is_true(h.now() - start < 4)
    end)

    it("waits through the replaced wait of its client; `for` on plain 5.1 then names `each`", function()
        local waits = 0
        local wrapped = kafka.wrap(reader { limit = 5 }, function() waits = waits + 1 coroutine.yield() end)
        local function run(body)
            local co = coroutine.create(body)
            while coroutine.status(co) ~= "dead" do
                local ok, err = coroutine.resume(co)
                if not ok then return err end
                h.sleep(0.005)
            end
        end
        if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
            local err = run(function() for _ in wrapped do error "it cannot wait" end end)
            assert.matches("a reader's `for` of a wrapped client cannot wait .* use reader:each%(function%(message%)", err)
        end
        local count = 0
        assert.is_nil(run(function() assert(wrapped:each(function() count = count + 1 end)) end))
        assert.equal(5, count)
        assert.is_true(waits > 0)
    end)

    it("names wrong options", function()
        assert.matches("option from: an offset expected", h.error_of(reader, { from = "soon" }))
        assert.matches("option limit: a whole number from 1", h.error_of(reader, { limit = 0 }))
        assert.matches("option group%.id: a reader has no group", h.error_of(reader, { ["group.id"] = "g" }))
        assert.matches("requests%[1%]: unknown field \"form\"", h.error_of(reader, { requests = { { form = 1 } } }))
        assert.matches("did you mean \"linger.ms\"", h.error_of(reader, { ["lingr.ms"] = 1 }))
    end)

    -- Turns red when one of these reaches the consumer, which takes it and never uses it.
    it("refuses by name what only members of a group have use for, and what it sets itself", function()
        local user = h.chunk("local kafka, options = ...\nlocal r = kafka.read(options)\nreturn r", "user.lua")
        local function nothing() end
        local callbacks = "a reader has no group, so nothing is assigned, revoked or committed; leave it out: on_error, on_log, on_stats, "
            .. "on_throttle and on_oauth_token are accepted"
        local acks = "a reader stores no offsets; leave it out: next_request() tells where to go on"
        for name, case in pairs {
            on_assign = { nothing, callbacks }, on_revoke = { nothing, callbacks }, on_lost = { nothing, callbacks },
            on_commit = { nothing, callbacks }, ack = { "manual", acks }, max_unacked = { 5, acks },
            ["group.id"] = { "g", "a reader has no group; leave it out" },
            close_timeout = { 5, "a reader is closed within its timeout; set that" }, topics = { { topic }, "use topic, or requests for several" },
            ["enable.partition.eof"] = { false, "a reader sets it itself, as it ends by it; leave it out" },
        } do
            assert.equal(("user.lua:2: kafka.read: option %s: %s"):format(name, case[2]),
                h.error_of(user, kafka, { ["bootstrap.servers"] = h.nowhere, topic = topic, [name] = case[1] }))
        end
        assert.equal(1, reader { limit = 1, on_assign = false }:each(nothing))
    end)

    it("of a session leaves out what that has for members, and refuses what it is given itself", function()
        local session = h.track(kafka.session {
            ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g", on_assign = function() end, on_commit = function() end,
            ack = "manual", max_unacked = 5, topics = { topic }, ["enable.partition.eof"] = false, close_timeout = 500,
        })
        assert.equal(100, session:read { topic = topic, partition = 0 }:each(function() end))
        assert.matches("option on_lost: a reader has no group", h.error_of(session.read, session, { topic = topic, on_lost = print }))
    end)

    -- Turns red when `from` offers "stored", which is refused then, and when a window may end at the beginning: it read nothing.
    it("offers for from and to what it accepts there", function()
        local TIME = "{time=milliseconds since 1970}), got "
        for name, accepted in pairs {
            from = '(a whole number from 0, "earliest", "latest", kafka.offset_tail(n) or ' .. TIME,
            to = '(a whole number from 0, "end", kafka.offset_tail(n) or ' .. TIME,
        } do
            local err = h.error_of(reader, { [name] = "soon" })
            assert.truthy(err:find(("option %s: an offset expected %s\"soon\""):format(name, accepted), 1, true), err)
        end
        for _, value in ipairs { "earliest", "beginning", kafka.OFFSET_BEGINNING } do
            local err = h.error_of(reader, { requests = { { to = value } } })
            assert.truthy(err:find("requests[1]: to: nothing is before the beginning; ", 1, true), err)
            assert.truthy(err:find('an offset expected (a whole number from 0, "end", kafka.offset_tail(n) or ' .. TIME, 1, true), err)
        end
        assert.matches("from: stored offsets belong to a group", h.error_of(reader, { from = "stored" }))
        assert.equal(6, reader { from = kafka.offset_tail(4), to = kafka.offset_tail(2) }:each(function() end))
    end)
end)
