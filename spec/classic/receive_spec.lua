-- receive() → payload, topic, partition, key
local h = require "spec.helper"
local kafka = h.kafka

local function assigned(mock, topics, conf)
    conf = conf or {}
    conf["group.id"] = conf["group.id"] or h.topic("g")
    return h.track(kafka.consumer(mock:bootstrap_servers(), topics, conf, { ["auto.offset.reset"] = "earliest" }))
end

-- The first true value of fn over receive()'s results, as a table with their count in n.
local function receive_until(c, fn)
    local found = h.wait_until(function()
        local function judge(...)
            local got = { n = select("#", ...), ... }
            return fn(got) and got
        end
        return judge(c:receive())
    end, 15)
    return found
end

-- What receive() raises at last, called from Lua code, so that a position would show.
local function raised(c)
    local user = h.chunk("local c = ...\nlocal payload = c:receive()")
    local message = h.wait_until(function()
        local ok, err = pcall(user, c)
        return not ok and err
    end, 15)
    return message
end

describe("receive", function()
    after_each(h.cleanup)

    it("returns payload, topic, partition and key [17]", function()
        local mock = h.mock { topics = { t = 2 } }
        h.fill(mock:bootstrap_servers(), "t", { { value = "pay\0load", key = "k\0ey", partition = 1 } })
        assert.are.same({ n = 4, "pay\0load", "t", 1, "k\0ey" }, h.receive(assigned(mock, { "t:1" })))
    end)

    it("returns nil for an absent and for an empty key [17]", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { { value = "absent" }, { value = "empty", key = "" } })
        local c = assigned(mock, { "t:0" })
        assert.are.same({ n = 4, "absent", "t", 0, nil }, h.receive(c))
        assert.are.same({ n = 4, "empty", "t", 0, nil }, h.receive(c))
    end)

    it("returns an empty string for a null payload and for an empty one [17]", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { { value = nil, key = "null" }, { value = "", key = "empty" } })
        local c = assigned(mock, { "t:0" })
        assert.are.same({ n = 4, "", "t", 0, "null" }, h.receive(c))
        assert.are.same({ n = 4, "", "t", 0, "empty" }, h.receive(c))
    end)

    it("waits 1000 ms when nothing comes, and then returns four nils [17]", function()
        local mock = h.mock { topics = { t = 1 } }
        local c = assigned(mock, { "t:0" })
        c:receive()
        local started = h.now()
        local count, payload, topic, partition, key
        local function keep(...)
            count, payload, topic, partition, key = select("#", ...), ...
        end
        keep(c:receive())
        local waited = h.now() - started
        assert.is_true(waited >= 0.98 and waited < 1.9, "waited " .. waited)
        assert.are.same({ 4, nil, nil, nil, nil }, { count, payload, topic, partition, key })
    end)

    it("returns at once what comes while it waits [17]", function()
        local mock = h.mock { topics = { t = 1 } }
        local c = assigned(mock, { "t:0" })
        c:receive() -- fetching by now
        local p = h.track(kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 0 }))
        p:create_topic("t")
        p:send("t", 0, 1, "m")
        local started = h.now()
        assert.are.equal("m", (c:receive()))
        assert.is_true(h.now() - started < 0.9)
    end)

    it("hands out each partition's messages in their order [17]", function()
        local mock = h.mock { topics = { t = 2 } }
        local values = {}
        for i = 1, 500 do values[i] = { value = tostring(i), partition = i % 2 } end
        h.fill(mock:bootstrap_servers(), "t", values)
        local c, last = assigned(mock, { "t:0", "t:1" }), { [0] = 0, [1] = -1 }
        for _ = 1, 500 do
            local got = h.receive(c)
            assert.are.equal(last[got[3]] + 2, tonumber(got[1]))
            last[got[3]] = tonumber(got[1])
        end
    end)

    it("returns four nils and the error on an error of the topic [18]", function()
        local mock = h.mock { topics = { secret = 1 } }
        mock:set_topic_error("secret", "TOPIC_AUTHORIZATION_FAILED")
        local got = receive_until(assigned(mock, { "secret" }), function(got) return got[5] end)
        assert.are.equal(5, got.n)
        assert.are.same({ nil, nil, nil, nil }, { got[1], got[2], got[3], got[4] })
        assert.are.equal("TOPIC_AUTHORIZATION_FAILED", got[5].name)
        assert.are.equal(kafka.errors.TOPIC_AUTHORIZATION_FAILED, got[5].code)
    end)

    it("returns the error of an absent topic that was subscribed to as fifth value [18]", function()
        local mock = h.mock {}
        local got = receive_until(assigned(mock, { "absent" }), function(got) return got[5] end)
        assert.are.equal("UNKNOWN_TOPIC_OR_PART", got[5].name)
        assert.truthy(tostring(got[5]):find("absent", 1, true), tostring(got[5]))
    end)

    it("returns the error of a partition that the cluster does not have as fifth value [18]", function()
        local mock = h.mock { topics = { t = 1 } }
        local got = receive_until(assigned(mock, { "t:99" }), function(got) return got[5] end)
        assert.are.equal("UNKNOWN_TOPIC_OR_PART", got[5].name)
        assert.truthy(tostring(got[5]):find("t [99]", 1, true), tostring(got[5]))
    end)

    -- That librdkafka finds a partition unknown by itself needs a real cluster: spec/integration/unknown_spec.lua.
    it("raises, without a position, for a topic that is locally known not to exist, and goes on afterwards [18]", function()
        local mock = h.mock { topics = { t = 2 } }
        h.fill(mock:bootstrap_servers(), "t", { { value = "before", partition = 1 } })
        local c = assigned(mock, { "t:1" })
        assert.are.equal("before", h.receive(c)[1])
        assert.is_nil((c:receive())) -- at the end of the partition, which would hide the error
        mock:push_errors("Fetch", { "_UNKNOWN_TOPIC" })
        local err = raised(c)
        assert.truthy(err:match("^topic: t partition: 1 offset: 1 err: .*Local: Unknown topic$"), err)
        h.fill(mock:bootstrap_servers(), "t", { { value = "after", partition = 1 } })
        assert.are.equal("after", h.receive(c)[1])
    end)

    it("goes on after such an error [18]", function()
        local mock = h.mock { topics = { t = 1 } }
        local c = assigned(mock, { "t:0", "t:99" })
        receive_until(c, function(got) return got[5] end)
        h.fill(mock:bootstrap_servers(), "t", { "m" })
        assert.are.equal("m", h.receive(c)[1])
    end)

    it("goes on when a topic that was gone is back [18]", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "before" })
        local c = assigned(mock, { "t:0" }, { ["topic.metadata.refresh.interval.ms"] = 100, ["topic.metadata.propagation.max.ms"] = 0 })
        assert.are.equal("before", h.receive(c)[1])
        mock:set_topic_error("t", "UNKNOWN_TOPIC_OR_PART")
        assert.truthy(raised(c):match("^topic: t partition: 0 offset: %-?%d+ err: .+Local: Unknown partition"))
        assert.are.equal("UNKNOWN_TOPIC_OR_PART", receive_until(c, function(got) return got[5] end)[5].name)
        mock:set_topic_error("t", nil)
        h.fill(mock:bootstrap_servers(), "t", { "after" })
        assert.are.equal("after", h.receive(c)[1])
    end)
end)

describe("enable.auto.commit = false", function()
    after_each(h.cleanup)

    local function first_after_reading_all(conf)
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "1", "2", "3" })
        conf["group.id"] = "same"
        local first = assigned(mock, { "t:0" }, conf)
        for i = 1, 3 do assert.are.equal(tostring(i), h.receive(first)[1]) end
        first:close()
        h.fill(mock:bootstrap_servers(), "t", { "4" })
        return h.receive(assigned(mock, { "t:0" }, { ["group.id"] = "same" }))[1]
    end

    it("disables commits, also the one at close [24]", function()
        assert.are.equal("1", first_after_reading_all { ["enable.auto.commit"] = false })
        assert.are.equal("1", first_after_reading_all { ["enable.auto.commit"] = "false" })
    end)

    it("is not the default: what was read is committed at close [24]", function()
        assert.are.equal("4", first_after_reading_all {})
    end)
end)
