-- A transaction as one function: begun, run, its input sent with it, committed; aborted and tried
-- again when the error says so.
local native = ...
local class, step = native.producer.class, native.producer.step
local form, consumer_form, input_step = native.producer_form, native.consumer_form, native.consumer.step
local call, now, kafka = native.call_form, native.now, native.module
local running, status = coroutine.running, coroutine.status
local type, pairs, ipairs, select, setmetatable, getmetatable = type, pairs, ipairs, select, setmetatable, getmetatable
local huge, min, max, ceil, floor = math.huge, math.min, math.max, math.ceil, math.floor

-- How often a transaction is begun anew by default, and the pauses (ms) between: each twice as long as the last.
local RETRIES, FIRST_PAUSE, LONGEST_PAUSE = 10, 100, 5000
-- How long (ms) to ask for committed offsets at the most.
local ASK = 10000
-- Places of arguments, self counted.
local FN, OPTIONS = 2, 3

local KNOWN = { consumer = true, retries = true, timeout = true }

local function is_consumer(value) return type(value) == "userdata" and getmetatable(value) == native.consumer.class end

local function is_whole(value, least) return type(value) == "number" and value == floor(value) and value >= least and value < 2 ^ 31 end

-- The options as they are used; nil and what is wrong.
local function read(options)
    for name in pairs(options) do
        if not KNOWN[name] then
            return nil, ("unknown option %s; consumer, retries and timeout are known"):format(native.show(name))
        end
    end
    local consumer, retries, timeout = options.consumer, options.retries, options.timeout
    if consumer ~= nil and not is_consumer(consumer) then
        return nil, ("option consumer: a kafka.Consumer expected, got %s"):format(native.show(consumer))
    end
    if retries ~= nil and not is_whole(retries, 0) then
        return nil, ("option retries: a whole number from 0 expected, got %s"):format(native.show(retries))
    end
    if timeout ~= nil and not is_whole(timeout, -1) then
        return nil, ("option timeout: milliseconds expected (a whole number, 0 = do not wait, -1 = for ever), got %s")
            :format(native.show(timeout))
    end
    return { consumer = consumer, retries = retries or RETRIES, timeout = timeout }
end

local function is_kafka_error(err) return type(err) == "table" and getmetatable(err) == native.Error end

local function can_be_mended(err) return is_kafka_error(err) and not err.fatal and (err.retriable or err.txn_requires_abort) end

-- Serves callbacks for `ms`. What they raise is kept in `run`.
local function pause(run, ms)
    local self, deadline = run.producer, now() + ms
    repeat
        form.serve(self)
        local _, bad, err = form.dispatch(self)
        if bad and not run.failed then run.failed, run.first = true, err end
        if form.is_closed(self) then return end
        form.wait_until(self, deadline)
    until now() >= deadline
end

-- One of the calls that may block, repeated while its error is one that passes.
local function insist(run, what, begin, ...)
    local self, wait = run.producer, FIRST_PAUSE
    local deadline = run.timeout < 0 and huge or now() + run.timeout
    while not form.is_closed(self) do
        local left = deadline == huge and -1 or max(0, ceil(deadline - now()))
        step.transaction_function(self)
        local ticket, until_then, id = begin(self, left, ...)
        step.transaction_function(self, true)
        local done, err
        if not ticket then
            err = until_then
        else
            local _, late = form.await(self, ticket, until_then, what, run)
            if late then return nil, late end
            done, err = step.transaction_outcome(self, id)
        end
        if done then return true end
        if not err.retriable or err.fatal or err.txn_requires_abort or now() >= deadline then return nil, err end
        pause(run, min(wait, deadline - now()))
        wait = min(wait * 2, LONGEST_PAUSE)
    end
    return nil, native.destroyed()
end

local function begin_offsets(self, left, flat, group)
    return step.offsets_begin(self, flat, group.group_id, group.generation_id, group.member_id, group.group_instance_id, left)
end

-- A flat list (forms/partitions.lua) of the offset that `pick` gives for each span; false leaves it out.
local function flat_of(spans, pick)
    local flat, n = {}, 0
    for _, span in ipairs(spans) do
        local offset = pick(span)
        if offset then
            flat[n + 1], flat[n + 2], flat[n + 3], flat[n + 4], flat[n + 5] = span.topic, span.partition, offset, false, false
            n = n + 5
        end
    end
    return flat
end

local function place(span) return span.topic .. ":" .. span.partition end

local function failure(name, message, retriable)
    return setmetatable({
        code = kafka.errors[name], name = name, message = message, fatal = false, retriable = retriable, txn_requires_abort = true,
    }, native.Error)
end

