-- What the old module lost: messages at collection, offsets at hand-over, ids of failures, errors of every kind.
local h = require "spec.helper"
local kafka = h.kafka

local function collect()
    for _ = 1, 3 do collectgarbage() end
end

describe("a producer", function()
    after_each(h.cleanup)

    it("that is collected with 1000 unflushed messages still delivers them all", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local function use_and_forget()
            local p = kafka.producer(mock:bootstrap_servers(), { ["linger.ms"] = 500 })
            p:create_topic(topic)
            for i = 1, 1000 do assert.are.equal(0, p:send(topic, 0, i, tostring(i))) end
        end
        use_and_forget()
        collect()
        local found = h.drain(mock:bootstrap_servers(), topic, { count = 1000 })
        assert.are.equal(1000, #found)
        for i = 1, 1000 do assert.are.equal(tostring(i), found[i].value) end
    end)

    it("is collected without holding up the collector, even when its broker is not there", function()
        local function use_and_forget()
            local p = kafka.producer(h.nowhere, { exit_timeout = 100 })
            p:create_topic("t")
            p:send("t", 0, 1, "m")
        end
        use_and_forget()
        local started = h.now()
        collectgarbage()
        assert.is_true(h.now() - started < 0.05, ("the collector took %g s"):format(h.now() - started))
        assert.is_true(collectgarbage("count") > 0)
        local kept = setmetatable({ {} }, { __mode = "v" })
        collectgarbage()
        assert.is_nil(kept[1]) -- the collector still runs
    end)

    it("leaves the collector running while it is made and used", function()
        local p = h.track(kafka.producer(h.nowhere))
        local kept, highest, fell = {}, collectgarbage("count"), false
        -- No collectgarbage() that collects: it would start a stopped collector again.
        for i = 1, 20000000 do
            kept[i % 100] = { i }
            if i % 1000 == 0 then
                local count = collectgarbage("count")
                fell = count < highest
                if fell then break end
                highest = count
            end
        end
        assert.is_true(fell, "nothing was collected while " .. #kept .. " tables were kept")
        assert.is_false(p:closed())
    end)

    it("tells which message failed", function()
        local failed = {}
        local p = h.track(kafka.producer(h.nowhere, {
            ["message.timeout.ms"] = 200,
            on_delivery = function(err, report) failed[report.sequence_id] = err end,
        }))
        p:create_topic("t")
        for id = 10, 12 do p:send("t", 0, id, "m" .. id) end
        h.wait_until(function()
            p:poll(500)
            return failed[10] and failed[11] and failed[12]
        end)
        for id = 10, 12 do assert.are.equal("_MSG_TIMED_OUT", failed[id].name) end
    end)

    it("confirms messages with id 0 and without an id", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local reports = {}
        local p = h.track(kafka.producer(mock:bootstrap_servers(), {
            on_delivery = function(err, report)
                assert.is_nil(err)
                reports[#reports + 1] = { id = report.sequence_id, value = report.value }
            end,
        }))
        p:create_topic(topic)
        p:send(topic, 0, 0, "zero")
        assert.are.equal(0, (p:poll(10000)))
        p:send(topic, 0, nil, "none")
        local id, failures = p:poll(10000)
        assert.are.same({ nil, 0 }, { id, failures })
        assert.are.same({ { id = 0, value = "zero" }, { value = "none" } }, reports)
        assert.are.equal(0, #p)
    end)

    it("tells of a broker that is not there", function()
        local names = {}
        local p = h.track(kafka.producer(h.nowhere, { on_error = function(err) names[err.name] = tostring(err) end }))
        h.wait_until(function()
            p:poll(200)
            return names._TRANSPORT
        end)
        assert.truthy(names._TRANSPORT:find("127.0.0.1:1", 1, true))
        assert.truthy(p:last_error())
    end)

    it("can send a key", function()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        p:create_topic(topic)
        assert.is_true(p:produce(topic, "value", "key", { partition = 0 }))
        assert.is_true(p:flush(10000))
        assert.are.same({ { value = "value", key = "key", partition = 0 } },
            h.drain(mock:bootstrap_servers(), topic, { count = 1 }))
    end)
end)

describe("a consumer", function()
    after_each(h.cleanup)

    it("does not commit what was handed out last when it is collected, so that nothing is lost", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "1", "2", "3" })
        local conf = { ["group.id"] = "same", ["auto.commit.interval.ms"] = 50 }
        local function use_and_forget()
            local c = kafka.consumer(mock:bootstrap_servers(), { "t:0" }, conf, { ["auto.offset.reset"] = "earliest" })
            assert.are.equal("1", h.receive(c)[1])
            assert.are.equal("2", h.receive(c)[1]) -- asking for it says that "1" is done
            return c:name()
        end
        use_and_forget()
        collect()
        h.sleep(0.3) -- as long as several commit intervals: had it stored "2", that would be committed by now
        local again = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" }, conf, { ["auto.offset.reset"] = "earliest" }))
        local value = h.receive(again)[1]
        assert.truthy(value == "1" or value == "2", value)
    end)

    it("tells of a broker that is not there", function()
        local names = {}
        local c = h.track(kafka.consumer(h.nowhere, { "t:0" }, {
            ["group.id"] = "g", on_error = function(err) names[err.name] = true end,
        }))
        h.wait_until(function()
            c:receive()
            return names._TRANSPORT
        end)
        assert.truthy(c:last_error())
    end)

    it("does not look like an idle topic when the broker refuses its credentials, and says so once", function()
        local mock = h.mock { topics = { t = 1 } } -- knows no SASL, so every attempt is refused
        local c = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" }, {
            ["group.id"] = "g", ["security.protocol"] = "sasl_plaintext", ["sasl.mechanisms"] = "PLAIN",
            ["sasl.username"] = "user", ["sasl.password"] = "wrong",
        }))
        local told = {}
        local deadline = h.now() + 4 -- several attempts to connect
        while h.now() < deadline do
            local _, _, _, _, err = c:receive()
            told[#told + 1] = err and err.name
        end
        assert.are.same({ "_AUTHENTICATION" }, told)
    end)
end)
