-- A fatal error: the client says so, and says why, in every call that could hide it.
local h = require "spec.helper"
local kafka = h.kafka

describe("a fatal error", function()
    local mock
    before_each(function() mock = h.mock { topics = { t = 1 } } end)
    after_each(h.cleanup)

    it("is nil while all is well", function()
        assert.is_nil(h.track(kafka.producer(mock:bootstrap_servers())):fatal_error())
        assert.is_nil(h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "g" })):fatal_error())
    end)

    it("of a producer is told by fatal_error, on_error and produce", function()
        local told
        local producer = h.track(kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers(),
            ["enable.idempotence"] = true, on_error = function(err) told = err end })
        assert.is_true(producer:test_fatal_error("OUT_OF_ORDER_SEQUENCE_NUMBER", "a rehearsal"))
        local err = producer:fatal_error()
        assert.equal("OUT_OF_ORDER_SEQUENCE_NUMBER", err.name)
        assert.is_true(err.fatal)
        assert.is_false(err.retriable)
        assert.truthy(err.message:find("a rehearsal", 1, true), err.message)
        local ok, refused = producer:produce("t", "v")
        assert.is_nil(ok)
        assert.equal("OUT_OF_ORDER_SEQUENCE_NUMBER", refused.name)
        assert.is_true(refused.fatal)
        h.wait_until(function() producer:poll(10) return told end)
        assert.is_true(told.fatal)
    end)

    it("of a consumer is told by fatal_error and receive", function()
        local consumer = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "g" }))
        assert.is_true(consumer:test_fatal_error("FENCED_INSTANCE_ID", "a rehearsal"))
        assert.is_true(consumer:fatal_error().fatal)
        local err
        h.wait_until(function()
            err = select(5, consumer:receive())
            return err
        end)
        assert.equal("FENCED_INSTANCE_ID", err.name)
        assert.is_true(err.fatal)
    end)

    -- Turns red when receiving.rs hands out what was fetched ahead although the consumer is of no use any more.
    it("of a consumer comes before messages that were fetched ahead, and then from every call", function()
        local values = {}
        for i = 1, 600 do values[i] = tostring(i) end
        h.fill(mock:bootstrap_servers(), "t", values)
        local consumer = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "g", ["auto.offset.reset"] = "earliest" }))
        h.wait_until(function() return consumer:poll(100) end)
        assert.is_true(consumer:test_fatal_error("FENCED_INSTANCE_ID", "a rehearsal"))
        local handed_out, err = 0, nil
        h.wait_until(function()
            local message
            message, err = consumer:poll(100)
            handed_out = handed_out + (message and 1 or 0)
            h.sleep(0.02)
            return err
        end)
        assert.is_true(handed_out <= 20, handed_out .. " messages came first")
        for _, call in ipairs {
            function() return consumer:poll(100) end, function() return consumer:poll_batch(9, 100) end,
            function() return consumer:receive_batch(9, 100) end, function() return nil, (select(5, consumer:receive())) end,
        } do
            local got, again = call()
            assert.same({ nil, "FENCED_INSTANCE_ID" }, { got, again and again.name })
        end
        assert.equal("FENCED_INSTANCE_ID", h.error_of(function() for _ in consumer:messages() do end end).name)
    end)

    it("happens once", function()
        local producer = h.track(kafka.producer(mock:bootstrap_servers()))
        assert(producer:test_fatal_error("OUT_OF_ORDER_SEQUENCE_NUMBER", "first"))
        local ok, err = producer:test_fatal_error("INVALID_PRODUCER_EPOCH", "second")
        assert.is_nil(ok)
        assert.equal("_PREV_IN_PROGRESS", err.name)
        assert.equal("OUT_OF_ORDER_SEQUENCE_NUMBER", producer:fatal_error().name)
    end)

    it("cannot be rehearsed under a name that is none", function()
        local producer = h.track(kafka.producer(mock:bootstrap_servers()))
        local err = h.error_of(producer.test_fatal_error, producer, "FENCED_INSTANCE", "x")
        assert.truthy(err:find("FENCED_INSTANCE_ID", 1, true), err)
        err = h.error_of(producer.test_fatal_error, producer, "NO_ERROR", "x")
        assert.truthy(err:find("NO_ERROR", 1, true), err)
    end)
end)

describe("group_metadata", function()
    after_each(h.cleanup)

    it("names group and member once the group was joined, and the instance of a static member", function()
        local mock = h.mock { topics = { t = 1 } }
        h.fill(mock:bootstrap_servers(), "t", { "v" })
        local consumer = h.track(kafka.consumer(mock:bootstrap_servers(), { "t" }, {
            ["group.id"] = "readers", ["auto.offset.reset"] = "earliest", ["group.instance.id"] = "first",
        }))
        h.receive(consumer)
        local found = consumer:group_metadata()
        assert.equal("readers", found.group_id)
        assert.equal("first", found.group_instance_id)
        assert.is_true(#found.member_id > 0)
        assert.is_true(found.generation_id >= 0)
    end)

    it("is nobody in particular for assigned partitions", function()
        local mock = h.mock { topics = { t = 1 } }
        local consumer = h.track(kafka.consumer(mock:bootstrap_servers(), { "t:0" }, { ["group.id"] = "g" }))
        assert.same({ group_id = "g", generation_id = -1, member_id = "" }, consumer:group_metadata())
    end)

    -- Red as a crash: librdkafka looks into the group without asking whether there is one.
    it("is nil for a consumer without a group", function()
        local mock = h.mock { topics = { t = 1 } }
        local consumer = h.track(kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers() })
        assert.is_nil(consumer:group_metadata())
        assert(consumer:consume_start("t", 0, "earliest"))
        assert.is_nil(consumer:group_metadata())
    end)
end)