-- Sends the offsets of what the consumer handed out. True; or nil and the error.
local function send_input(run)
    local consumer = run.consumer
    local spans, generation, is_subscribed = input_step.input(consumer)
    if not spans then return nil, generation end
    if #spans == 0 then return true end
    local has_moved = (is_subscribed and generation < 0) or (run.generation >= 0 and generation ~= run.generation)
    for _, span in ipairs(spans) do has_moved = has_moved or not span.is_assigned end
    if has_moved then
        -- What was read before the function ran is not read again by running it again.
        run.is_final = run.had_input
        return nil, failure("REBALANCE_IN_PROGRESS", "the consumer's partitions changed while the transaction ran", true)
    end
    local group, refused = input_step.group_metadata(consumer)
    if not group then return nil, refused end
    run.sent = flat_of(spans, function(span) return span.next end)
    return insist(run, "send_offsets_to_transaction", begin_offsets, run.sent, group)
end

-- Before the function runs: where its input begins.
local function mark_input(run)
    run.marks, run.sent = {}, nil
    if not run.consumer then return true end
    local spans, generation = input_step.input(run.consumer)
    if not spans then return nil, generation end
    for _, span in ipairs(spans) do run.marks[place(span)] = span.next end
    run.generation = generation
    return true
end

-- The function will run again, and read the same.
local function take_back(run)
    if not run.consumer or consumer_form.is_closed(run.consumer) then return end
    local spans = input_step.input(run.consumer)
    if spans then input_step.rewind(run.consumer, flat_of(spans, function(span) return run.marks[place(span)] or span.first end)) end
end

-- The function will not run again: all that was not committed is read again by whoever comes next.
local function give_back(run)
    local consumer = run.consumer
    if not consumer or consumer_form.is_closed(consumer) then return end
    local spans = input_step.input(consumer)
    if not spans or #spans == 0 then return end
    local known = {}
    local timeout = run.timeout < 0 and ASK or min(run.timeout, ASK)
    local ticket, deadline = input_step.committed_begin(consumer, flat_of(spans, function(span) return span.first end), timeout)
    local found = ticket and consumer_form.await(consumer, ticket, deadline, "committed", run)
    for _, item in ipairs(found or {}) do
        if item.offset and item.offset >= 0 then known[place(item)] = item.offset end
    end
    if consumer_form.is_closed(consumer) then return end
    spans = input_step.input(consumer)
    input_step.rewind(consumer, flat_of(spans or {}, function(span) return max(known[place(span)] or span.first, span.first) end))
end

-- ---- not decided in time ----------------------------------------------------------------------------------------------

-- A commit or an abort goes on past the deadline. Producer and consumer remember the run until it is known how
-- it ended: only then is it known where the consumer has to go on.
local function leave_undecided(run)
    step.callbacks(run.producer).undecided = run
    if run.consumer and not consumer_form.is_closed(run.consumer) then native.consumer.step.callbacks(run.consumer).undecided = run end
end

local function decide(run, is_committed)
    local cbs = not form.is_closed(run.producer) and step.callbacks(run.producer)
    if cbs and cbs.undecided == run then cbs.undecided = nil end
    if not run.consumer or consumer_form.is_closed(run.consumer) then return end
    cbs = native.consumer.step.callbacks(run.consumer)
    if cbs.undecided ~= run then return end
    cbs.undecided = nil
    if not is_committed then
        give_back(run)
    elseif run.sent then
        input_step.input_sent(run.consumer, run.sent)
    end
end

-- Commit or abort was called by hand and has ended.
function native.transaction_ended(self, is_committed)
    local run = step.callbacks(self).undecided
    if not run then return end
    run.failed = false
    decide(run, is_committed)
    if run.failed then error(run.first, 0) end
end

-- Another producer of the same name has ended what the consumer's last one left, or broker and consumer know nothing
-- of it: what is committed tells.
local function decide_for_heir(run)
    local left = run.consumer and native.consumer.step.callbacks(run.consumer).undecided
    if left and left.producer ~= run.producer then decide(left, false) end
end

-- The error as `transaction` returns it: calling that again does not go on with what is under way.
local function undecided(err, cure)
    err.message, err.retriable = err.message .. cure, false
    return err
end

-- ---- calls by hand meanwhile ---------------------------------------------------------------------------------------------

-- From its begin to its end a run is alone with the producer's transactions: commits by hand, in the function or by another
-- coroutine, would go without its input. Its coroutine is held weakly: one that is dropped in there can be collected.
local WEAK = { __mode = "v" }

local function enter(run)
    step.callbacks(run.producer).inside = {
        run = run, is_main = not running(), coroutine = setmetatable({ (running()) }, WEAK), -- 5.1 has nil for the main one
    }
    step.transaction_function(run.producer, true)
end

local function leave(self)
    if not form.is_closed(self) then step.callbacks(self).inside = nil end
    step.transaction_function(self)
end

-- A call by hand. A run whose coroutine is gone ends with it: what its function was in is only aborted.
function native.transaction_left(self, is_abort)
    local inside = step.callbacks(self).inside
    if not inside or inside.is_main or inside.run.in_function and not is_abort then return end
    local thread = inside.coroutine[1]
    if not thread or status(thread) == "dead" then leave(self) end
end

