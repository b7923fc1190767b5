-- The consumer's calls that receive: one message, many, a loop over all.
local native = ...
local class, step = native.consumer.class, native.consumer.step
local form = native.consumer_form
local now, huge, min = native.now, math.huge, math.min
local methods = class.__index
local receive_step, poll_step = step.receive, step.poll
local poll_batch_step, receive_batch_step = step.poll_batch, step.receive_batch
local running, jit = coroutine.running, rawget(_G, "jit")

-- The classic call waits this long (ms).
local RECEIVE_TIMEOUT = 1000

-- While too much is not acked, librdkafka's queue is looked at this often (ms).
local LOOK_EVERY = 100

-- Nothing is at hand, or callbacks are due before the next message. `state` as for poll_slowly.
local function receive_slowly(self, state)
    local deadline = now() + RECEIVE_TIMEOUT
    while true do
        if type(state) == "number" then native.renew_messages(self, state) end
        form.dispatch_or_raise(self)
        if form.is_closed(self) then return nil, nil, nil, nil, native.destroyed() end
        local got, a, b, c, d = receive_step(self)
        if got then return a, b, c, d end
        if got == nil then return nil, nil, nil, nil, a end
        state = a
        if type(state) ~= "number" then
            form.answer_abandoned(self)
            if now() >= deadline then return nil, nil, nil, nil, state and step.full_error(self) or nil end
            form.wait_until(self, state and min(deadline, now() + LOOK_EVERY) or deadline)
        end
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
        a, b, c, d, e = receive_slowly((...), a)
    end
    if e ~= nil then return a, b, c, d, e end
    return a, b, c, d
end

-- Serves and waits until the step has something (its results), something is wrong (nil, err), or the
-- deadline has come (false). `state` is why the step had nothing: a number, when messages to come are of
-- that new generation; true, when too much is not acked; else nil. `most` is for a step that takes it.
local function poll_slowly(self, poll, most, deadline, state)
    while true do
        if type(state) == "number" then native.renew_messages(self, state) end
        form.dispatch_or_raise(self)
        if form.is_closed(self) then return nil, native.destroyed() end
        local got, a, b, c, d, e
        if most then got, a, b, c, d, e = poll(self, most, 0) else got, a, b = poll(self, 0) end
        if got ~= false then return got, a, b, c, d, e end
        state = b
        if type(state) ~= "number" then
            form.answer_abandoned(self)
            if now() >= deadline then
                if state then return nil, step.full_error(self) end
                return false
            end
            form.wait_until(self, state and min(deadline, now() + LOOK_EVERY) or deadline)
        end
    end
end

function methods.poll(...)
    local message, a, b = poll_step(...)
    if message then return message end
    if message == false then
        message, a = poll_slowly((...), poll_step, nil, a, b)
        if message then return message end
    end
    if message == nil then return nil, a end
    return nil
end

function methods.poll_batch(...)
    local batch, a, b = poll_batch_step(...)
    if batch then return batch end
    if batch == false then
        local self, most = ...
        batch, a = poll_slowly(self, poll_batch_step, most, a, b)
        if batch then return batch end
    end
    if batch == nil then return nil, a end
    return {}
end

function methods.receive_batch(...)
    local count, a, b, c, d, e = receive_batch_step(...)
    if count then return count, a, b, c, d, e end
    if count == false then
        local self, most = ...
        count, a, b, c, d, e = poll_slowly(self, receive_batch_step, most, a, b)
        if count then return count, a, b, c, d, e end
    end
    if count == nil then return nil, a end
    return 0, {}, {}, {}, {}, {}
end

-- What a loop over messages cannot go on after, besides what is fatal: permission, credentials, an
-- offset that is gone where the policy is to say so.
local ENDS_LOOP = {}
for _, name in ipairs {
    "TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED",
    "_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "_SSL", "_AUTO_OFFSET_RESET",
} do
    ENDS_LOOP[native.errors[name]] = true
end

local function loop_option(name, option, expected, value, level)
    error(("%s: option %s: %s expected, got %s"):format(name, option, expected, native.show(value)), level + 1)
