-- Values no call asked for.
local values = {}

local big
--- 64 MiB, made once.
function values.big()
    big = big or ("x"):rep(64 * 1024 * 1024)
    return big
end

--- The next number after 2^53 that this Lua can tell from it.
values.beyond = math.type and math.tointeger(2 ^ 53) + 1 or 2 ^ 53 + 2
values.nan = 0 / 0

local function thrower(name)
    return setmetatable({}, { [name] = function() error("spec: thrown by " .. name, 0) end })
end

--- Things of every type, with a name for messages. A `nil` value is given by its absence: see `values.pick`.
values.all = {
    { "true", true }, { "false", false },
    { "0", 0 }, { "1", 1 }, { "-1", -1 }, { "-2", -2 }, { "1.5", 1.5 }, { "NaN", values.nan },
    { "inf", math.huge }, { "-inf", -math.huge }, { "1e308", 1e308 }, { "2^31", 2 ^ 31 }, { "-2^31-1", -2 ^ 31 - 1 },
    { "2^53", 2 ^ 53 }, { "2^53+1", values.beyond }, { "-2^53-2", -2 ^ 53 - 2 }, { "2^63", 2 ^ 63 },
    { "''", "" }, { "'text'", "text" }, { "'12'", "12" }, { "'1.5'", "1.5" }, { "'nan'", "nan" },
    { "NUL", "\0" }, { "a NUL inside", "a\0b" }, { "bytes that are not UTF-8", "\255\254\0\128" },
    { "a long name", ("t"):rep(250) }, { "'%s%n%d'", "%s%n%d" }, { "a regex", "^(((" },
    { "{}", {} }, { "{1}", { 1 } }, { "{'a','b'}", { "a", "b" } }, { "{'a',{}}", { "a", {} } }, { "{true}", { true } },
    { "a map", { partition = 0 } }, { "a map of nonsense", { partition = "x", headers = 1, on_delivery = "y" } },
    { "{[1e308]=1}", { [1e308] = 1 } },
    { "a table that throws when read", thrower "__index" },
    { "a table that throws when walked", thrower "__pairs" },
    { "a table that throws when measured", thrower "__len" },
    { "a table that throws as text", thrower "__tostring" },
    { "a function", function() end }, { "a function that raises", function() error("spec: thrown", 0) end },
    { "a C function", print }, { "a coroutine", coroutine.create(function() end) }, { "a file", io.stdout },
    { "the library table", string },
}

local self_containing = {}
self_containing[1] = self_containing
self_containing.self = self_containing
values.all[#values.all + 1] = { "a table that contains itself", self_containing }

--- What may stand in self's place and is not one of ours.
values.strangers = {
    { "nothing", none = true }, { "nil" }, { "false", false }, { "0", 0 }, { "a string", "x" }, { "{}", {} },
    { "a function", print }, { "a coroutine", coroutine.create(function() end) }, { "a file", io.stdout },
}

return values
