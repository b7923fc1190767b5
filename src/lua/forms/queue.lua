-- A queue's calls that serve and wait. Compiled when a program asks for its first queue.
local native = ...
local class, step = native.queue.class, native.queue.step
local consumer, form = native.consumer.step, native.consumer_form
local loops, now, huge, ceil = native.loops, native.now, math.huge, math.ceil
local methods = class.__index
local poll_step, poll_batch_step = step.poll, step.poll_batch

--- Gives a queue the table with its consumer.
function native.new_queue(self)
    return consumer.open_queue(self, { self })
end

function native.consumer.class.__index.partition_queue(...)
    consumer.partition_queue_args(...)
    local self, topic, partition = ...
    local queue = consumer.partition_queue(self, topic, partition, { self })
    return queue
end

-- Waits until something arrives or the deadline has come; may return early. A replaced wait gets the
-- queue, which has a descriptor as clients have.
local function wait_until(self, owner, deadline)
    local replaced = consumer.callbacks(owner).wait
    local left = deadline - now()
    if replaced then
        replaced(self, left == huge and -1 or ceil(left > 0 and left or 0))
    elseif left > 0 then
        step.wait_slice(self, left)
    end
end

-- Serves and waits until the step has something (its result), something is wrong (nil, err), or the
-- deadline has come (false). A queue of a simple consumer serves that along with itself.
local function next_slowly(self, deadline, next_step, ...)
    local owner, simple = step.owner(self), step.is_simple(self)
    while true do
        if simple then
            form.serve(owner)
            form.dispatch_or_raise(owner)
        end
        if form.is_closed(owner) then return nil, native.destroyed() end
        local generation = consumer.renewal(owner)
        if generation then native.renew_messages(owner, generation) end
        local got, err = next_step(self, ...)
        if got ~= false then return got, err end
        if simple then
            local _, wrong = consumer.simple_error(owner)
            if wrong then return nil, wrong end
        end
        if now() >= deadline then return false end
        wait_until(self, owner, deadline)
    end
end

-- `...` and not `self, ...`: a missing self is "no value" in the message, not nil.
function methods.poll(...)
    local message, a = poll_step(...)
    if message then return message end
    if message == false then
        message, a = next_slowly((...), a, poll_step, 0)
        if message then return message end
    end
    if message == nil then return nil, a end
    return nil
end

function methods.poll_batch(...)
    local batch, a = poll_batch_step(...)
    if batch then return batch end
    if batch == false then
        local self, most = ...
        batch, a = next_slowly(self, a, poll_batch_step, most, 0)
        if batch then return batch end
    end
    if batch == nil then return nil, a end
    return {}
end

-- The next message of a loop, or nil when the loop is over: with the time, or with the queue.
local function next_message(self, timeout)
    local deadline = timeout < 0 and huge or now() + timeout
    while true do
        local message, err = next_slowly(self, deadline, poll_step, 0)
        if message then return message end
        if message == false or methods.closed(self) then return nil end
        if err.fatal or loops.ends[err.code] then error(err, 0) end
        if now() >= deadline then return nil end
    end
end

-- What the last body was given is done when the next message is asked for, also when there is none.
local function loop(self, timeout, limit)
    local count, ended, cancels = 0, false, step.cancels(self)
    return function()
        if ended or methods.closed(self) then return nil end
        if count >= limit or step.cancels(self) ~= cancels then
            step.finish_last(self)
            ended = true
            return nil
        end
        count = count + 1
        local message = poll_step(self, 0) or next_message(self, timeout)
        if message == nil then ended = true end
        return message
    end
end

loops.give(methods, step, loop, step.owner)

-- A compiled loop does not look at debug hooks, through which Ctrl-C comes.
if rawget(_G, "jit") then
    for _, fn in ipairs { next_slowly, next_message } do rawget(_G, "jit").off(fn, true) end
end
