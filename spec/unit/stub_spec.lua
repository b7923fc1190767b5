-- The stubs in types/ are what editors show. They must name every public function of the module, and no other.
local h = require "spec.helper"
local kafka = h.kafka

local FILES = {
    "types/kafka.lua", "types/kafka/producer.lua", "types/kafka/consumer.lua", "types/kafka/mock_cluster.lua",
}

-- { ["Producer:send"] = {params={"topic", …}, doc="…"} } of all `function X.y(…) end` in the stubs.
local function read_stubs()
    local found = {}
    for _, path in ipairs(FILES) do
        local doc = {}
        for line in io.lines(path) do
            local owner, mark, name, params = line:match("^function (%w+)([.:])([%w_]+)%((.-)%) end$")
            if owner then
                local names = {}
                for param in params:gmatch("[%w_]+") do names[#names + 1] = param end
                found[owner .. mark .. name] = { params = names, doc = table.concat(doc, "\n") .. "\n" }
            end
            if line:match("^%-%-%-") then doc[#doc + 1] = line else doc = {} end
        end
    end
    return found
end

local function functions_of(live, prefix, into)
    for name, value in pairs(live) do
        if type(value) == "function" then into[prefix .. name] = value end
    end
end

-- The same of the module as it is loaded.
local function read_module()
    local mock = h.mock{ topics = { stub = 1 } }
    local brokers = mock:bootstrap_servers()
    local producer = h.track(kafka.producer(brokers))
    local consumer = h.track(kafka.consumer(brokers, { "stub" }, { ["group.id"] = "stub" }))
    local found = {}
    functions_of(kafka, "kafka.", found)
    functions_of(getmetatable(producer).__index, "Producer:", found)
    functions_of(getmetatable(consumer).__index, "Consumer:", found)
    functions_of(getmetatable(mock).__index, "MockCluster:", found)
    return found
end

local function missing_from(this, other)
    local names = {}
    for name in pairs(this) do
        if not other[name] then names[#names + 1] = name end
    end
    table.sort(names)
    return names
end

describe("the stubs", function()
    after_each(h.cleanup)

    it("name every function the module has", function()
        assert.same({}, missing_from(read_module(), read_stubs()))
    end)

    it("name no function the module does not have", function()
        assert.same({}, missing_from(read_stubs(), read_module()))
    end)

    it("would show a function that is in one of them only", function()
        local stubs, live = read_stubs(), read_module()
        stubs["Producer:invented"] = stubs["Producer:send"]
        live["Consumer:hidden"] = print
        assert.same({ "Producer:invented" }, missing_from(stubs, live))
        assert.same({ "Consumer:hidden" }, missing_from(live, stubs))
    end)

    it("name every value of the module that is not a function", function()
        local text = assert(io.open("types/kafka.lua")):read("*a")
        for name, value in pairs(kafka) do
            if type(value) ~= "function" then
                local declared = text:find("---@field " .. name .. " ", 1, true)
                assert.is_truthy(declared, "types/kafka.lua lacks the field " .. name)
            end
        end
    end)

    it("give each parameter, what comes back, the errors, the danger and the source", function()
        for name, stub in pairs(read_stubs()) do
            for _, param in ipairs(stub.params) do
                local described = stub.doc:find("\n%-%-%-@param " .. param .. "%??%s")
                assert.is_truthy(described, name .. " does not describe " .. param)
            end
            local _, count = stub.doc:gsub("\n%-%-%-@param ", "")
            assert.equal(#stub.params, count, name .. " describes other parameters than it has")
            for _, word in ipairs{ "Errors", "Danger", "Source" } do
                assert.is_truthy(stub.doc:find("\n%-%-%-" .. word .. ": %S"), name .. " has no line " .. word)
            end
            assert.is_truthy(stub.doc:find("^%-%-%-%u"), name .. " does not begin with a sentence")
        end
    end)

    it("have the parameters the module's Lua functions have", function()
        local stubs, compared = read_stubs(), 0
        for name, live in pairs(read_module()) do
            local info = debug.getinfo(live, "Su")
            if info.what == "Lua" and info.nparams and not info.isvararg then       -- 5.1 does not tell
                local self = name:find(":", 1, true) and 1 or 0
                assert.equal(info.nparams, #stubs[name].params + self, name)
                compared = compared + 1
            end
        end
        assert.is_true(compared > 0 or h.version == "5.1")
    end)

    it("have the fields of the error values", function()
        local text = assert(io.open("types/kafka/values.lua")):read("*a")
        local class = text:match("@class kafka%.Error\n(.-)\n\n")
        local mock = h.mock{ topics = { stub = 1 } }
        local producer = h.track(kafka.producer(mock:bootstrap_servers(), { ["message.max.bytes"] = 1000 }))
        local _, err = producer:produce("stub", ("x"):rep(2000))
        local fields = 0
        for field, kind in class:gmatch("@field ([%w_]+) (%w+)") do
            assert.equal(kind == "integer" and "number" or kind, type(err[field]), field)
            fields = fields + 1
        end
        assert.equal(6, fields)
    end)
end)
