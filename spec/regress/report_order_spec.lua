-- Reports come in the order of their partition, also while a worker flushes: two threads that served librdkafka at
-- once mixed them up. Turns red when Producer::serve (client/producer.rs) does not mind who else serves.
local h = require "spec.helper"
local kafka = h.kafka
local PARTITIONS, COUNT = 12, 12000

describe("reports keep the order of their partition", function()
    after_each(h.cleanup)

    -- A producer whose batches are single messages, and how many reports came behind a later one.
    local function producer(conf)
        local mock = h.mock { brokers = 3, topics = { t = PARTITIONS } }
        local last, told = {}, { reports = 0, back = 0 }
        conf["bootstrap.servers"], conf["linger.ms"], conf["batch.num.messages"] = mock:bootstrap_servers(), 0, 1
        conf.on_delivery = function(err, report)
            assert(not err, err)
            told.reports = told.reports + 1
            if report.offset < (last[report.partition] or -1) then told.back = told.back + 1 end
            last[report.partition] = report.offset
        end
        return h.track(kafka.producer(conf)), told
    end

    local function produce(p)
        for i = 1, COUNT do assert(p:produce("t", "v", nil, { partition = i % PARTITIONS })) end
    end

    it("while a coroutine flushes and the program polls", function()
        local p, told = producer {}
        for _ = 1, 3 do
            produce(p)
            local flush = coroutine.create(function() return p:flush(60000) end)
            local function go_on()
                kafka.wrap(p, coroutine.yield)
                local ok, err = coroutine.resume(flush)
                kafka.wrap(p, nil)
                assert.is_true(ok, err)
            end
            go_on()
            h.wait_until(function()
                for _ = 1, 1000 do p:poll(0) end
                return #p == 0
            end, 60)
            while coroutine.status(flush) ~= "dead" do go_on() end
        end
        p:poll(0)
        assert.same({ reports = 3 * COUNT, back = 0 }, told)
    end)

    it("while a transaction is committed", function()
        local p, told = producer { ["transactional.id"] = h.topic() }
        assert(p:init_transactions())
        for _ = 1, 3 do
            assert(p:begin_transaction())
            produce(p)
            assert(p:commit_transaction(60000))
        end
        p:poll(0)
        assert.same({ reports = 3 * COUNT, back = 0 }, told)
    end)
end)
