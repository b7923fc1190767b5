-- What the debug library can do to an object: its environment (5.1), user value or metatable is another's. Calls then
-- work or are clear errors, and work again when it is put back.
local h = require "spec.helper"
local survives = require "spec.input.survives"

-- put(object, value) and get(object): whatever this Lua keeps with a userdata. `others` is what may stand there instead.
local BEGIN = [[
    local put, get = debug.setuservalue or debug.setfenv, debug.getuservalue or debug.getfenv
    local others = { {}, { 1, 2, 3 }, { "a", false, print }, { make.Queue(), make.Queue(), {} }, { io.stdout, io.stdout, io.stdout } }
    local function put_any(subject, value) return (pcall(put, subject, value)) end
    local function swap(subject, value, fn)
        local own = get(subject)
        if not put_any(subject, value) then return end -- 5.1 and 5.2 take tables only
        fn()
        put(subject, own)
        assert(get(subject) == own)
    end
    local function each_other(subject, fn)
        for _, value in ipairs(others) do swap(subject, value, fn) end
        swap(subject, nil, fn)
        swap(subject, 7, fn)
        swap(subject, "x", fn)
        swap(subject, print, fn)
        swap(subject, io.stdout, fn)
    end
    local function each_other_metatable(subject, fn)
        local own = debug.getmetatable(subject)
        for _, class in ipairs(make.classes) do
            debug.setmetatable(subject, debug.getmetatable(make[class]()))
            fn()
        end
        debug.setmetatable(subject, nil)
        fn()
        debug.setmetatable(subject, own)
    end
    local noted = 0
    local function note() noted = noted + 1 end
    local ARGUMENTS = {
        {}, { 0 }, { 1, 0 }, { "known" }, { "known", 0 }, { note }, { "known", "value" },
        { "known", "value", "key", { on_delivery = note, opaque = 1 } }, { { topic = "known", value = "x", on_delivery = note } },
        { "known", { "a", { value = "b", on_delivery = note, opaque = 2 } } }, { "known", -1, 5, "value" },
    }
    local function call_all(subject, found, any_words)
        for _, name in ipairs(calls.names(found)) do
            if name ~= "close" and name ~= "__gc" and name ~= "__close" then
                for _, arguments in ipairs(ARGUMENTS) do
                    local ok, err = pcall(found[name], subject, (table.unpack or unpack)(arguments, 1, 4))
                    local why = not ok and calls.unclear(err)
                    assert(not why, name .. ": " .. tostring(why))
                    -- Not by chance: an embedded function that finds something else than it expects.
                    assert(ok or any_words or not err:find "attempt to .* local", name .. ": " .. tostring(err))
                end
            end
        end
    end
]]

describe("With the debug library", function()
    after_each(h.cleanup)

    for _, class in ipairs { "Producer", "Partitioned", "Consumer", "Simple", "Queue", "Mock" } do
        it("what a " .. class .. " keeps may be replaced, without harm", function()
            survives(BEGIN .. ("local class = %q"):format(class) .. [[
                local subject = make[class]()
                local found = calls.of(subject)
                each_other(subject, function() call_all(subject, found) end)
                if make.client_of(subject) ~= subject then
                    each_other(make.client_of(subject), function() call_all(subject, found) end)
                end
                collect()
                assert(tostring(subject):find "^kafka%.")
            ]])
        end)

        it("a " .. class .. " may get another's metatable or none, without harm", function()
            survives(BEGIN .. ("local class = %q"):format(class) .. [[
                local subject = make[class]()
                local found = calls.of(subject)
                each_other_metatable(subject, function() call_all(subject, found, true) end)
                assert(tostring(subject):find "^kafka%.")
                debug.setmetatable(subject, debug.getmetatable(make[class == "Mock" and "Producer" or "Mock"]()))
                subject = nil
                pcall(collect)
                subject = make[class]()
                debug.setmetatable(subject, nil)
                subject = nil
                collect()
            ]])
        end)
    end

    it("reports and messages come when what was replaced is put back, and each once", function()
        survives(BEGIN .. [[
            local mock = h.mock { topics = { t = 1 } }
            local producer = h.track(h.kafka.producer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["linger.ms"] = 0 })
            local consumer = h.reader(mock, {})
            local opaques = {}
            for i = 1, 50 do
                producer:produce("t", "x", nil, { on_delivery = function(_, report) opaques[report.opaque] = true note() end, opaque = i })
                producer:produce("t", "y", nil, { on_delivery = function() note() end })
            end
            for _, value in ipairs(others) do
                swap(producer, value, function()
                    local err = h.wait_until(function()
                        local ok, err = pcall(producer.poll, producer, 10)
                        return not ok and err
                    end)
                    assert(err:find("debug.set", 1, true), err)
                    local ok, why = pcall(producer.produce, producer, "t", "z", nil, { on_delivery = note })
                    assert(not ok and why:find("debug.set", 1, true), why)
                end)
                swap(consumer, value, function()
                    h.wait_until(function()
                        local ok, err = pcall(consumer.poll, consumer, 10)
                        return not ok and err:find("debug.set", 1, true)
                    end)
                end)
            end
            assert(noted == 0)
            h.wait_until(function()
                producer:poll(10)
                return #producer == 0 and noted == 100
            end)
            for i = 1, 50 do assert(opaques[i]) end
            local read = 0
            h.wait_until(function()
                local message, err = consumer:poll(100)
                assert(not err, err)
                if message then
                    assert(message.value == "x" or message.value == "y")
                    assert(message.offset == read)
                    read = read + 1
                    message:commit()
                end
                return read == 100
            end)
            producer:poll(0)
            assert(noted == 100)
        ]])
    end)

    it("a client may be closed meanwhile", function()
        survives(BEGIN .. [[
            for _, class in ipairs { "Producer", "Consumer" } do
                for _, value in ipairs(others) do
                    local subject = h.kafka.wrap(make[class](), nil)
                    local own = get(subject)
                    put(subject, value)
                    pcall(subject.close, subject, 100)
                    put(subject, own)
                    subject:close(100)
                    assert(subject:closed())
                end
            end
        ]])
    end)
end)
