-- The consumer's calls that serve and wait.
local native = ...
local class, step = native.consumer.class, native.consumer.step
local form = native.client_form(step)
native.questions_form(class, step, form)
local receive_step, now = step.receive, native.now
local methods = class.__index

-- The classic call waits this long (ms).
local RECEIVE_TIMEOUT = 1000

-- Nothing is at hand, or callbacks are due before the next message.
local function receive_slowly(self)
    local deadline = now() + RECEIVE_TIMEOUT
    while true do
        form.dispatch_or_raise(self)
        if form.is_closed(self) then return nil, nil, nil, nil, native.destroyed() end
        local got, a, b, c, d = receive_step(self)
        if got then return a, b, c, d end
        if got == nil then return nil, nil, nil, nil, a end
        if now() >= deadline then return nil, nil, nil, nil end
        form.wait_until(self, deadline)
    end
end

-- `...` and not `self, ...`: a missing self is "no value" in the message, not nil.
function methods.receive(...)
    local got, a, b, c, d = receive_step(...)
    if got then return a, b, c, d end
    local e
    if got == nil then
        a, b, c, d, e = nil, nil, nil, nil, a
    else
        a, b, c, d, e = receive_slowly((...))
    end
    if e ~= nil then return a, b, c, d, e end
    return a, b, c, d
end

-- Past its deadline a close waits this long (ms) for librdkafka's threads to end.
local FAREWELL = 400

function methods.close(...)
    local deadline, refused = step.close_begin(...)
    local self = ...
    if not deadline then
        if refused then return nil, refused end
        return true
    end
    local farewell = deadline + FAREWELL
    while not step.is_gone(self) and now() < farewell do form.wait_until(self, farewell) end
    form.nudge_collector()
    local done, why = step.close_result(self)
    if done then return true end
    return nil, why
end

-- Lua 5.4: `local c <close> = kafka.consumer(…)`. A block left by an error has not handled its
-- last message.
class.__close = function(self, err)
    if err ~= nil then step.forget_last(self) end
    methods.close(self)
end

return form
