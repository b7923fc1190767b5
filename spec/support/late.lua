-- Methods whose embedded Lua is compiled only when a program first names one of them.
local late = {}

--- name → form of the methods that are made at their first use.
function late.names(methods)
    return (getmetatable(methods) or {}).form_of or {}
end

--- The table of methods with every late one in it.
function late.complete(methods)
    for name in pairs(late.names(methods)) do assert(methods[name], "no form defines " .. name) end
    return methods
end

return late