-- An abort was refused. Within the function it is told all the same: what its caller does not want is not committed.
function native.transaction_unwanted(self, err)
    local inside = not form.is_closed(self) and step.callbacks(self).inside
    if not inside or not inside.run.in_function then return end
    local thread = inside.coroutine[1]
    if inside.is_main or thread and status(thread) ~= "suspended" then inside.run.unwanted = err end
end

-- Runs the function once in a transaction. Returns how that ended: "done" and its results, "failed"
-- and the error, "raised" and what was raised, "refused" and why it did not even begin.
local function attempt(run, fn)
    local marked, err = mark_input(run)
    if not marked then return "refused", err end
    local begun, refused = step.transaction_begin(run.producer)
    if not begun then return "refused", refused end
    run.unwanted, run.in_function = nil, true
    local function judge(ok, ...)
        run.in_function = false
        if not ok then return "raised", (...) end
        if select("#", ...) >= 2 and (...) == nil and select(2, ...) ~= nil then return "failed", (select(2, ...)) end
        if form.is_closed(run.producer) then return "refused", native.destroyed() end
        if run.unwanted then return "failed", run.unwanted end
        local done, why = true, nil
        if run.consumer and consumer_form.is_closed(run.consumer) then
            run.is_final = true
            return "failed", failure("_STATE", "the consumer was closed inside of its transaction", false)
        end
        if run.consumer then done, why = send_input(run) end
        if done then done, why = insist(run, "commit_transaction", step.commit_begin) end
        if not done then
            run.own = why
            return "failed", why
        end
        if run.sent then input_step.input_sent(run.consumer, run.sent) end
        return "done", ...
    end
    return judge(call(fn, run.producer))
end

-- Ends what has failed. True; or nil and the error, which is _CONFLICT while a commit may still succeed.
local function abort(run)
    local done, err = insist(run, "abort_transaction", step.abort_begin)
    if done then return true end
    return nil, err
end

-- Nothing more is tried. An abort that goes on is one all the same; a commit that goes on may succeed.
local function give_up(run, err, not_aborted)
    local is_undecided = not_aborted and not_aborted.name == "_CONFLICT"
    if is_undecided then leave_undecided(run) else give_back(run) end
    if run.own == nil or not rawequal(err, run.own) then return end
    if is_undecided then
        undecided(err, "; the commit goes on and may succeed: call commit_transaction again, before anything else, to hear of it")
    elseif not_aborted and not_aborted.name == "_TIMED_OUT" then
        undecided(err, "; the transaction is not aborted yet: call abort_transaction to hear when it is")
    end
end

-- How it ended, as `attempt` says.
local function run_all(run, fn, is_initialized)
    if not is_initialized then
        local done, err = insist(run, "init_transactions", step.init_begin)
        if not done then return "refused", err end
    end
    decide_for_heir(run)
    local wait = FIRST_PAUSE
    -- Takes how an attempt ended; returns true when there is nothing more to try, and the results.
    local function settle(tries, how, ...)
        if how == "done" or how == "refused" then return true, how, ... end
        local aborted, why = abort(run)
        if not aborted or not can_be_mended((...)) or tries >= run.retries or run.is_final then
            give_up(run, (...), why)
            return true, how, ...
        end
        take_back(run)
        pause(run, wait)
        wait = min(wait * 2, LONGEST_PAUSE)
        return false
    end
    local function go(tries, over, ...)
        if over then return ... end
        return go(tries + 1, settle(tries + 1, attempt(run, fn)))
    end
    return go(0, settle(0, attempt(run, fn)))
end

local function finish(run, how, ...)
    if how == "raised" then error((...), 0) end
    if how ~= "done" then return nil, (...) end
    if run.failed then error(run.first, 0) end
    return true, ...
end

function class.__index.transaction(...)
    local _, alien = step.transaction_check(...)
    if alien then return nil, alien end
    local self, fn, options = ...
    if type(fn) ~= "function" then native.argument_error(FN, "function expected, got " .. type(fn)) end
    if options ~= nil and type(options) ~= "table" then native.argument_error(OPTIONS, "table expected, got " .. type(options)) end
    local run, fault = read(options or {})
    if not run then native.argument_error(OPTIONS, fault) end
    if run.consumer then
        local lacks, forked = input_step.input_fault(run.consumer)
        if forked then return nil, forked end
        if lacks then native.argument_error(OPTIONS, "option consumer: " .. lacks) end
        local spans, refused = input_step.input(run.consumer)
        if not spans then return nil, refused end
        run.had_input = #spans > 0
    end
    native.transaction_left(self)
    local is_initialized, default, forked = step.transaction_prepare(self)
    if is_initialized == nil then return nil, default or forked end
    run.producer, run.timeout = self, run.timeout or default
    enter(run)
    local function ended(ok, how, ...)
        leave(self)
        if not ok then error(how, 0) end
        return finish(run, how, ...)
    end
    return ended(call(run_all, run, fn, is_initialized))
end
