-- What the consumer's calls that serve and wait stand on; leaving.
local native = ...
local class, step = native.consumer.class, native.consumer.step
local form = native.client_form(step)
local now = native.now
local methods = class.__index

-- Past its deadline a close waits this long (ms) for librdkafka's threads to end.
local FAREWELL = 400

function methods.close(...)
    local deadline, refused = step.close_begin(...)
    local self = ...
    if not deadline then
        if refused then return nil, refused end
        return true
    end
    step.callbacks(self).ended = true
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
