-- Errors point to the line of the caller, for each of the three kinds of methods and on each Lua.
local h = require "spec.helper"
local kafka = h.kafka

-- Runs `call` on line 4 of a chunk, below other calls, and returns the error.
local function raised(call, ...)
    local text = "local kafka, p, c = ...\nlocal function inner()\n    local unused = 1\n    " .. call
        .. "\n    return unused\nend\nlocal result = inner()\nreturn result"
    return h.error_of(h.chunk(text, "somewhere/deep.lua"), kafka, ...)
end

describe("misuse raises a string at the caller's line", function()
    after_each(h.cleanup)

    local cases = {
        ["in a constructor"] = { "kafka.producer({}, 1, 2)", "kafka.consumer()", "kafka.mock_cluster(5)", "kafka.producer('')",
            "kafka.producer{ on_error = 5 }", "kafka.consumer{ no_such_option = true }" },
        ["in a cold method"] = { "p:create_topic({})", "p:has_topic()", "p:destroy_topic({})", "p:create_topic('bad\\0name')" },
        ["in a hot method"] = { "p:send()", "p:send({}, 0, 1, 'm')", "p:send('t', 'x', 1, 'm')", "p:produce({})", "p:produce('t', {{}})",
            "p:send('unknown', 0, 1, 'm')" },
        ["in a waiting method"] = { "p:poll('x')", "p:poll(1, 2)", "p:flush('x')", "p:flush(-5)", "p:close({})", "c:receive(1)", "c:close('x')" },
    }

    for kind, calls in pairs(cases) do
        it(kind, function()
            local p = h.track(kafka.producer(h.nowhere))
            local c = h.track(kafka.consumer(h.nowhere, { "t:0" }, { ["group.id"] = "g" }))
            for _, call in ipairs(calls) do
                local err = raised(call, p, c)
                assert.are.equal("string", type(err), call)
                assert.truthy(err:match("^somewhere/deep%.lua:4: [^\n]+$"), call .. ": " .. err)
                assert.is_nil(err:find("deep%.lua:4: .*deep%.lua:4: "), call .. ": " .. err) -- not twice
                assert.is_nil(err:find("traceback", 1, true), call .. ": " .. err)
            end
        end)
    end

    it("through an intermediate pcall, coroutine and metamethod", function()
        local p = h.track(kafka.producer(h.nowhere))
        for _, call in ipairs { "p:send()", "p:flush('x')", "p:create_topic({})" } do
            assert.truthy(raised("local ok, e = pcall(function() " .. call .. " end) error(e, 0)", p):match("^somewhere/deep%.lua:4: "))
            assert.truthy(raised("local ok, e = coroutine.resume(coroutine.create(function() " .. call .. " end)) error(e, 0)", p)
                :match("^somewhere/deep%.lua:4: "))
            assert.truthy(raised("local t = setmetatable({}, { __index = function() " .. call .. " end }) local v = t.x", p)
                :match("^somewhere/deep%.lua:4: "))
        end
    end)

    it("and none when it is called straight from pcall", function()
        local p = h.track(kafka.producer(h.nowhere))
        for _, err in ipairs { h.error_of(p.send, p), h.error_of(p.flush, p, "x"), h.error_of(p.create_topic, p, {}), h.error_of(p.poll, p, "x"),
            h.error_of(kafka.producer, "") } do
            assert.is_nil(err:match("^[^ ]+:%d+: "), err)
        end
    end)
end)

describe("a call on a closed client", function()
    it("raises at the caller's line", function()
        local p = kafka.producer(h.nowhere)
        local c = kafka.consumer(h.nowhere, { "t:0" }, { ["group.id"] = "g" })
        local mock = kafka.mock_cluster { brokers = 1 }
        p:close(0)
        c:close(100)
        mock:close()
        for _, call in ipairs { "p:poll()", "p:send('t', 0, 1, 'm')", "p:produce('t', 'v')", "p:flush()", "p:create_topic('t')", "p:last_error()" } do
            assert.are.equal("somewhere/deep.lua:4: attempt to use a closed kafka.Producer", raised(call, p))
        end
        for _, call in ipairs { "c:receive()", "c:last_error()" } do
            assert.are.equal("somewhere/deep.lua:4: attempt to use a closed kafka.Consumer", raised(call, p, c))
        end
        assert.truthy(raised("p:bootstrap_servers()", mock):match("^somewhere/deep%.lua:4: attempt to use a closed kafka%."))
    end)
end)
