-- Calling anything with anything, and judging the outcome.
local late = require "spec.support.late"

local calls = {}

local unpack = table.unpack or unpack

--- What `wait` raises in specs that must not wait.
calls.WOULD_WAIT = "spec: this call would wait"

function calls.no_wait() error(calls.WOULD_WAIT, 0) end

--- name → function of all that a value's metatable offers: its methods, and its metamethods as "__gc" and so on.
function calls.of(value)
    local meta = assert(debug.getmetatable(value), "no metatable")
    local found = {}
    for name, fn in pairs(meta) do
        if type(fn) == "function" then found[name] = fn end
    end
    assert(type(meta.__index) == "table", "__index is no table of methods")
    for name, fn in pairs(late.complete(meta.__index)) do
        if type(fn) == "function" then found[name] = fn end
    end
    return found
end

--- The names of `calls.of`, sorted, so that a seed means the same on every Lua.
function calls.names(found)
    local names = {}
    for name in pairs(found) do names[#names + 1] = name end
    table.sort(names)
    return names
end

--- What is wrong with an error value as an answer to misuse, or nil when it is fine: a short text for humans.
function calls.unclear(err)
    -- A loop raises what it cannot go on after, as the value it is.
    if type(err) == "table" and err.fatal == true and type(err.name) == "string" then return nil end
    if type(err) ~= "string" then return "the error is a " .. type(err) .. ": " .. tostring(err) end
    if #err == 0 then return "the error is empty" end
    if #err > 2000 then return ("the error has %d bytes: %s…"):format(#err, err:sub(1, 200)) end
    for _, sign in ipairs { "panic", "stack traceback", "RefCell", "unwrap", "src/", "mlua" } do
        if err:find(sign, 1, true) then return ("the error speaks of %q: %s"):format(sign, err) end
    end
    return nil
end

--- True when the text names the method or one of the words.
function calls.names_it(err, method, words)
    for _, word in ipairs { method, unpack(words or {}) } do
        if err:lower():find(word:lower(), 1, true) then return true end
    end
    return false
end

--- A function that calls a method by its name, as a program does: Lua then knows what to call it in errors.
function calls.method(name)
    return assert((loadstring or load)(("return function(self, ...) local a, b = self:%s(...) return a, b end"):format(name), "=spec"))()
end

--- pcall of fn with `count` arguments out of a table that may have holes → ok, first result or error.
function calls.try(fn, args, count)
    return pcall(fn, unpack(args, 1, count))
end

return calls
