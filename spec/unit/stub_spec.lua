-- The stubs in types/ are what editors show. They must name every public function of the module, and no other.
local h = require "spec.helper"
local late = require "spec.support.late"
local kafka = h.kafka

local FILES = {
    "types/kafka.lua", "types/kafka/consumer.lua", "types/kafka/groups.lua", "types/kafka/mock_cluster.lua",
    "types/kafka/producer.lua", "types/kafka/questions.lua", "types/kafka/queue.lua", "types/kafka/reader.lua",
    "types/kafka/session.lua",
}

-- Ignore their arguments, as the old module's `version` did.
local TAKES_ANYTHING = { ["kafka.version"] = true, ["kafka.librdkafka_version"] = true }

-- { ["Producer:send"] = {params={"topic", …}, doc="…"} } of all `function X.y(…) end` in the stubs.
local function read_stubs()
    local found = {}
    for _, path in ipairs(FILES) do
        local doc = {}
        for line in io.lines(path) do
            local owner, mark, name, params = line:match("^function ([%w.]-)([.:])([%w_]+)%((.-)%) end$")
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

-- { code = "integer", … } of `---@class CLASS` in types/kafka/values.lua.
local function fields_of(class)
    local fields, inside = {}, false
    for line in io.lines("types/kafka/values.lua") do
        local name = line:match("^%-%-%-@class ([%w.]+)")
        if name then inside = name == class end
        local field, rest = line:match("^%-%-%-@field ([%w_]+) (.*)$")
        if inside and field then
            -- The type ends at the first space outside brackets.
            fields[field] = rest:match("^%b[][^%s]*") or rest:match("^(%S+)")
        end
    end
    assert(next(fields), class .. " is not in types/kafka/values.lua")
    return fields
end

local function functions_of(live, prefix, into)
    for name, value in pairs(live) do
        if type(value) == "function" then into[prefix .. name] = value end
    end
end

-- The same of the module as it is loaded, and one object of each class by its name.
local function read_module()
    local mock = h.mock{ topics = { stub = 1 } }
    local brokers = mock:bootstrap_servers()
    local producer = h.track(kafka.producer(brokers))
    local consumer = h.track(kafka.consumer(brokers, { "stub" }, { ["group.id"] = "stub" }))
    local queue = h.track(kafka.consumer { ["bootstrap.servers"] = brokers }):queue()
    local found = {}
    functions_of(kafka, "kafka.", found)
    functions_of(getmetatable(queue).__index, "Queue:", found)
    local reader, calls = h.track(kafka.read { ["bootstrap.servers"] = brokers, topic = "stub" }), {}
    for name, fn in pairs(getmetatable(reader).__index) do
        if name:sub(1, 2) ~= "__" then calls[name] = fn end
    end
    functions_of(calls, "Reader:", found)
    functions_of(kafka.partitioner, "kafka.partitioner.", found)
    functions_of(late.complete(getmetatable(producer).__index), "Producer:", found)
    functions_of(late.complete(getmetatable(consumer).__index), "Consumer:", found)
    functions_of(late.complete(getmetatable(mock).__index), "MockCluster:", found)
    local session = h.track(kafka.session{})
    functions_of(getmetatable(session).__index, "Session:", found)
    return found, { Producer = producer, Consumer = consumer, MockCluster = mock, Queue = queue, Reader = reader, Session = session }
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
        local live = read_module()
        assert.same({}, missing_from(live, read_stubs()))
    end)

    it("name no function the module does not have", function()
        local live = read_module()
        assert.same({}, missing_from(read_stubs(), live))
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

    -- A call tells how many arguments it takes: one more than that is refused, that many are not. They are of a type
    -- no parameter has, so that nothing happens.
    it("have as many parameters as the calls take", function()
        local live, objects = read_module()
        for name, stub in pairs(read_stubs()) do
            local function message_with(count)
                local args = { n = 0 }
                local self = objects[name:match("^%w+")]
                if self then args[1], args.n = self, 1 end
                for _ = 1, count do
                    args.n = args.n + 1
                    args[args.n] = print
                end
                local ok, err = pcall(live[name], (table.unpack or unpack)(args, 1, args.n))
                return ok and "" or tostring(err)
            end
            local refusal = "incorrect number of arguments"
            if not TAKES_ANYTHING[name] then
                assert.is_truthy(message_with(#stub.params + 1):find(refusal, 1, true), name .. " takes more")
            end
            if #stub.params > 0 then
                assert.is_nil(message_with(#stub.params):find(refusal, 1, true), name .. " takes fewer")
            end
        end
    end)

    -- Every field of the live value is in the stub; every field the stub does not call optional is in the value.
    local function assert_is(class, value)
        local declared, count = fields_of(class), 0
        for field, found in pairs(value) do
            local kind = assert(declared[field], class .. " has no field " .. tostring(field))
            if kind:match("^%w+%??$") and kind ~= "any" then
                local expected = kind:gsub("%?$", ""):gsub("^integer$", "number")
                assert.equal(expected, type(found), class .. "." .. field)
            end
            count = count + 1
        end
        for field, kind in pairs(declared) do
            if not (kind:match("%?$") or kind:match("|nil$") or kind == "any") then
                assert.is_not_nil(value[field], class .. "." .. field .. " is missing")
            end
        end
        assert.is_true(count > 0)
    end

    it("have the fields of the values that come out", function()
        local mock = h.mock{ topics = { stub = 1 } }
        local good, bad, line
        local producer = h.track(kafka.producer(mock:bootstrap_servers() .. "," .. h.nowhere, {
            ["message.max.bytes"] = 1000,
            on_log = function(found) line = found end,
        }))
        local _, err = producer:produce("stub", ("x"):rep(2000))
        assert_is("kafka.Error", err)
        producer:produce("stub", "full", "key", {
            headers = { { "a", "b" } }, opaque = "o", on_delivery = function(_, report) good = report end,
        })
        producer:flush()
        assert_is("kafka.Report", good)
        mock:push_errors("Produce", { "POLICY_VIOLATION" })
        producer:produce("stub", nil, nil, { on_delivery = function(_, report) bad = report end })
        producer:flush()
        assert_is("kafka.Report", bad)
        h.wait_until(function() producer:poll(0) return line end)
        assert_is("kafka.LogLine", line)
        assert_is("kafka.MockRequest", mock:requests()[1])
        assert_is("kafka.Property", kafka.properties("linger.ms"))
    end)
end)
