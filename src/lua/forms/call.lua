-- Calls a user's callback so that an error in it is a result and a yield in it passes through to
-- whoever resumed us. Returns ok and the results or, if not ok, the error as it was raised.
local running = coroutine.running

if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") then
    return pcall -- yields pass through it
end

-- Plain 5.1 cannot yield across pcall: the callback gets a coroutine whose yields are passed on.
local create, resume, status, yield = coroutine.create, coroutine.resume, coroutine.status, coroutine.yield

local function pass(co, ok, ...)
    if not ok then return false, (...) end
    if status(co) == "dead" then return true, ... end
    return pass(co, resume(co, yield(...)))
end

return function(callback, ...)
    if not running() then return pcall(callback, ...) end
    local made, co = pcall(create, callback)
    if not made then co = create(function(...) return callback(...) end) end -- 5.1 wants a Lua function
    return pass(co, resume(co, ...))
end
