-- kafka.Error: the value that stands for what Kafka or the network did.
local h = require "spec.helper"
local kafka = h.kafka

describe("a kafka.Error", function()
    after_each(h.cleanup)

    local function queue_full()
        local p = h.track(kafka.producer(h.nowhere, { ["queue.buffering.max.messages"] = 1 }))
        p:produce("t", "v")
        return (select(2, p:produce("t", "v")))
    end

    it("has code, name and message, and three flags", function()
        local err = queue_full()
        assert.are.equal(-184, err.code)
        assert.are.equal("_QUEUE_FULL", err.name)
        assert.are.equal("string", type(err.message))
        assert.is_true(#err.message > 0)
        for _, flag in ipairs { "fatal", "retriable", "txn_requires_abort" } do
            assert.are.equal("boolean", type(err[flag]), flag)
        end
    end)

    it("is text by tostring, with its name and message in one line", function()
        local err = queue_full()
        local text = tostring(err)
        assert.truthy(text:find("_QUEUE_FULL", 1, true), text)
        assert.truthy(text:find(err.message, 1, true), text)
        assert.is_nil(text:find("\n", 1, true), text)
    end)

    it("has codes and names that agree with kafka.errors", function()
        local errors = { queue_full(), (select(2, h.track(kafka.producer(h.nowhere, { ["message.max.bytes"] = 1000 })):produce("t", ("x"):rep(5000)))) }
        assert.are.equal(2, #errors)
        for _, err in ipairs(errors) do
            assert.are.equal(err.code, kafka.errors[err.name])
            assert.are.equal(err.name, kafka.errors[err.code])
        end
    end)

    it("has nothing for a field it does not know", function()
        assert.is_nil(queue_full().no_such_field)
    end)

    it("is fatal when the client is done for, and says so until the end", function()
        local mock = h.mock { topics = { t = 1 } }
        mock:push_errors("InitProducerId", { "CLUSTER_AUTHORIZATION_FAILED" })
        local fatal
        local p = h.track(kafka.producer(mock:bootstrap_servers(), {
            ["enable.idempotence"] = true, on_error = function(err) fatal = err.fatal and err or fatal end,
        }))
        h.wait_until(function()
            p:poll(100)
            return fatal
        end)
        assert.are.equal("CLUSTER_AUTHORIZATION_FAILED", fatal.name)
        assert.is_false(fatal.retriable)
        for _ = 1, 2 do
            local ok, err = p:produce("t", "v")
            assert.is_nil(ok)
            assert.is_true(err.fatal)
        end
        assert.is_true(p:last_error().fatal)
    end)

    it("is retriable when trying again may help", function()
        assert.is_true(queue_full().retriable)
        local p = h.track(kafka.producer(h.nowhere, { ["message.max.bytes"] = 1000 }))
        assert.is_false((select(2, p:produce("t", ("x"):rep(5000)))).retriable)
    end)

    it("outlives its client", function()
        local err = queue_full()
        h.cleanup()
        collectgarbage()
        assert.are.equal("_QUEUE_FULL", err.name)
        assert.truthy(tostring(err):find("_QUEUE_FULL", 1, true))
    end)

    it("can be raised and caught as it is", function()
        local err = queue_full()
        assert.is_true(rawequal(err, h.error_of(error, err)))
    end)
end)
