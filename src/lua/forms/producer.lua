-- The producer's calls that serve, wait, or read option tables.
local native = ...
local class, step = native.producer.class, native.producer.step
local form = native.client_form(step)
local dispatch, dispatch_or_raise, wait_until, serve = form.dispatch, form.dispatch_or_raise, form.wait_until, form.serve
local now, step_poll, select, tickets = native.now, step.poll, select, native.ticket.step
local ceil, max, min = math.ceil, math.max, math.min
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

-- Serves until all is reported or the deadline has come. Returns whether a callback failed, and
-- how.
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

-- No pcall around the waiting: plain 5.1 could not yield across it. What is raised in between (by a
-- replaced wait, by Ctrl-C) leaves nothing to be undone: the ticket goes with the coroutine.
function methods.flush(...)
    local deadline, ticket = step.flush_begin(...)
    if not deadline then return nil, ticket end
    local self = ...
    local failed, err = serve_until_flushed(self, deadline)
    tickets.forget(ticket)
    local left = step.flush_left(self)
    if failed then error(err, 0) end
    if form.is_closed(self) then return nil, native.destroyed() end
    if left == 0 then return true end
    local _, why = step.flush_error(self)
    return nil, why, left
end

-- Past its deadline a close waits this long (ms) for librdkafka's threads to end.
local FAREWELL = 300

local function wait_until_gone(self)
    local farewell = now() + FAREWELL
    while not step.is_gone(self) and now() < farewell do wait_until(self, farewell) end
end

-- A close that was interrupted may be called again; one that meets another takes over.
function methods.close(...)
    local deadline, refused = step.close_begin(...)
    if not deadline then
        if refused then return nil, refused end
        wait_until_gone((...))
        return true
    end
    local self = ...
    local failed, first
    local open, under_way = step.transaction_state(self)
    if not open and (#self > 0 or under_way) and now() < deadline then
        local until_then, ticket = step.flush_begin(self, max(0, min(2 ^ 31 - 1, ceil(deadline - now()))))
        failed, first = serve_until_flushed(self, until_then)
        tickets.forget(ticket)
        while select(2, step.transaction_state(self)) and now() < until_then do
            wait_until(self, min(until_then, now() + 100)) -- its end wakes nobody here
        end
    end
    local undelivered, why = 0, nil
    if not form.is_closed(self) then
        undelivered = step.undelivered(self)
        if undelivered > 0 then why = select(2, step.flush_error(self)) end
        why = select(2, step.transaction_farewell(self)) or why
        step.close_purge(self)
        local _, bad, err = dispatch(self)
        if bad and not failed then failed, first = true, err end
        step.close_leave(self)
    end
    wait_until_gone(self)
    form.nudge_collector()
    if failed then error(first, 0) end
    if why then return nil, why, undelivered end
    return true
end

-- Lua 5.4: `local p <close> = kafka.producer(…)`.
class.__close = function(self) methods.close(self) end

return form
