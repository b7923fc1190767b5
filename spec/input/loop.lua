-- The little of an event loop that specs of the descriptor need, on luv: tasks, and "is it readable".
-- luv ends the process when a callback raises, so nothing here lets an error reach it: the first one stops the loop
-- and comes out of the call that ran it.
local uv = require "luv"

local loop = {}
local failure, running = nil, 0

local function fail(err)
    if failure == nil then failure = { err } end
    uv.stop()
end

local function clear()
    uv.walk(function(handle)
        if not handle:is_closing() then handle:close() end
    end)
    uv.run("nowait")
end

--- fn as a luv callback whose error comes out of `loop.run`.
function loop.guard(fn)
    return function(...)
        local ok, err = pcall(fn, ...)
        if not ok then fail(err) end
    end
end

--- Continues a task; what `wait` functions call when their descriptor or timer fires.
function loop.resume(task, ...)
    local ok, err = coroutine.resume(task, ...)
    if not ok then
        fail(err)
    elseif coroutine.status(task) == "dead" then
        running = running - 1
        if running == 0 then uv.stop() end
    end
end

--- Runs functions as tasks until all have ended; an error in one, or the deadline, ends all and is raised.
function loop.run(seconds, ...)
    failure, running = nil, select("#", ...)
    local deadline = uv.new_timer()
    deadline:start(math.floor(seconds * 1000), 0, function()
        fail(("the tasks did not end within %g s: %d left"):format(seconds, running))
    end)
    for _, fn in ipairs { ... } do loop.resume(coroutine.create(fn)) end
    if running > 0 and failure == nil then uv.run() end
    clear()
    if failure then error(failure[1], 0) end
end

--- Runs the loop until a callback calls `uv.stop`, or fails at the deadline with what `describe` says.
function loop.until_stopped(seconds, describe)
    failure = nil
    local expired = false
    local deadline = uv.new_timer()
    deadline:start(math.floor(seconds * 1000), 0, function()
        expired = true
        uv.stop()
    end)
    uv.run()
    clear()
    if failure then error(failure[1], 0) end
    if expired then error(("not done after %g s: %s"):format(seconds, describe()), 0) end
end

--- poll(2) for reading: true if fd is readable now, or becomes so within ms.
function loop.readable(fd, ms)
    local seen = false
    local watch = assert(uv.new_poll(fd))
    watch:start("r", function(err)
        seen = not err
        uv.stop()
    end)
    if ms and ms > 0 then
        local timer = uv.new_timer()
        timer:start(ms, 0, function() uv.stop() end)
        uv.run()
    else
        uv.run("nowait")
    end
    clear()
    return seen
end

--- True while fd names something open in this process.
function loop.is_open(fd)
    return uv.fs_fstat(fd) ~= nil
end

return loop
