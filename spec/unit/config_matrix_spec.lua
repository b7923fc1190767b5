-- Each property librdkafka knows × {valid, wrong type, out of range, NUL} × {producer, consumer, topic}: taken, or an
-- error that names the key. Nothing dangerous is taken, nothing secret is shown.
local h = require "spec.helper"
local calls = require "spec.input.calls"
local survives = require "spec.input.survives"

local kafka = h.kafka
local BROKERS = "127.0.0.1:1" -- nobody listens; a client is made all the same

local UNSAFE = { "plugin.library.paths", "ssl.engine.location", "ssl.providers", "sasl.kerberos.kinit.cmd" }
local unsafe = {}
for _, name in ipairs(UNSAFE) do unsafe[name] = true end

-- Known, and yet never taken: this module chooses its events itself; certificate stores are Windows'.
local refused_by_name = { ["enabled_events"] = true, ["ssl.ca.certificate.stores"] = true }

local makers = {
    producer = function(conf) return kafka.producer(BROKERS, conf) end,
    consumer = function(conf)
        conf["group.id"] = conf["group.id"] or "g"
        return kafka.consumer(BROKERS, { "t" }, conf)
    end,
}

-- Topic-level properties are tried where a topic gets them as well.
local holder, topics = kafka.producer(BROKERS), 0
local at_topic_level = holder:topic_config()
for name, property in pairs(kafka.properties()) do
    if property.topic_level then at_topic_level[name] = true end
end

local function make_topic(conf)
    topics = topics + 1
    local name = "topic-" .. topics
    holder:create_topic(name, conf)
    return { close = function() holder:destroy_topic(name) end }
end

local everywhere = { producer = makers.producer, consumer = makers.consumer, topic = make_topic }

