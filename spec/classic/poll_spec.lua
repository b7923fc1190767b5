-- poll([timeout]) → sequence_id | nil, failures
local h = require "spec.helper"
local kafka = h.kafka

describe("poll", function()
    after_each(h.cleanup)

    local function delivering()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local p = h.track(kafka.producer(mock:bootstrap_servers()))
        p:create_topic(topic)
        return p, topic
    end

    it("returns nil and 0 at once when there is nothing to tell [23]", function()
        local p = h.track(kafka.producer(h.nowhere))
        local started = h.now()
        local id, failures = p:poll()
        assert.are.same({ nil, 0 }, { id, failures })
        id, failures = p:poll(0)
        assert.are.same({ nil, 0 }, { id, failures })
        id, failures = p:poll(nil)
        assert.are.same({ nil, 0 }, { id, failures })
        assert.is_true(h.now() - started < 0.5)
    end)

    it("waits for its timeout and no longer when nothing comes [23]", function()
        local p = delivering()
        local started = h.now()
        local id, failures = p:poll(400)
        local waited = h.now() - started
        assert.are.same({ nil, 0 }, { id, failures })
        assert.is_true(waited >= 0.39 and waited < 1.4, "waited " .. waited)
    end)

    it("returns the id first and the number of failures second [23]", function()
        local p, topic = delivering()
        assert.are.equal(0, p:send(topic, 0, 77, "m"))
        local id, failures = p:poll(10000)
        assert.are.same({ 77, 0 }, { id, failures })
    end)

    it("returns as soon as something was served, well before its timeout [23]", function()
        local p, topic = delivering()
        p:send(topic, 0, 1, "m")
        local started = h.now()
        p:poll(30000)
        assert.is_true(h.now() - started < 5)
    end)

    it("does not return for what nobody asked about, such as a broker that is not there [23]", function()
        local p = h.track(kafka.producer(h.nowhere))
        local started = h.now()
        p:poll(600)
        assert.is_true(h.now() - started >= 0.59)
    end)

    it("waits for ever with -1, that is until something was served [23]", function()
        local p = h.track(kafka.producer(h.nowhere, { ["message.timeout.ms"] = 600 }))
        p:create_topic("t")
        p:send("t", 0, 3, "m")
        local started = h.now()
        local id, failures = p:poll(-1)
        assert.are.same({ 3, 1 }, { id, failures })
        assert.is_true(h.now() - started > 0.4)
    end)

    it("reports the last id of those served in this call, and each report once [23]", function()
        local p, topic = delivering()
        for i = 1, 100 do p:send(topic, 0, i, "m") end
        local last, failed = 0, 0
        h.wait_until(function()
            local id, failures = p:poll(1000)
            if id then
                assert.is_true(id > last) -- one partition: in order, none twice
                last = id
            end
            failed = failed + failures
            return last == 100
        end)
        assert.are.equal(0, failed)
        local id, failures = p:poll(0)
        assert.are.same({ nil, 0 }, { id, failures })
    end)

    it("counts the failures of this call only [23]", function()
        local p = h.track(kafka.producer(h.nowhere, { ["message.timeout.ms"] = 200 }))
        p:create_topic("t")
        for i = 1, 5 do p:send("t", 0, i, "m") end
        local failed = 0
        h.wait_until(function()
            failed = failed + select(2, p:poll(1000))
            return failed == 5
        end)
        assert.are.equal(0, (select(2, p:poll(0))))
    end)

    it("refuses what is no timeout [5]", function()
        local p = h.track(kafka.producer(h.nowhere))
        local user = h.chunk("local p, timeout = ...\nlocal id = p:poll(timeout)")
        assert.are.equal("user.lua:2: bad argument #1 to 'poll' (number expected, got string)", h.error_of(user, p, "soon"))
        assert.are.equal("user.lua:2: bad argument #1 to 'poll' (number expected, got table)", h.error_of(user, p, {}))
        for _, timeout in ipairs { -2, 0.5, 0 / 0, 2 ^ 60, math.huge } do
            assert.truthy(h.error_of(user, p, timeout):match("^user%.lua:2: "))
        end
    end)
end)
