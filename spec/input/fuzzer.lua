-- Calls anything with anything, n times, by a seed; run in a process of its own by the fuzz specs.
--   lua spec/input/fuzzer.lua SEED CALLS JOURNAL
-- The journal holds the call under way, written before it is made: after a crash it names the culprit.
local h = require "spec.helper"
local calls = require "spec.input.calls"
local random = require "spec.input.random"
local values = require "spec.input.values"

local kafka = h.kafka
local seed, count, journal_path = tonumber(arg[1]), tonumber(arg[2]), arg[3]
local dice = random.new(seed)
local journal = assert(io.open(journal_path, "wb"))
local home = h.mock { topics = { known = 2 } }
local brokers = home:bootstrap_servers()

local function note(text)
    text = text:sub(1, 400)
    journal:seek "set"
    journal:write(text, (" "):rep(400 - #text), "\n")
    journal:flush()
end

-- Option names whose values may do harm to the machine rather than to the module are left out.
local property_names = {}
for name in pairs(kafka.properties()) do
    if name ~= "test.mock.num.brokers" then property_names[#property_names + 1] = name end
end
for _, name in ipairs { "on_error", "on_log", "on_stats", "on_throttle", "on_delivery", "exit_timeout", "close_timeout",
    "topics", "group.id", "nonsense", "linger_ms" } do
    property_names[#property_names + 1] = name
end
table.sort(property_names)

local texts = { "known", "fresh", "Produce", "group", "earliest", "127.0.0.1:1", "known:0", "^k.*", "REQUEST_TIMED_OUT" }
local live = {} -- class → the object under fuzz

local makers = {
    Producer = function()
        local producer = kafka.producer(brokers, { ["linger.ms"] = 0, exit_timeout = 200, close_timeout = 200 })
        producer:create_topic "known"
        return producer
    end,
    Consumer = function()
        return kafka.consumer(brokers, { "known:0" }, { ["group.id"] = "g", exit_timeout = 200, close_timeout = 200 })
    end,
    Mock = function() return kafka.mock_cluster { brokers = 1, topics = { known = 2 } } end,
}

-- No call may wait: for ever is among the timeouts.
local function tame(client)
    if client.pollfd then
        local ok, err = pcall(kafka.wrap, client, calls.no_wait)
        if not ok and not tostring(err):find "closed" then error(err, 0) end
    end
end

local function renew(class)
    live[class] = makers[class]()
    tame(live[class])
end

local function show(value)
    local kind = type(value)
    if kind == "string" then return #value > 40 and ("string of %d bytes"):format(#value) or ("%q"):format(value) end
    if kind == "number" then return ("%.17g"):format(value) end
    if kind == "nil" or kind == "boolean" then return tostring(value) end
    return kind
end

local any -- a random value: number, text, table of anything, object of ours

local function any_table()
    local result = {}
    for _ = 1, dice:int(0, 4) do
        if dice:one_in(3) then
            result[#result + 1] = any()
        else
            local key = dice:one_in(2) and dice:pick(property_names)
                or dice:pick { "partition", "headers", "timestamp", "on_delivery", "opaque", "brokers", "rtt" }
            result[key] = any()
        end
    end
    return result
end

function any()
    local roll = dice:int(1, 100)
    if roll <= 45 then return dice:pick(values.all)[2] end
    if roll <= 60 then return dice:pick(texts) end
    if roll <= 75 then return dice:int(-3, 20) end
    if roll <= 82 then return any_table() end
    if roll <= 86 then return dice:bytes(dice:int(0, 300)) end
    if roll <= 91 then return live[dice:pick { "Producer", "Consumer", "Mock" }] end
    if roll <= 99 then return nil end
    return dice:one_in(40) and values.big() or dice:int(-2 ^ 31, 2 ^ 31)
end

-- Everything that can be called: {label=, class=, fn=}. Closing and making are rare, for they cost milliseconds.
local common = { Producer = {}, Consumer = {}, Mock = {}, kafka = {} }
local rare, plain = {}, { version = true, librdkafka_version = true, properties = true, wrap = true }
local functions = 0
for class in pairs(makers) do renew(class) end
for _, class in ipairs { "Consumer", "Mock", "Producer" } do
    local found = calls.of(live[class])
    for _, name in ipairs(calls.names(found)) do
        local list = (name == "close" or name == "__gc" or name == "__close") and rare or common[class]
        list[#list + 1] = { label = class .. "." .. name, class = class, fn = found[name] }
        functions = functions + 1
    end
end
for _, name in ipairs(calls.names(kafka)) do
    if type(kafka[name]) == "function" then
        local list = plain[name] and common.kafka or rare
        list[#list + 1] = { label = "kafka." .. name, fn = kafka[name] }
        functions = functions + 1
    end
end

local function any_target()
    local roll = dice:int(1, 200)
    if roll == 1 then return dice:pick(rare) end
    if roll <= 110 then return dice:pick(common.Producer) end
    if roll <= 160 then return dice:pick(common.Consumer) end
    return dice:pick(roll <= 195 and common.Mock or common.kafka)
end

local raised, called, closed_for = 0, {}, { Producer = 0, Consumer = 0, Mock = 0 }
local reached = 0

for i = 1, count do
    local target = any_target()
    local args, n = {}, dice:int(0, 4)
    for place = 1, n do args[place] = any() end
    if target.class and not dice:one_in(10) then
        n = n + 1
        for place = n, 2, -1 do args[place] = args[place - 1] end
        args[1] = live[target.class]
    end
    local shown = {}
    for place = 1, n do shown[place] = show(args[place]) end
    local what = ("call %d: %s(%s)"):format(i, target.label, table.concat(shown, ", "))
    note(what)
    local ok, result = calls.try(target.fn, args, n)
    if not called[target.label] then
        called[target.label] = true
        reached = reached + 1
    end
    if not ok then
        raised = raised + 1
        local fault = result ~= calls.WOULD_WAIT and calls.unclear(result)
        if fault then
            io.stderr:write(("seed %d, %s: %s\n"):format(seed, what, fault))
            os.exit(3)
        end
    elseif not target.class and type(result) == "userdata" and result.close and result ~= live.Producer
        and result ~= live.Consumer then
        result:close()
    end
    -- A closed object is fuzzed a while as it is, then replaced.
    for class, object in pairs(live) do
        local gone = object.closed and object:closed() or (not object.closed and not pcall(object.bootstrap_servers, object))
        closed_for[class] = gone and closed_for[class] + 1 or 0
        if closed_for[class] > 100 then renew(class) elseif target.label == "kafka.wrap" and not gone then tame(object) end
    end
    if i % 5000 == 0 then collectgarbage() end
end

note "the end"
for class in pairs(makers) do
    if live[class] and live[class].pollfd and not live[class]:closed() then kafka.wrap(live[class], nil) end
end
print(("%d calls, %d raised, %d of %d functions reached"):format(count, raised, reached, functions))
os.exit(0, true)
