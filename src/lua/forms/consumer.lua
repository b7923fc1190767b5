-- What the consumer's calls that serve and wait stand on; leaving.
local native = ...
local class, step = native.consumer.class, native.consumer.step
local form = native.client_form(step)
local now = native.now
local methods = class.__index

--- What a call returns that has one result or an error.
function form.outcome(result, err)
    if result then return result end
    return nil, err
end

-- Past its deadline a close waits this long (ms) for librdkafka's threads to end.
local FAREWELL = 300

local function leave(self, deadline)
    native.stop_loops(self)
    local farewell = deadline + FAREWELL
    -- Leaving may need a token; errors on the way and what was committed are still told.
    local failed, first = false, nil
    repeat
        local over = step.is_gone(self) or now() >= farewell
        local _, bad, err = form.dispatch(self)
        if bad and not failed then failed, first = true, err end
        if not over and not step.is_gone(self) then form.wait_until(self, farewell) end
    until over
    form.nudge_collector()
    if failed then error(first, 0) end
    return step.close_result(self)
end

-- Answers to commit_async that are under way get this long (ms) before a close begins.
local ANSWERS = 400

-- The calls of commit_async whose functions have not heard the answer, in their order.
local function unanswered(self)
    local calls = {}
    for call in pairs(step.callbacks(self).commits or calls) do
        if call ~= "last" then calls[#calls + 1] = call end
    end
    table.sort(calls)
    return calls
end

-- Lets the functions of commit_async hear their answers before the client goes. Returns whether a
-- callback failed, and how.
local function hear_answers(self, timeout)
    local failed, first = false, nil
    local patience = type(timeout) == "number" and timeout >= 0 and timeout or ANSWERS
    local deadline = now() + (patience < ANSWERS and patience or ANSWERS)
    while not form.is_closed(self) and #unanswered(self) > 0 do
        form.serve(self)
        local served, bad, err = form.dispatch(self)
        if bad and not failed then failed, first = true, err end
        if served == 0 then
            if now() >= deadline then break end
            form.wait_until(self, deadline)
        end
    end
    return failed, first
end

-- Those that heard none by then are told that the client is closed.
local function end_answers(self)
    local failed, first = false, nil
    local waiting = step.callbacks(self).commits
    for _, call in ipairs(unanswered(self)) do
        local fn = waiting[call]
        waiting[call] = nil
        local bad, err = form.run(fn, native.destroyed())
        if bad and not failed then failed, first = true, err end
    end
    return failed, first
end

-- What is assigned is told to on_revoke while the client can still commit. What that raises comes out
-- when all is closed.
function methods.close(...)
    local partitions, not_ours = step.last_revoke(...)
    local self, timeout = ...
    local fn = partitions and step.callbacks(self).on_revoke
    local failed, first = false, nil
    local function keep(bad, err)
        if bad and not failed then failed, first = true, err end
    end
    if fn then
        native.rebalancing_form.begin(self, methods.close)
        keep(form.run(fn, self, partitions))
    end
    if not not_ours then keep(hear_answers(self, timeout)) end
    local deadline, refused = step.close_begin(...)
    local done, why = true, refused
    if deadline then
        keep(end_answers(self))
        done, why = leave(self, deadline)
    elseif refused then
        done = nil
    end
    if failed then error(first, 0) end
    if done then return true end
    return nil, why
end

-- A rebalance that nobody is going to answer any more is done as if its callbacks had ended.
function form.answer_abandoned(self)
    if step.is_rebalancing(self) and native.rebalancing_form.is_abandoned(self) then step.rebalance_end(self) end
end

function form.own_events.rebalance(self, cbs) return native.groups_form(self, cbs) end

-- Answers to a call are for its own function; librdkafka tells them on_commit as well.
function form.own_events.commit(_, cbs, err, answer)
    local call, fn = answer.call, cbs.on_commit
    if call then
        fn = cbs.commits[call]
        cbs.commits[call] = nil
    end
    if fn then return form.run(fn, err, answer.offsets) end
    return false
end

-- Lua 5.4: `local c <close> = kafka.consumer(…)`. A block left by an error has not handled its
-- last message.
class.__close = function(self, err)
    if err ~= nil then step.forget_last(self) end
    methods.close(self)
end

return form