local function complaints()
    local list = {}
    return function(text, ...) list[#list + 1] = text:format(...) end, function()
        assert.equal(0, #list, ("%d wrong:\n%s"):format(#list, table.concat(list, "\n", 1, math.min(#list, 60))))
    end
end

-- All properties with the sides they belong to, in a fixed order.
local function each()
    local list = {}
    for name, property in pairs(kafka.properties()) do
        for side in pairs(makers) do
            if property.scope == "both" or property.scope == side then list[#list + 1] = { name, property, side } end
        end
        if at_topic_level[name] ~= nil then list[#list + 1] = { name, property, "topic" } end
    end
    table.sort(list, function(a, b) return a[1] .. a[3] < b[1] .. b[3] end)
    local i = 0
    return function()
        i = i + 1
        if list[i] then return list[i][1], list[i][2], list[i][3] end
    end
end

local function bounds(property)
    local low, high = (property.range or ""):match "^(-?[%d.]+) %.%. (-?[%d.]+)$"
    return tonumber(low), tonumber(high)
end

local function words(range)
    local list = {}
    for word in (range or ""):gmatch "[^,%s]+" do list[#list + 1] = word end
    return list
end

-- Strings, numbers and booleans that are none of a type's values.
local wrong_scalars = {
    integer = { true, false, "many", "" }, float = { true, false, "many" }, boolean = { 2, -1, "perhaps", "2", "" },
    ["enum value"] = { 999, true, "nonsense", "" }, ["CSV flags"] = { "nonsense", 999, true }, ["pattern list"] = { "^(" },
}

-- Valid values that the description does not give away, or that need something else beside them.
local valid = {
    ["test.mock.num.brokers"] = 0, ["builtin.features"] = "gzip", ["debug"] = "", ["topic.blacklist"] = "^none",
    ["broker.version.fallback"] = "0.10.0", ["sasl.mechanisms"] = "PLAIN", ["sasl.mechanism"] = "PLAIN",
    ["partition.assignment.strategy"] = "range", ["group.protocol.type"] = "consumer", ["partitioner"] = "murmur2_random",
    ["internal.termination.signal"] = 0, ["bootstrap.servers"] = BROKERS, ["metadata.broker.list"] = BROKERS,
    ["auto.offset.reset"] = "earliest", ["queue.buffering.max.kbytes"] = 1024, ["ssl.curves.list"] = "P-256",
    ["ssl.sigalgs.list"] = "RSA+SHA256", ["ssl.cipher.suites"] = "DEFAULT", ["client.id"] = "c", ["group.id"] = "g",
    ["offset.store.path"] = ".", ["enabled_events"] = 0,
}

local function a_valid_value(name, property)
    if valid[name] ~= nil then return valid[name] end
    local low = bounds(property)
    if property.default and property.default ~= "" then return property.default end
    if low then return low end
    return words(property.range)[1] or ""
end

local function judge(complain, what, key, ok, result)
    if ok then
        complain("%s was taken", what)
        result:close(0)
    elseif calls.unclear(result) then
        complain("%s: %s", what, calls.unclear(result))
    elseif not result:find(key, 1, true) then
        complain("%s does not name the key: %s", what, result)
    end
end

local function is_callback(property)
    return property.type == "see dedicated API"
end

describe("kafka.properties", function()
    it("knows all of librdkafka's, with scope, type and range", function()
        local all, count = kafka.properties(), 0
        for name, property in pairs(all) do
            count = count + 1
            assert.equal(name, property.name)
            assert.is_truthy(({ producer = true, consumer = true, both = true })[property.scope], name)
            assert.is_string(property.type, name)
            assert.is_string(property.description, name)
            assert.is_true(#property.description > 0, name)
        end
        assert.is_true(count > 170, count .. " properties")
        assert.equal("producer", all["linger.ms"].scope)
        assert.equal("consumer", all["group.id"].scope)
        assert.equal("both", all["client.id"].scope)
        assert.same({ 0, 900000 }, { bounds(all["linger.ms"]) })
        assert.equal("boolean", all["enable.idempotence"].type)
        assert.equal("5", tostring(all["linger.ms"].default))
        for _, name in ipairs(UNSAFE) do assert.is_table(all[name]) end
    end)

    it("gives one by name, and an error for a stranger", function()
        assert.same(kafka.properties()["acks"], kafka.properties "acks")
        assert.matches("no.such.property", h.error_of(kafka.properties, "no.such.property"), 1, true)
    end)
end)

describe("Each property", function()
    it("takes its default, or another valid value, on each side it belongs to", function()
        local complain, settle = complaints()
        for name, property, side in each() do
            if not unsafe[name] and not is_callback(property) then
                local value = a_valid_value(name, property)
                local ok, result = pcall(everywhere[side], { [name] = value })
                if ok then
                    result:close(0)
                elseif calls.unclear(result) or not result:find(name, 1, true) then
                    complain("%s %s = %s: %s", side, name, tostring(value), tostring(result))
                end
                if ok and refused_by_name[name] then complain("%s %s was taken", side, name) end
                if not ok and not refused_by_name[name] and property.default and property.default ~= "" then
                    complain("%s refuses a valid %s = %s: %s", side, name, tostring(value), tostring(result))
                end
            end
        end
        settle()
    end)

    it("that is a callback of the C API is refused by name", function()
        local complain, settle = complaints()
        for name, property, side in each() do
            if is_callback(property) then
                judge(complain, side .. " " .. name, name, pcall(everywhere[side], { [name] = "x" }))
            end
        end
        settle()
    end)

    it("refuses values of a wrong type", function()
        local complain, settle = complaints()
        for name, property, side in each() do
            for _, wrong in ipairs { {}, print, io.stdout, coroutine.create(function() end) } do
                local ok, err = pcall(everywhere[side], { [name] = wrong })
                -- A producer's partitioner may be a function; other types it refuses in words of its own.
                local ours = name == "partitioner" and side == "producer"
                if ours and type(wrong) == "function" then
                    err:close(0)
                elseif ours then
                    if ok or not err:find("option partitioner", 1, true) then complain("partitioner: %s", tostring(err)) end
                elseif ok then
                    complain("%s %s = a %s was taken", side, name, type(wrong))
                    err:close(0)
                elseif type(err) ~= "string" or not err:find(type(wrong), 1, true) then
                    complain("%s %s = a %s: %s", side, name, type(wrong), tostring(err))
                end
            end
            for _, wrong in ipairs(wrong_scalars[property.type] or {}) do
                judge(complain, ("%s %s = %s"):format(side, name, tostring(wrong)), name, pcall(everywhere[side], { [name] = wrong }))
            end
            if property.type == "integer" then
                for _, half in ipairs { "1.5", "12abc", " ", "1e3" } do
                    judge(complain, ("%s %s = %q"):format(side, name, half), name, pcall(everywhere[side], { [name] = half }))
                end
            end
            if property.type == "integer" or property.type == "float" then
                for _, number in ipairs(property.type == "float" and { 0 / 0 } or { 1.5, 0 / 0 }) do
                    judge(complain, ("%s %s = %s"):format(side, name, number), name, pcall(everywhere[side], { [name] = number }))
                end
            end
        end
        settle()
    end)

    it("refuses numbers outside its range, and tells them from those at its ends", function()
        local complain, settle = complaints()
        local tried = 0
        for name, property, side in each() do
            local low, high = bounds(property)
            if low and not unsafe[name] then
                for _, beyond in ipairs { low - 1, high + 1, 2 ^ 53, 1e308, math.huge, -math.huge } do
                    tried = tried + 1
                    judge(complain, ("%s %s = %.17g"):format(side, name, beyond), name, pcall(everywhere[side], { [name] = beyond }))
                    local text = ("%.0f"):format(beyond)
                    judge(complain, ("%s %s = %q"):format(side, name, text), name, pcall(everywhere[side], { [name] = text }))
                end
            end
        end
        settle()
        assert.is_true(tried > 400, tried .. " tried")
    end)

    it("refuses a NUL in its value, without showing what is secret", function()
        local complain, settle = complaints()
        for name, _, side in each() do
            judge(complain, side .. " " .. name .. " with NUL", name, pcall(everywhere[side], { [name] = "1\0002" }))
        end
        settle()
    end)

    it("refuses long text, or takes it, without harm", function()
        survives [[
            -- 9 MiB on the stack would overflow it.
            local long, longer = ("x"):rep(1024 * 1024), ("x"):rep(9 * 1024 * 1024)
            for name, property in pairs(h.kafka.properties()) do
                for _, text in ipairs { long, property.type == "string" and longer or nil } do
                    local conf = { [name] = text }
                    local ok, result
                    if property.scope == "consumer" then
                        conf["group.id"] = conf["group.id"] or "g"
                        ok, result = pcall(h.kafka.consumer, "127.0.0.1:1", { "t" }, conf)
                    else
                        ok, result = pcall(h.kafka.producer, "127.0.0.1:1", conf)
                    end
                    if ok then
                        assert(#tostring(result) < 2 * #long, name)
                        result:close(0)
                    else
                        assert(not calls.unclear(result), name .. ": " .. tostring(calls.unclear(result)))
                        assert(result:find(name, 1, true), name .. ": " .. result)
                    end
                end
            end
        ]]
    end)

    it("of the kind that loads or runs code is refused with the cure in the message", function()
        for _, name in ipairs(UNSAFE) do
            for side, make in pairs(makers) do
                local err = h.error_of(make, { [name] = "/tmp/anything.so" })
                assert.matches(name, err, 1, true)
                assert.matches("allow_unsafe_config", err, 1, true)
                assert.is_nil(calls.unclear(err), side)
                err = h.error_of(make, { [name] = "/tmp/anything.so", allow_unsafe_config = false })
                assert.matches("allow_unsafe_config", err, 1, true)
            end
        end
    end)

    it("of that kind reaches librdkafka when allow_unsafe_config asks for it", function()
        local err = h.error_of(makers.producer, { ["plugin.library.paths"] = "/no/such/plugin.so", allow_unsafe_config = true })
        assert.is_nil(err:find("allow_unsafe_config", 1, true))
        assert.matches("/no/such/plugin.so", err, 1, true) -- the loader's own sentence
    end)
end)

describe("An unknown key", function()
    it("is an error that names the nearest known one", function()
        for wrong, right in pairs {
            ["bootstrap.server"] = "bootstrap.servers", ["compresion.codec"] = "compression.codec", ["linger_ms"] = "linger.ms",
            ["ackss"] = "acks", ["grup.id"] = "group.id", ["on_eror"] = "on_error", ["auto.offset.rest"] = "auto.offset.reset",
            ["sasl.passwrd"] = "sasl.password", ["exit_timout"] = "exit_timeout",
        } do
            for side, make in pairs(makers) do
                local err = h.error_of(make, { [wrong] = "1" })
                assert.matches(wrong, err, 1, true)
                assert.is_truthy(err:find(right, 1, true), ("%s: %s"):format(side, err))
            end
        end
    end)

    it("far from all known ones is an error without a guess", function()
        local err = h.error_of(makers.producer, { ["entirely.made.up.nonsense"] = "1" })
        assert.matches("entirely.made.up.nonsense", err, 1, true)
        assert.is_nil(calls.unclear(err))
    end)

    it("may be empty, hold a NUL, formats, or bytes of any kind: it is shown without harm", function()
        for _, key in ipairs { "", "\0", "acks\0", "%s%s%n", "\255\254", ("k"):rep(100000), " acks", "acks " } do
            for _, make in pairs(makers) do
                assert.is_nil(calls.unclear(h.error_of(make, { [key] = "1" })))
            end
        end
    end)
end)

describe("A secret", function()
    after_each(h.cleanup)

    local SECRET = "hunter2-correct-horse"

    local function secret_names()
        local list = {}
        for name in pairs(kafka.properties()) do
            if name:find "password" or name:find "secret" or name:find "passphrase" or name:find "key%.pem" then
                list[#list + 1] = name
            end
        end
        table.sort(list)
        return list
    end

    it("does not appear in the error that refuses it", function()
        local names = secret_names()
        assert.is_true(#names >= 5)
        names[#names + 1] = "sasl.passwrd" -- a misspelt secret is one too
        names[#names + 1] = "sasl_password"
        for _, name in ipairs(names) do
            for _, value in ipairs { SECRET .. "\0", SECRET } do
                for side, make in pairs(makers) do
                    local ok, result = pcall(make, { [name] = value, ["security.protocol"] = "sasl_ssl",
                        ["sasl.mechanisms"] = "PLAIN", ["sasl.username"] = "u", ["ssl.key.location"] = "/no/such/file" })
                    if ok then
                        assert.is_nil(tostring(result):find(SECRET, 1, true))
                        result:close(0)
                    else
                        assert.is_nil(result:find(SECRET, 1, true), ("%s %s: %s"):format(side, name, result))
                    end
                end
            end
        end
    end)

    it("does not appear in logs, not even with debug=all", function()
        local log = {}
        local producer = h.track(kafka.producer(BROKERS, {
            ["security.protocol"] = "sasl_plaintext", ["sasl.mechanisms"] = "PLAIN", ["sasl.username"] = "u",
            ["sasl.password"] = SECRET, debug = "all",
            on_log = function(entry) log[#log + 1] = entry.message end,
        }))
        h.wait_until(function()
            producer:poll(50)
            return #log > 20
        end, 10, "twenty lines of log")
        assert.is_nil(table.concat(log, "\n"):find(SECRET, 1, true))
        local err = producer:last_error()
        assert.is_nil(err and tostring(err):find(SECRET, 1, true))
    end)
end)
