-- The producer's calls that serve, wait, or read option tables.
local native = ...
local class, step = native.producer.class, native.producer.step
local form = native.client_form(step)
local dispatch, dispatch_or_raise, wait_until, serve = form.dispatch, form.dispatch_or_raise, form.wait_until, form.serve
local now, select, type, ceil, step_poll = native.now, select, type, math.ceil, step.poll
local methods = class.__index

-- Callbacks are due or nothing has come yet.
local function poll_slowly(self, deadline)
    while true do
        local events = dispatch_or_raise(self)
        local sequence_id, failures, served = step.poll_take(self)
        if served > 0 or events > 0 then return sequence_id, failures, served > 0 and served or events end
        if form.is_closed(self) or now() >= deadline then return nil, 0, 0 end
        wait_until(self, deadline)
        serve(self)
    end
end

-- `...` and not `self, ...`: a missing self is "no value" in the message, not nil.
function methods.poll(...)
    local ready, a, b, c = step_poll(...)
    if ready then return a, b, c end
    local sequence_id, failures, served = poll_slowly((...), a)
    return sequence_id, failures, served
end

-- Serves until all is reported, the deadline has come or, when it does not matter any more, the
-- client was closed meanwhile. Returns whether a callback failed, and how.
local function serve_until_flushed(self, deadline)
    local failed, first
    while true do
        local _, bad, err = dispatch(self)
        if bad and not failed then failed, first = true, err end
        if step.flush_done(self) or now() >= deadline then
            local _, bad_too, err_too = dispatch(self)
            if bad_too and not failed then failed, first = true, err_too end
            return failed, first
        end
        wait_until(self, deadline)
    end
end

function methods.flush(...)
    local deadline, refused = step.flush_start(...)
    local self = ...
    if not deadline then return nil, refused end
    local failed, err = serve_until_flushed(self, deadline)
    if failed then
        step.flush_result(self)
        error(err, 0)
    end
    if form.is_closed(self) then return nil, native.destroyed() end
    local done, left = step.flush_result(self)
    if done then return true end
    local _, why = step.flush_error(self)
    return nil, why, left
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
    local failed, first
    if #self > 0 and now() < deadline then
        step.flush_start(self, math.max(0, math.min(2 ^ 31 - 1, ceil(deadline - now()))))
        failed, first = serve_until_flushed(self, deadline)
    end
    local _, why
    if #self > 0 then _, why = step.flush_error(self) end
    local undelivered = step.close_purge(self)
    local _, bad, err = dispatch(self)
    if bad and not failed then failed, first = true, err end
    step.close_leave(self)
    local farewell = now() + FAREWELL
    while not step.is_gone(self) and now() < farewell do wait_until(self, farewell) end
    if failed then error(first, 0) end
    if undelivered > 0 then return nil, why, undelivered end
    return true
end

function methods.create_topic(...)
    local self, topic, conf = ...
    if type(conf) == "table" and select("#", ...) == 3 then
        step.create_topic(self, topic, native.flatten(conf, 2))
    else
        step.create_topic(...)
    end
end

-- Lua 5.4: `local p <close> = kafka.producer(…)`.
class.__close = function(self) methods.close(self) end

return form
