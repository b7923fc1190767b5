-- Several flushes of one producer at once: each ends when all is reported or its own time is up, and none ends another.
local h = require "spec.helper"
local kafka = h.kafka

describe("a flush within another wait", function()
    after_each(h.cleanup)

    local function slow_producer(conf)
        local mock = h.mock { topics = { t = 1 } }
        conf["linger.ms"] = 0
        local producer = kafka.producer(mock:bootstrap_servers(), conf)
        producer:create_topic "t"
        producer:send("t", 0, 0, "warm")
        assert(producer:flush(5000))
        mock:set_rtt(1, 200)
        return producer, mock
    end

    it("by a delivery callback does not end a close that still has time", function()
        local producer, delivered, failed
        delivered, failed = 0, 0
        producer = slow_producer {
            ["batch.num.messages"] = 1,
            ["max.in.flight"] = 1,
            on_delivery = function(err)
                if err then failed = failed + 1 else delivered = delivered + 1 end
                if producer and not producer:closed() then producer:flush(0) end
            end,
        }
        for i = 1, 5 do assert.are.equal(0, producer:send("t", 0, i, "x")) end
        assert.is_true((producer:close(20000)))
        assert.are.same({ 6, 0 }, { delivered, failed })
    end)

    it("of one coroutine does not end that of another", function()
        local producer = slow_producer {}
        -- Each wait is one turn of a loop that resumes both in turn.
        kafka.wrap(producer, function() coroutine.yield() end)
        producer:send("t", 0, 1, "x")
        local answers = {}
        local function task(name, timeout)
            return coroutine.create(function() answers[name] = { producer:flush(timeout) } end)
        end
        local tasks = { task("short", 20), task("long", 20000) }
        h.wait_until(function()
            for _, co in ipairs(tasks) do
                if coroutine.status(co) ~= "dead" then assert(coroutine.resume(co)) end
            end
            return answers.short and answers.long
        end, 10)
        assert.is_nil(answers.short[1])
        assert.are.equal("_TIMED_OUT", answers.short[2].name)
        assert.is_true(answers.long[1])
        kafka.wrap(producer, nil)
        assert.is_true((producer:close(5000)))
    end)
end)