end

local function is_whole(value, least, most)
    return type(value) == "number" and value == math.floor(value) and value >= least and value <= most
end

local function read_loop_options(name, options, level)
    local timeout, limit = -1, huge
    for key, value in pairs(options or {}) do
        if key == "timeout" then
            if not is_whole(value, -1, 2 ^ 31 - 1) then
                loop_option(name, key, "milliseconds (a whole number, 0 = do not wait, -1 = for ever)", value, level + 1)
            end
            timeout = value
        elseif key == "limit" then
            if not is_whole(value, 0, 2 ^ 53) then loop_option(name, key, "a whole number of messages", value, level + 1) end
            limit = value
        else
            error(("%s: unknown option %s; timeout and limit are known"):format(name, native.show(key)), level + 1)
        end
    end
    return timeout, limit
end

-- Raises the error that poll returned, if it did and a loop cannot go on after it.
local function check_loop(message, err)
    if message == nil and (err.fatal or ENDS_LOOP[err.code]) then error(err, 0) end
end

-- The next message of a loop, or nil when the loop is over.
local function next_message(self, timeout, state)
    local deadline = timeout < 0 and huge or now() + timeout
    while true do
        local message, err = poll_slowly(self, poll_step, nil, deadline, state)
        if message then return message end
        if message == false then return nil end
        check_loop(message, err)
        if form.is_closed(self) or now() >= deadline then return nil end
    end
end

-- A loop over messages as a function that returns the next one. What the last body was given is done
-- when it is called again, also when it then ends; unless that was cancelled. A cancel, and closing,
-- ends the loops that had begun; the end of one is no other's business.
local function loop(self, timeout, limit)
    local callbacks, count, over = step.callbacks(self), 0, false
    local stops = callbacks.stops
    return function()
        if over or callbacks.stops ~= stops then return nil end
        if count >= limit then
            step.finish_last(self)
            over = true
            return nil
        end
        count = count + 1
        local message, err, state = poll_step(self, 0)
        if message then return message end
        check_loop(message, err)
        message = next_message(self, timeout, state)
        over = message == nil
        return message
    end
end

-- Plain 5.1 cannot yield across `for … in`, whose calls come from C.
local function check_can_wait(self, what, cure)
    if _VERSION == "Lua 5.1" and not jit and running() and step.callbacks(self).wait then
        error(("%s of a wrapped client cannot wait inside `for` on Lua 5.1; use %s")
            :format(what or "messages()", cure or "client:each(options, function(message) … end)"), 3)
    end
end

-- Gives a class `messages` and `each`, over its steps and what makes the function that returns its next message.
local function give(to, begin, make, client_of)
    function to.messages(...)
        begin.messages_begin(...)
        local self, options = ...
        if options ~= nil and type(options) ~= "table" then native.argument_error(2, "table expected, got " .. type(options)) end
        local timeout, limit = read_loop_options("messages", options, 2)
        check_can_wait(client_of(self))
        return make(self, timeout, limit)
    end

    function to.each(...)
        begin.each_begin(...)
        local self, options, fn = ...
        local last = 3
        if type(options) == "function" and fn == nil then options, fn, last = nil, options, 2 end
        if options ~= nil and type(options) ~= "table" then native.argument_error(2, "table or function expected, got " .. type(options)) end
        if type(fn) ~= "function" then native.argument_error(last, "function expected, got " .. type(fn)) end
        local timeout, limit = read_loop_options("each", options, 2)
        local next_one, count = make(self, timeout, limit), 0
        while true do
            local message = next_one()
            if not message then return count end
            count = count + 1
            fn(message)
        end
    end
    if jit then jit.off(to.each, true) end
end

give(methods, step, loop, function(self) return self end)

-- What loops over a queue's messages share with these.
native.loops = { give = give, ends = ENDS_LOOP, check_can_wait = check_can_wait }

-- A compiled loop does not look at debug hooks, through which Ctrl-C comes.
if jit then
    for _, fn in ipairs { receive_slowly, poll_slowly, next_message } do jit.off(fn, true) end
end
