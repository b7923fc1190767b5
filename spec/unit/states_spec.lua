-- Several Lua states in one process, one a thread (luv makes them): each has its own clients and callbacks, and a
-- state that closes with its thread hands its clients over as any collection does.
local h = require "spec.helper"
local broker = require "spec.lifetime.broker"

describe("Lua states on threads of one process", function()
    local cluster

    lazy_setup(function() cluster = broker.start(1) end)
    lazy_teardown(function() cluster:close() end)

    -- Runs `body` (a function text of topic, brokers, number) on `threads` threads at once, `rounds` times.
    local function run(topic, threads, rounds, body, after)
        -- luv hands numbers to a thread as doubles, which 5.3 and later print with a fraction.
        body = body:gsub("^function%(topic, brokers, number%)", "%0 number = math.floor(number)")
        local result = h.run(([[
            local uv = require "luv"
            local brokers, topic = ...
            local body = %s
            for round = 0, %d - 1 do
                local threads = {}
                for i = 1, %d do threads[i] = assert(uv.new_thread(body, topic, brokers, round * %d + i)) end
                for _, thread in ipairs(threads) do thread:join() end
            end
            %s
        ]]):format(body, rounds, threads, threads, after or ""), { args = { cluster.servers, topic }, timeout = 60 })
        assert.is_nil(result.signal, result.err)
        assert.are.equal("", result.err)
        assert.are.equal(0, result.status)
        return result
    end

    it("lose nothing when they end without closing their clients", function()
        local topic = cluster:topic("threads", 4)
        run(topic, 6, 4, [[function(topic, brokers, number)
            local kafka = require "kafka"
            PRODUCER = kafka.producer(brokers, { ["linger.ms"] = number % 2 == 0 and 30000 or 0 })
            CONSUMER = kafka.consumer(brokers, { topic }, { ["group.id"] = "own" .. number })
            PRODUCER:create_topic(topic)
            for i = 1, 200 do assert(PRODUCER:send(topic, -1, i, number .. ":" .. i) == 0) end
        end]])
        local count = cluster:count(topic)
        for number = 1, 24 do
            assert.are.same({ messages = 200, distinct = 200 }, count[tostring(number)])
        end
    end)

    it("get their own reports and no others", function()
        local topic = cluster:topic("reports", 4)
        local result = run(topic, 6, 1, [[function(topic, brokers, number)
            local kafka = require "kafka"
            local own, foreign = 0, 0
            local producer = kafka.producer(brokers, { ["linger.ms"] = 0, on_delivery = function(err, report)
                assert(err == nil, err)
                if report.opaque == number then own = own + 1 else foreign = foreign + 1 end
            end })
            for i = 1, 300 do assert(producer:produce(topic, number .. ":" .. i, nil, { opaque = number })) end
            assert(producer:flush(20000))
            assert(producer:close())
            io.write(("%d\t%d\t%d\n"):format(number, own, foreign)) -- in one piece: the threads share stdout
        end]])
        local lines = {}
        for line in result.out:gmatch("[^\n]+") do lines[#lines + 1] = line end
        table.sort(lines)
        assert.are.same({ "1\t300\t0", "2\t300\t0", "3\t300\t0", "4\t300\t0", "5\t300\t0", "6\t300\t0" }, lines)
    end)

    it("may end one after the other while the first goes on", function()
        local topic = cluster:topic("outlives", 1)
        local result = run(topic, 3, 3, [[function(topic, brokers, number)
            local kafka = require "kafka"
            kafka.producer(brokers)
            kafka.consumer(brokers, { topic }, { ["group.id"] = "short" .. number })
        end]], [[
            local kafka = require "kafka"
            local producer = kafka.producer(brokers)
            producer:create_topic(topic)
            assert(producer:send(topic, 0, 1, "main:1") == 0)
            print(producer:close(10000))
        ]])
        assert.are.equal("true", (result.out:match "^%S+"))
        assert.are.same({ messages = 1, distinct = 1 }, cluster:count(topic).main)
    end)

    it("do not see each other's mistakes: an error in one leaves the others working", function()
        local topic = cluster:topic("errors", 1)
        local result = run(topic, 4, 1, [[function(topic, brokers, number)
            local kafka = require "kafka"
            local function on_delivery() if number == 1 then error("thread 1", 0) end end
            local producer = kafka.producer(brokers, { on_delivery = on_delivery })
            producer:create_topic(topic)
            assert(producer:send(topic, 0, 1, number .. ":1") == 0)
            local ok, err = pcall(producer.flush, producer, 10000)
            io.write(("%d\t%s\t%s\n"):format(number, tostring(ok), tostring(err)))
        end]])
        local lines = {}
        for line in result.out:gmatch("[^\n]+") do lines[#lines + 1] = line:match "^%d\t%a+\t?[^\t]*" end
        table.sort(lines)
        assert.are.equal("1\tfalse\tthread 1", lines[1])
        for number = 2, 4 do assert.are.equal(number .. "\ttrue\t", (lines[number] .. "\t"):match "^%d\t%a+\t") end
    end)
end)
