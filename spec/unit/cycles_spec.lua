-- What stays behind: of clients that were closed, and of messages that were reported.
local h = require "spec.helper"
local cycles = require "spec.lifetime.cycles_run"

describe("2,000 clients made and closed", function()
    -- Red when a close leaves a thread, a descriptor or, on average, more than 600 bytes behind.
    it("leave no thread, no descriptor and, from the 200th on, at most 1 MiB behind", function()
        local story = cycles(2000, 200, 240)
        assert.is_nil(story.run.signal)
        assert.are.equal(0, story.run.status, story.run.err)
        assert.are.equal(story.threads[1], story.threads[2])
        assert.are.equal(story.descriptors[1], story.descriptors[2])
        assert.is_true(story.growth_kib <= 1024, story.growth_kib .. " KiB")
        assert.are.equal(500, story.delivered)
    end)
end)

describe("100,000 messages in flight with a closure each", function()
    after_each(h.cleanup)

    -- In a child: the heap of a test runner is never still. Red when callbacks are kept as values of the binding
    -- (panic at some thousand), are not released, or when the emptied callback table keeps its size.
    local script = [[
        local kafka = require "kafka"
        local brokers, topic, ending = ...
        local producer = kafka.producer(brokers, { ["linger.ms"] = 0, ["queue.buffering.max.messages"] = 200000 })
        local served, failed = 0, 0
        local function produce(count)
            for i = 1, count do
                assert(producer:produce(topic, "x", nil, { on_delivery = function(err, report)
                    served = served + 1
                    if err or report.value ~= "x" or i < 1 then failed = failed + 1 end
                end }))
            end
        end
        local function heap()
            for _ = 1, 3 do collectgarbage() end
            return collectgarbage "count"
        end
        produce(100)
        assert(producer:flush(30000))
        local before = heap()
        produce(100000)
        local full = heap()
        if ending == "flush" then
            assert(producer:flush(60000))
        else
            while #producer > 0 do producer:poll(1000) end
        end
        print(served, failed, full - before > 4096, math.floor(heap() - before))
    ]]

    for _, ending in ipairs { "flush", "poll" } do
        it("are all reported, and the Lua heap is back within 64 KiB: by " .. ending, function()
            local mock = h.mock { topics = { t = 4 } }
            local run = h.run(script, { args = { mock:bootstrap_servers(), "t", ending }, timeout = 60 })
            assert.are.equal(0, run.status, run.err)
            local served, failed, was_full, growth = run.out:match("^(%d+)\t(%d+)\t(%a+)\t(%-?%d+)\n$")
            assert.are.equal("100100", served)
            assert.are.equal("0", failed)
            assert.are.equal("true", was_full)
            assert.is_true(tonumber(growth) <= 64, growth .. " KiB")
        end)
    end

    it("release their closures also when nothing was delivered", function()
        local run = h.run([[
            local kafka = require "kafka"
            local producer = kafka.producer("127.0.0.1:1", { exit_timeout = 100 })
            local weak = setmetatable({}, { __mode = "k" })
            for i = 1, 10000 do
                local function on_delivery() error("not called: nobody served " .. i) end
                weak[on_delivery] = true
                assert(producer:produce("t", "x", nil, { on_delivery = on_delivery }))
            end
            producer = nil
            collectgarbage()
            collectgarbage()
            print(next(weak))
        ]], { timeout = 20 })
        assert.are.equal(0, run.status, run.err)
        assert.are.equal("nil\n", run.out)
        assert.matches("^[^\n]*%f[%d]10000%f[%D][^\n]*\n$", run.err)
    end)
end)
