-- Serving and waiting, for every class of client. The steps underneath never wait and never call
-- Lua; whatever calls a user's function or waits is here, so that callbacks may yield and their
-- errors keep identity. Waiting is one function a client, which an event loop may replace.
local native = ...
local call, now, tickets = native.call_form, native.now, native.ticket.step
local huge, ceil = math.huge, math.ceil
local collect = _VERSION == "Lua 5.3" and collectgarbage
local jit = rawget(_G, "jit")

local callback_of = {
    error = "on_error", log = "on_log", stats = "on_stats", throttle = "on_throttle", delivery = "on_delivery",
    checkpoint = "on_checkpoint",
}

return function(step)
    local next_event, pending, settle, callbacks = step.next_event, step.pending, step.settle, step.callbacks
    local form = { is_closed = step.is_closed, settle = settle, serve = step.serve, is_gone = step.is_gone }

    -- Runs one callback; returns whether it failed, and how.
    local function run(fn, ...)
        local ok, err = call(fn, ...)
        if ok then return false end
        return true, err
    end
    form.run = run

    -- What only one class of clients hears: kind → function(self, callbacks, a, b), which returns
    -- whether a callback failed, and how.
    form.own_events = {}

    local function serve_one(self, cbs, kind, a, b, own, listened)
        local fn = cbs[callback_of[kind]]
        if form.own_events[kind] then
            return form.own_events[kind](self, cbs, a, b)
        elseif kind == "token" then
            native.serve_token(self, step, cbs.on_oauth_token, a)
        elseif kind == "stats" then
            if fn then return run(fn, native.decode_stats(a), a) end
        elseif kind == "delivery" then
            local failed, err, failed_too, err_too = false, nil, false, nil
            if own then failed, err = run(own, a, b) end
            if fn and listened ~= false and not (cbs.only_failed and a == nil) then failed_too, err_too = run(fn, a, b) end
            if failed then return true, err end
            return failed_too, err_too
        elseif fn then
            return run(fn, a, b)
        end
        return false
    end

    -- Serves the events that wait now. Returns how many, whether a callback failed, its error:
    -- the first one; the others still ran.
    function form.dispatch(self)
        local count = pending(self)
        if count == 0 then return 0, false end
        local cbs = callbacks(self)
        local served, failed, first = 0, false, nil
        for _ = 1, count do
            local kind, a, b, own, opaque, renew, listened = next_event(self)
            if not kind then break end
            served = served + 1
            if opaque ~= nil then b.opaque = opaque end
            if renew then cbs[1], cbs[2] = {}, {} end
            local bad, err
            if own and listened == false then -- the message's own callback is all that hears of it
                bad, err = call(own, a, b)
                bad = not bad
            else
                bad, err = serve_one(self, cbs, kind, a, b, own, listened)
            end
            if bad and not failed then failed, first = true, err end
        end
        settle(self)
        return served, failed, first
    end

    -- As dispatch, and raises what failed: once, as it was raised.
    function form.dispatch_or_raise(self)
        local served, failed, err = form.dispatch(self)
        if failed then error(err, 0) end
        return served
    end

    -- Waits until something arrives or the deadline has come; may return early.
    function form.wait_until(self, deadline)
        local replaced = callbacks(self).wait
        local left = deadline - now()
        if replaced then
            replaced(self, left == huge and -1 or ceil(left > 0 and left or 0))
        elseif left > 0 then
            step.wait_slice(self, left)
        end
    end

    local function answered(failed, first, held, ok, ...)
        if failed then
            if not held then error(first, 0) end
            if not held.failed then held.failed, held.first = true, first end
        end
        if ok then return ... end
        return nil, (...)
    end

    local function settled(self, ...)
        settle(self)
        return ...
    end

    -- Waits for the answer to a question (lua/ask.rs) and serves events meanwhile, since some calls
    -- of librdkafka need them: a token, say. Returns its values, or nil and the error. What a
    -- callback raised comes out when all is done, or, with `held`, is kept there: its first and whether.
    function form.await(self, ticket, deadline, what, held)
        local failed, first = false, nil
        while true do
            form.serve(self)
            local _, bad, err = form.dispatch(self)
            if bad and not failed then failed, first = true, err end
            if form.is_closed(self) then return answered(failed, first, held, nil, native.destroyed()) end
            if tickets.is_answered(ticket) then
                -- What came before the answer is told before it.
                _, bad, err = form.dispatch(self)
                if bad and not failed then failed, first = true, err end
                return answered(failed, first, held, settled(self, tickets.answer(ticket)))
            end
            if now() >= deadline then
                settled(self, tickets.forget(ticket))
                return answered(failed, first, held, step.unanswered(self, what))
            end
            form.wait_until(self, deadline)
        end
    end

    -- A method that asks: `begin` checks the arguments, puts the question, and returns the ticket
    -- and when to give up.
    function form.asks(begin, what)
        return function(...)
            local ticket, deadline = begin(...)
            if not ticket then return nil, deadline end
            return form.await((...), ticket, deadline, what)
        end
    end

    -- A closed client holds a descriptor until it is collected, and a collector that counts bytes
    -- only is in no hurry for it: 5.3 lets hundreds gather. It gets a step, unless it stands: the host
    -- wants that, or this is a finalizer, where a step at the end of the state would never return.
    function form.nudge_collector()
        if collect and collect "isrunning" then collect("step", 64) end
    end

    -- A compiled loop does not look at debug hooks, through which Ctrl-C comes.
    if jit then
        for _, fn in pairs(form) do
            if type(fn) == "function" then pcall(jit.off, fn, true) end
        end
    end
    return form
end
