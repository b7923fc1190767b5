-- Standard error belongs to the host program. Without on_log not a byte of librdkafka's reaches it, whatever goes
-- wrong. Red when the log callback is left at librdkafka's default, or is set only after rd_kafka_new has already
-- spoken.
local h = require "spec.helper"
local tls = require "spec.lifetime.tls"

local prelude = [[
local kafka = require "kafka"
local uv = require "luv"
local dead, live = ...
-- Everything a client does in a while, with a broker that never answers.
local function use(producer)
    producer:create_topic "t"
    producer:send("t", -1, 1, "x")
    producer:send("t", 99, 2, "x")
    for _ = 1, 3 do producer:poll(100) end
    producer:close(100)
end
local function read(consumer)
    consumer:receive()
    consumer:close(500)
end
]]

-- {what, script}
local stories = {
    { "a broker that refuses the connection", [[
        use(kafka.producer(dead))
        read(kafka.consumer(dead, { "t" }, { ["group.id"] = "g" }))
    ]] },
    { "hosts that do not exist", [[
        use(kafka.producer("no.such.host.invalid:9092,also.none.invalid:1"))
        read(kafka.consumer("no.such.host.invalid", { "t:0" }, { ["group.id"] = "g" }))
    ]] },
    { "debug=all", [[
        use(kafka.producer(dead, { debug = "all" }))
        use(kafka.producer(live, { debug = "all" }))
        read(kafka.consumer(live, { "t" }, { ["group.id"] = "g", debug = "all" }))
    ]] },
    { "debug=all and log_level=7 with a client that nobody closes", [[
        KEPT = kafka.consumer(live, { "t" }, { ["group.id"] = "g", debug = "all", log_level = 7 })
        kafka.producer(live, { debug = "all", log_level = 7 })
        collectgarbage()
        KEPT:receive()
    ]] },
    { "properties of the other class, which librdkafka warns of while the client is made", [[
        use(kafka.producer(dead, { ["group.id"] = "g", ["fetch.min.bytes"] = 1 }))
        read(kafka.consumer(dead, { "t" }, { ["group.id"] = "g", ["linger.ms"] = 1, ["enable.idempotence"] = true }))
    ]] },
    { "configurations that are refused", [[
        local wrong = { ["linger.ms"] = "x", ["no.such.key"] = 1, ["security.protocol"] = "ftp", ["message.max.bytes"] = -1 }
        for key, value in pairs(wrong) do assert(not pcall(kafka.producer, dead, { [key] = value })) end
        assert(not pcall(kafka.producer, ""))
        local group = { ["group.id"] = "g", ["partition.assignment.strategy"] = "none such" }
        assert(not pcall(kafka.consumer, dead, { "t" }, group))
        local ssl = { ["security.protocol"] = "ssl", ["ssl.ca.location"] = "/no/such/file" }
        assert(not pcall(kafka.producer, dead, ssl))
        assert(not pcall(kafka.producer, dead, { ["enable.idempotence"] = true, acks = 1 }))
    ]] },
    { "TLS to a server that speaks none", [[
        use(kafka.producer(live, { ["security.protocol"] = "ssl" }))
    ]] },
    { "SASL to a server that knows none", [[
        use(kafka.producer(live, { ["security.protocol"] = "sasl_plaintext", ["sasl.mechanism"] = "PLAIN",
            ["sasl.username"] = "u", ["sasl.password"] = "p" }))
    ]] },
    { "broker lists that make no sense", [[
        for _, list in ipairs { ":::", "host:port", "127.0.0.1:99999", "ssl://127.0.0.1:1", ",,," } do
            local ok, producer = pcall(kafka.producer, list)
            if ok then use(producer) end
        end
    ]] },
    { "a broker that goes away", [[
        local mock = kafka.mock_cluster { brokers = 1, topics = { t = 1 } }
        local producer = kafka.producer(mock:bootstrap_servers())
        producer:create_topic "t"
        producer:send("t", 0, 1, "x")
        assert(producer:flush(5000))
        mock:broker_down(1)
        use(producer)
        mock:close()
    ]] },
}

describe("Standard error stays empty with", function()
    after_each(h.cleanup)

    for _, story in ipairs(stories) do
        it(story[1], function()
            local mock = h.mock { topics = { t = 1 } }
            local run = h.run(prelude .. story[2], { args = { tls.refused(), mock:bootstrap_servers() }, timeout = 20 })
            assert.are.equal("", run.err)
            assert.is_nil(run.signal)
            assert.are.equal(0, run.status)
            assert.are.equal("", run.out)
        end)
    end
end)

describe("Standard error speaks", function()
    after_each(h.cleanup)

    it("when on_log says so", function()
        local mock = h.mock { topics = { t = 1 } }
        local run = h.run(prelude .. [[ use(kafka.producer(live, { debug = "all", on_log = "stderr" })) ]],
            { args = { tls.refused(), mock:bootstrap_servers() }, timeout = 20 })
        assert.are.equal(0, run.status)
        assert.is_true(#run.err > 1000, run.err)
    end)

    it("not when on_log is a function: that one gets the lines", function()
        local mock = h.mock { topics = { t = 1 } }
        local run = h.run(prelude .. [[
            local lines = 0
            use(kafka.producer(live, { debug = "all", on_log = function(line)
                assert(type(line.level) == "number" and type(line.facility) == "string")
                assert(type(line.message) == "string")
                lines = lines + 1
            end }))
            print(lines > 10)
        ]], { args = { tls.refused(), mock:bootstrap_servers() }, timeout = 20 })
        assert.are.equal("", run.err)
        assert.are.equal("true\n", run.out)
    end)
end)
