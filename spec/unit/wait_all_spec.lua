-- What kafka.wait_all tells when messages fail and callbacks raise.
local h = require "spec.helper"
local kafka = h.kafka

describe("kafka.wait_all", function()
    after_each(h.cleanup)

    local function failing()
        local topic = h.topic()
        local mock = h.mock { topics = { [topic] = 1 } }
        local p = h.track(kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["linger.ms"] = 1 })
        local away = h.track(kafka.producer { ["bootstrap.servers"] = h.nowhere })
        local handles = {
            assert(p:produce_async(topic, "arrives", nil, { partition = 0 })),
            assert(p:produce_async(topic, "there is no such partition", nil, { partition = 7 })),
            assert(away:produce_async("t", "is taken back")),
        }
        assert.is_true(away:purge())
        return p, handles, topic
    end

    it("returns the first error of all, in their order, and how many failed", function()
        local _, handles = failing()
        local ok, err, missing = kafka.wait_all(handles)
        assert.is_nil(ok)
        assert.same({ "_UNKNOWN_PARTITION", 2 }, { err.name, missing })
        ok, err, missing = kafka.wait_all { handles[3], handles[2], handles[1] }
        assert.is_nil(ok)
        assert.same({ "_PURGE_QUEUE", 2 }, { err.name, missing })
        for i, name in ipairs { false, "_UNKNOWN_PARTITION", "_PURGE_QUEUE" } do
            local report, why, failed = handles[i]:wait(0)
            assert.equal(i == 1, report ~= nil)
            if name then assert.same({ name, "not_persisted" }, { why.name, failed.status }) end
        end
    end)

    it("raises what callbacks raised, the first one, once, when all is known", function()
        local p, handles, topic = failing()
        for i = 1, 2 do
            handles[#handles + 1] = assert(p:produce_async(topic, "v", nil, { partition = 0, on_delivery = function() error("no " .. i, 0) end }))
        end
        assert.equal("no 1", h.error_of(kafka.wait_all, handles))
        for _, handle in ipairs(handles) do assert.is_true(handle:done()) end
        local ok, _, missing = kafka.wait_all(handles)
        assert.is_nil(ok)
        assert.equal(2, missing)
    end)
end)
