-- However a consumer ends, its group learns of it at once and not at the end of the session timeout (a minute here).
local h = require "spec.helper"
local on_kafka = require "spec.integration.on_kafka"

describe("the group of a consumer", function()
    local kafka = on_kafka { nodes = 1 }
    local topic
    after_each(h.cleanup)

    setup(function()
        topic = kafka:create_topic(h.topic("leaving"), 2)
        h.fill(kafka.brokers, topic, { "one", "two", "three" })
    end)

    local function conf(group)
        return { ["group.id"] = group, ["auto.offset.reset"] = "earliest", ["session.timeout.ms"] = 60000 }
    end

    local function assert_empty_soon(group, seconds)
        h.wait_until(function() return kafka:group(group).state == "Empty" end, seconds, "leaving the group")
    end

    local function assert_joined(group)
        local seen = kafka:group(group)
        assert.equal("Stable", seen.state)
        assert.equal(2, #seen.members[1].assigned)
    end

    it("is empty when close has returned", function()
        local group = h.topic("closed")
        local consumer = h.kafka.consumer(kafka.brokers, { topic }, conf(group))
        h.receive(consumer)
        assert_joined(group)
        local started = h.now()
        assert.is_true((consumer:close()))
        assert.is_true(h.now() - started < 2.5, "close took " .. h.now() - started .. " s")
        assert.equal("Empty", kafka:group(group).state)
    end)

    it("is empty soon after a consumer was collected", function()
        local group = h.topic("collected")
        do
            local consumer = h.kafka.consumer(kafka.brokers, { topic }, conf(group))
            h.receive(consumer)
            assert_joined(group)
        end
        collectgarbage()
        collectgarbage()
        assert_empty_soon(group, 5)
    end)

    for way, last_line in pairs {
        ["its script came to its end"] = "",
        ["its script ended with an error"] = "error 'on purpose'",
        ["its script called os.exit"] = "os.exit(0)",
        ["its script called os.exit and closed the state"] = "os.exit(0, true)",
    } do
        it("is empty soon after " .. way .. " without closing", function()
            local group = h.topic("ended")
            local result = h.run([[
                local consumer = require "kafka".consumer(arg[1], { arg[2] }, {
                    ["group.id"] = arg[3], ["auto.offset.reset"] = "earliest", ["session.timeout.ms"] = 60000,
                })
                local value
                repeat value = consumer:receive() until value
                print(value)
            ]] .. last_line, { args = { kafka.brokers, topic, group } })
            assert.is_nil(result.signal)
            assert.matches("^%a+\n$", result.out)
            assert_empty_soon(group, 5)
        end)
    end
end)
