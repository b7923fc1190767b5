-- Whether a callback is a function that has no second parameter, and so cannot see a report. LuaJIT alone needs this: 5.1
-- does not know, the others tell C. `debug.getinfo` knows too, but its table costs as much as a report.
local jit, debug = rawget(_G, "jit"), rawget(_G, "debug")
local getlocal = type(debug) == "table" and debug.getlocal
local found, util = pcall(rawget(_G, "require"), "jit.util")
local funcbc = found and type(util) == "table" and util.funcbc
if not (jit and getlocal and funcbc) then return nil end

-- The code a function begins with: one of three for a fixed number of parameters (as it is, interpreted for good,
-- compiled), followed by three for `...`.
local function first_code(fn) return funcbc(fn, 0) % 256 end

local worked, fixed, variable = pcall(function()
    assert(getlocal(function(_, _) end, 2) and getlocal(function(_) end, 1) and not getlocal(function(_) end, 2))
    return first_code(function(_) end), first_code(function(_, ...) return ... end)
end)
if not worked or variable ~= fixed + 3 then return nil end

local function takes_no_report(fn)
    -- Without a name of its first parameter, a function has none or was compiled without names.
    if getlocal(fn, 2) ~= nil or getlocal(fn, 1) == nil then return false end
    local code = first_code(fn)
    return fixed <= code and code < variable
end

jit.off(takes_no_report, true)
return takes_no_report
