-- send(topic, partition, sequence_id, message): what it takes and what it returns.
local h = require "spec.helper"
local kafka = h.kafka

local function outcome(p)
    local id, failures = p:poll(10000)
    return { id, failures }
end

describe("send", function()
    local mock, topic, p
    before_each(function()
        topic = h.topic()
        mock = h.mock { topics = { [topic] = 2 } }
        p = h.track(kafka.producer(mock:bootstrap_servers()))
        p:create_topic(topic)
    end)
    after_each(h.cleanup)

    it("delivers to the partition it was given [22]", function()
        assert.are.equal(0, p:send(topic, 1, 1, "one"))
        assert.are.equal(0, p:send(topic, 0, 2, "zero"))
        assert.is_true(p:flush(10000))
        assert.are.same({ { value = "zero", partition = 0 }, { value = "one", partition = 1 } },
            h.drain(mock:bootstrap_servers(), topic, { count = 2 }))
    end)

    it("lets the partitioner choose for partition -1 [22]", function()
        for i = 1, 20 do assert.are.equal(0, p:send(topic, -1, i, tostring(i))) end
        assert.is_true(p:flush(10000))
        assert.are.equal(20, #h.drain(mock:bootstrap_servers(), topic, { count = 20 }))
    end)

    it("takes nil, numbers and numeric strings as sequence id [21]", function()
        assert.are.equal(0, p:send(topic, 0, nil, "m"))
        assert.are.same({ nil, 0 }, outcome(p))
        assert.are.equal(0, p:send(topic, 0, 7, "m"))
        assert.are.same({ 7, 0 }, outcome(p))
        assert.are.equal(0, p:send(topic, 0, "42", "m"))
        assert.are.same({ 42, 0 }, outcome(p))
    end)

    it("carries every whole number up to 2^53 through unchanged as sequence id [21]", function()
        for _, id in ipairs { 0, 1, 2 ^ 31, 2 ^ 32 + 1, 2 ^ 53 - 1, 2 ^ 53 } do
            assert.are.equal(0, p:send(topic, 0, id, "m"))
            assert.are.same({ id, 0 }, outcome(p))
        end
    end)

    it("refuses a sequence id below 0 or above 2^53 [21]", function()
        for _, id in ipairs { -1, -2 ^ 53, 2 ^ 53 + 2, 2 ^ 63, 1e300, math.huge, -math.huge, "-3" } do
            local err = h.error_of(h.chunk("local p, topic, id = ...\nlocal ret = p:send(topic, 0, id, 'm')"), p, topic, id)
            assert.truthy(err:match("^user%.lua:2: ") and err:find("sequence_id out of range", 1, true), err)
        end
        assert.are.equal(0, #p)
    end)

    it("names the argument that has the wrong type [5, 21]", function()
        local function refusal(...)
            return h.error_of(h.chunk("local p = ...\nlocal ret = p:send(select(2, ...))"), p, ...)
        end
        assert.are.equal("user.lua:2: bad argument #1 to 'send' (string expected, got nil)", refusal(nil, 0, 1, "m"))
        assert.are.equal("user.lua:2: bad argument #2 to 'send' (number expected, got string)", refusal(topic, "x", 1, "m"))
        assert.are.equal("user.lua:2: bad argument #2 to 'send' (number expected, got nil)", refusal(topic, nil, 1, "m"))
        assert.truthy(refusal(topic, 0, {}, "m"):match("^user%.lua:2: bad argument #3 to 'send' %(number.* expected, got table%)$"))
        assert.truthy(refusal(topic, 0, "abc", "m"):match("^user%.lua:2: bad argument #3 to 'send' %(number.* expected, got string%)$"))
        assert.truthy(refusal(topic, 0, 1, true):match("^user%.lua:2: bad argument #4 to 'send' %(string.* expected, got boolean%)$"))
        assert.truthy(refusal(topic, 0, 1, nil):match("^user%.lua:2: bad argument #4 to 'send' %(string.* expected, got nil%)$"))
    end)

    it("takes a message as an array of strings and joins it", function()
        local parts = {}
        for i = 1, 300 do parts[i] = ("\0%d\255"):format(i) end
        assert.are.equal(0, p:send(topic, 0, 1, parts))
        assert.are.equal(0, p:send(topic, 0, 2, { "n", 1, "" }))
        assert.are.equal(0, p:send(topic, 0, 3, {}))
        assert.is_true(p:flush(10000))
        local found = h.drain(mock:bootstrap_servers(), topic, { count = 3 })
        assert.are.equal(table.concat(parts), found[1].value)
        assert.are.equal("n1", found[2].value)
        assert.are.equal("", found[3].value)
    end)

    it("refuses an array of parts that holds anything but strings and numbers, and queues nothing", function()
        for _, parts in ipairs { { "a", {} }, { "a", true }, { print } } do
            local err = h.error_of(h.chunk("local p, topic, parts = ...\nlocal ret = p:send(topic, 0, 1, parts)"), p, topic, parts)
            assert.truthy(err:match("^user%.lua:2: "), err)
        end
        assert.are.equal(0, #p)
    end)

    it("carries every byte and an empty message", function()
        local all = {}
        for byte = 0, 255 do all[#all + 1] = string.char(byte) end
        all = table.concat(all)
        assert.are.equal(0, p:send(topic, 0, 1, all))
        assert.are.equal(0, p:send(topic, 0, 2, ""))
        assert.is_true(p:flush(10000))
        local found = h.drain(mock:bootstrap_servers(), topic, { count = 2 })
        assert.are.equal(all, found[1].value)
        assert.are.equal("", found[2].value)
    end)
end)

describe("send answers with Linux's error numbers:", function()
    after_each(h.cleanup)

    local function producer(conf, mock_options)
        local brokers, mock = h.nowhere, nil
        if mock_options then
            mock = h.mock(mock_options)
            brokers = mock:bootstrap_servers()
        end
        local p = h.track(kafka.producer(brokers, conf))
        return p, mock
    end

    it("105 when the queue is full, and 0 again once there is room [22]", function()
        local p = producer({ ["queue.buffering.max.messages"] = 2, ["message.timeout.ms"] = 300 })
        p:create_topic("t")
        assert.are.equal(0, p:send("t", 0, 1, "m"))
        assert.are.equal(0, p:send("t", 0, 2, "m"))
        assert.are.equal(105, p:send("t", 0, 3, "m"))
        assert.are.equal(2, #p)
        local failed = 0
        h.wait_until(function()
            failed = failed + select(2, p:poll(1000))
            return failed == 2
        end)
        assert.are.equal(0, p:send("t", 0, 3, "m"))
    end)

    it("90 when the message is larger than message.max.bytes [22]", function()
        local p = producer({ ["message.max.bytes"] = 1000 })
        p:create_topic("t")
        assert.are.equal(90, p:send("t", 0, 1, ("x"):rep(1001)))
        assert.are.equal(0, #p)
    end)

    it("3 for an unknown partition once metadata is known; before that 0 and a failure later [22]", function()
        local p = producer({}, { topics = { t = 1 } })
        p:create_topic("t")
        assert.are.equal(0, p:send("t", 9, 1, "too early to know"))
        assert.are.same({ 1, 1 }, outcome(p))
        assert.are.equal(3, p:send("t", 9, 2, "m"))
        assert.are.equal(0, p:send("t", 0, 3, "m"))
        assert.are.same({ 3, 0 }, outcome(p))
    end)

    it("2 for a topic that the cluster does not have [22]", function()
        local p, mock = producer({ ["topic.metadata.propagation.max.ms"] = 1 }, {})
        mock:create_topic("gone", 1)
        mock:set_topic_error("gone", "UNKNOWN_TOPIC_OR_PART")
        p:create_topic("gone")
        assert.are.equal(0, p:send("gone", 0, 1, "too early to know"))
        assert.are.same({ 1, 1 }, outcome(p))
        assert.are.equal(2, p:send("gone", 0, 2, "m"))
    end)

    it("125 after a fatal error [22]", function()
        local mock = h.mock { topics = { t = 1 } }
        mock:push_errors("InitProducerId", { "CLUSTER_AUTHORIZATION_FAILED" })
        local fatal
        local p = h.track(kafka.producer(mock:bootstrap_servers(), {
            ["enable.idempotence"] = true, on_error = function(err) fatal = fatal or (err.fatal and err) end,
        }))
        p:create_topic("t")
        h.wait_until(function()
            p:poll(100)
            return fatal
        end)
        assert.are.equal(125, p:send("t", 0, 1, "m"))
    end)

    it("8 for a transactional producer outside a transaction [22]", function()
        local p = producer({ ["transactional.id"] = "x" })
        p:create_topic("t")
        assert.are.equal(8, p:send("t", 0, 1, "m"))
    end)
end)
