-- `__gc` is a method like any other: it can be reached, so it must check what it gets.
local h = require "spec.helper"
local survives = require "spec.input.survives"

describe("__gc called by hand", function()
    after_each(h.cleanup)

    it("on anything that is not of the class is an error, and leaves it alone", function()
        survives [[
            for _, class in ipairs(make.classes) do
                local gc = gc_of(make[class]())
                assert(not pcall(gc))
                for _, stranger in ipairs { false, 0, "x", {}, print, io.stdout, coroutine.create(function() end) } do
                    local ok, err = pcall(gc, stranger)
                    assert(not ok and type(err) == "string", class .. ": " .. tostring(stranger))
                end
                assert(not pcall(gc, nil))
                for _, other in ipairs(make.classes) do
                    if other ~= class then
                        local neighbour = make[other]()
                        assert(not pcall(gc, neighbour), class .. "'s __gc took a " .. other)
                        if neighbour.closed then assert(not neighbour:closed()) end
                    end
                end
            end
            collect()
        ]]
    end)

    it("twice on a live client closes it once, and the collector does no harm afterwards", function()
        survives [[
            for _, class in ipairs(make.classes) do
                local subject = make[class]()
                local gc = gc_of(subject)
                gc(subject)
                gc(subject)
                assert(tostring(subject):find "^kafka%.")
                local method = subject.poll or subject.receive or subject.requests
                local ok, err = pcall(method, subject)
                assert(not ok and tostring(err):find "closed kafka", tostring(err))
                if subject.close then subject:close() end
                gc(subject)
            end
            collect()
        ]]
    end)

    it("from inside the client's own callback does no harm", function()
        survives [[
            local mock = h.mock { topics = { t = 1 } }
            local producer
            producer = h.kafka.producer(mock:bootstrap_servers(), {
                ["linger.ms"] = 0, on_delivery = function() gc_of(producer)(producer) end,
            })
            for i = 1, 100 do producer:produce("t", "x") end
            pcall(producer.poll, producer, 10000)
            pcall(producer.flush, producer, 10000)
            producer = nil
            collect()
        ]]
    end)

    it("on a table that wears our metatable is an error, also when the collector calls it", function()
        survives [[
            for _, class in ipairs(make.classes) do
                local subject = make[class]()
                local worn = setmetatable({}, debug.getmetatable(subject))
                for name, fn in pairs(calls.of(subject)) do
                    assert(not pcall(fn, worn), class .. "." .. name .. " took a table")
                end
                assert(not pcall(function() return tostring(worn) .. "" end))
            end
            worn = nil
            pcall(collectgarbage) pcall(collectgarbage) pcall(collectgarbage)
        ]]
    end)
end)
