-- Messages in one table, and many in one call.
local h = require "spec.helper"
local kafka = h.kafka

local function values_of(messages)
    local values = {}
    for i, message in ipairs(messages) do values[i] = message.value end
    table.sort(values)
    return values
end

describe("produce with one table", function()
    local mock, topic, p
    before_each(function()
        topic = h.topic()
        mock = h.mock { topics = { [topic] = 2 } }
        p = h.track(kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["linger.ms"] = 1 })
    end)
    after_each(h.cleanup)

    it("takes all fields, and the report has them", function()
        local opaque, report = {}, nil
        assert.is_true(p:produce {
            topic = topic, value = { "a", "b" }, key = "k", partition = 1, timestamp = 1700000000000, opaque = opaque,
            headers = { { "h", "1" }, { "h", "" }, { "null" } }, on_delivery = function(_, r) report = r end,
        })
        assert.is_true(p:flush())
        assert.same({ "ab", "k", 1 }, { report.value, report.key, report.partition })
        assert.equal(opaque, report.opaque)
        assert.same({ { "h", "1" }, { "h", "" }, { "null" } }, report.headers)
    end)

    it("tells null from empty", function()
        local reports = {}
        local function keep(_, report) reports[#reports + 1] = report end
        assert.is_true(p:produce { topic = topic, partition = 0, on_delivery = keep })
        assert.is_true(p:produce { topic = topic, partition = 0, value = "", key = "", on_delivery = keep })
        assert.is_true(p:flush())
        assert.is_nil(reports[1].value)
        assert.is_nil(reports[1].key)
        assert.same({ "", "" }, { reports[2].value, reports[2].key })
    end)

    it("refuses a field that is not known, with the nearest one that is", function()
        assert.matches("field 'valu': unknown; .*did you mean 'value'%?", h.error_of(p.produce, p, { topic = topic, valu = "x" }))
        assert.matches("field 'topic': string expected, got nil", h.error_of(p.produce, p, { value = "x" }))
        assert.matches("field 'value': string, array of strings or nil expected", h.error_of(p.produce, p, { topic = topic, value = true }))
        assert.matches("field 'partition': integer expected, got 1%.5", h.error_of(p.produce, p, { topic = topic, partition = 1.5 }))
        assert.equal(0, #p)
    end)

    it("reads what the table inherits, and lets its metamethods raise", function()
        local report
        local base = { topic = topic, key = "inherited", on_delivery = function(_, r) report = r end }
        assert.is_true(p:produce(setmetatable({ value = "v" }, { __index = base })))
        assert.is_true(p:flush())
        assert.same({ "v", "inherited" }, { report.value, report.key })
        local raising = setmetatable({}, { __index = function() error({ "mine" }, 0) end })
        assert.same({ "mine" }, h.error_of(p.produce, p, raising))
    end)

    it("names the user's line", function()
        local err = h.error_of(h.chunk("local p = ...\n\nlocal ok = p:produce { valu = 1 }", "user.lua"), p)
        assert.matches("^user%.lua:3: bad argument #1 to 'produce' %(field 'valu'", err)
    end)
end)

describe("produce_batch", function()
    local mock, topic, other
    before_each(function()
        topic, other = h.topic(), h.topic()
        mock = h.mock { topics = { [topic] = 2, [other] = 1 } }
    end)
    after_each(h.cleanup)

    local function producer(options)
        options = options or {}
        options["bootstrap.servers"] = options["bootstrap.servers"] or mock:bootstrap_servers()
        options["linger.ms"] = options["linger.ms"] or 1
        return h.track(kafka.producer(options))
    end

    it("queues strings and tables, and all of it arrives once", function()
        local reports = {}
        local p = producer { on_delivery = function(err, report)
            assert(not err)
            reports[#reports + 1] = report
        end }
        local accepted, errors = p:produce_batch(topic, { "a", 7, { value = "b", key = "k" }, { value = { "c", "d" } }, { key = "tombstone" } })
        assert.equal(5, accepted)
        assert.is_nil(errors)
        assert.is_true(p:flush())
        assert.equal(5, #reports)
        local values, tombstones = {}, 0
        for _, report in ipairs(reports) do
            if report.value then values[#values + 1] = report.value else tombstones = tombstones + 1 end
        end
        table.sort(values)
        assert.same({ "7", "a", "b", "cd" }, values)
        assert.equal(1, tombstones)
    end)

    it("goes to several topics when none is given, and to one partition when that is", function()
        local p = producer()
        assert.equal(2, (p:produce_batch { { topic = topic, value = "1" }, { topic = other, value = "2" } }))
        assert.equal(3, (p:produce_batch(topic, { "x", "y", { value = "z", partition = 0 } }, { partition = 1 })))
        assert.is_true(p:flush())
        assert.same({ "2" }, values_of(h.drain(mock:bootstrap_servers(), other, { count = 1 })))
        assert.is_true(p:last_offset(topic, 1) >= 1)
    end)

    it("keeps the order of a partition", function()
        local p = producer()
        local messages = {}
        for i = 1, 2000 do messages[i] = ("%04d"):format(i) end
        assert.equal(2000, (p:produce_batch(other, messages)))
        assert.is_true(p:flush())
        local read = h.drain(mock:bootstrap_servers(), other, { count = 2000 })
        for i = 1, 2000 do assert.equal(messages[i], read[i].value) end
    end)

    it("tells errors by index and queues the others", function()
        local p = producer { ["message.max.bytes"] = 1000 }
        local accepted, errors = p:produce_batch(topic, { "a", ("x"):rep(2000), "b" })
        assert.equal(2, accepted)
        assert.equal("MSG_SIZE_TOO_LARGE", errors[2].name)
        assert.matches("message%.max%.bytes=1000", errors[2].message)
        assert.is_nil(errors[1] or errors[3] or errors.first)
        assert.is_true(p:flush())
    end)

    it("stops where the queue is full, and goes on from there until all is delivered once", function()
        local seen, failed = {}, 0
        local p = producer { ["queue.buffering.max.messages"] = 10, on_delivery = function(err, report)
            if err then failed = failed + 1 end
            seen[report.value] = (seen[report.value] or 0) + 1
        end }
        local messages = {}
        for i = 1, 100 do messages[i] = "m" .. i end
        local accepted, errors = p:produce_batch(other, messages)
        assert.is_true(accepted < 100)
        assert.equal(accepted + 1, errors.first)
        assert.equal("_QUEUE_FULL", errors[errors.first].name)
        assert.matches("call poll", errors[errors.first].message)
        local total, from = accepted, errors.first
        h.wait_until(function()
            p:poll(100)
            local more, rest = p:produce_batch(other, messages, { from = from })
            total = total + more
            from = rest and rest.first
            return not from
        end)
        assert.equal(100, total)
        assert.is_true(p:flush())
        assert.equal(0, failed)
        for i = 1, 100 do assert.equal(1, seen["m" .. i]) end
    end)

    it("refuses a message that is none, and queues the others", function()
        local p = producer()
        local accepted, errors = p:produce_batch(topic, { "a", true, { no_such = 1 }, "b" })
        assert.equal(2, accepted)
        assert.equal("_INVALID_ARG", errors[2].name)
        assert.matches("no_such", errors[3].message)
        assert.is_nil(errors.first)
        assert.equal(2, #p)
        assert.matches("from", h.error_of(p.produce_batch, p, topic, {}, { form = 1 }))
    end)

    it("refuses one message in place of an array of them: nobody would send it", function()
        local p = producer()
        local function said(arguments)
            return h.error_of(h.chunk("local p, topic = ...\nlocal n = p:produce_batch(" .. arguments .. ")"), p, topic)
        end
        for place, arguments in ipairs { "{ topic = topic, value = 'v' }", "topic, { value = 'v' }" } do
            assert.equal("user.lua:2: bad argument #" .. place ..
                " to 'produce_batch' (an array of messages expected, got a table with other keys)", said(arguments))
        end
        assert.equal(0, (p:produce_batch(topic, {})))
        assert.equal(0, #p)
    end)

    it("refuses messages with a hole among them: nobody would send what follows it", function()
        local p = producer()
        local sparse, reversed = { "a" }, {}
        sparse[3] = "c"
        for i = 40, 1, -1 do reversed[i] = "v" end
        for _, messages in ipairs { sparse, { [1] = "a", [5] = "c" }, { [5] = "c", [1] = "a" } } do
            local err = h.error_of(h.chunk("local p, topic, messages = ...\nlocal n = p:produce_batch(topic, messages)"), p, topic, messages)
            assert.matches("^user%.lua:2: bad argument #2 to 'produce_batch' %(an array of messages expected, got one with a hole: "
                .. "nothing at index 2, but something at index %d; what follows a hole would not be sent%)$", err)
        end
        local long = {}
        for i = 1, 64 do long[i] = "v" end
        long[100] = "v"
        assert.matches("nothing at index 65, but something at index 100", h.error_of(p.produce_batch, p, topic, long))
        assert.equal(0, #p)
        assert.equal(40, (p:produce_batch(topic, reversed)))
        assert.equal(2, (p:produce_batch(topic, { "a", "b", n = 2 })))
    end)

    it("gives each message its own callback, once", function()
        local p, calls, messages = producer(), {}, {}
        for i = 1, 50 do messages[i] = { value = "v", on_delivery = function() calls[i] = (calls[i] or 0) + 1 end } end
        assert.equal(50, (p:produce_batch(topic, messages)))
        assert.is_true(p:flush())
        for i = 1, 50 do assert.equal(1, calls[i]) end
    end)

    it("asks a partitioner in Lua for each message", function()
        local p = producer { partitioner = function(_, key) return key == "one" and 1 or 0 end }
        local partitions = {}
        local function keep(_, report) partitions[report.value] = report.partition end
        assert.equal(2, (p:produce_batch(topic, {
            { value = "a", key = "one", on_delivery = keep }, { value = "b", key = "two", on_delivery = keep },
        })))
        assert.is_true(p:produce { topic = topic, value = "c", key = "one", on_delivery = keep })
        assert.is_true(p:flush())
        assert.same({ a = 1, b = 0, c = 1 }, partitions)
    end)
end)
