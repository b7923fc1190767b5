-- Reading single partitions without being a member of a group. Each started partition leads to a queue:
-- one the program made, or one of its own, kept in the client's table. Compiled at its first use.
-- The steps named *_args check what the method was given, and that this consumer may read so.
local native = ...
local step, methods = native.consumer.step, native.consumer.class.__index
local form, queue = native.consumer_form, native.queue.step
local type = type
local new_queue, queue_methods = native.new_queue, native.queue.class.__index

local STORED = -1000

-- One call of consume_callback ends after so many, so that a full partition does not keep it for ever.
local MOST_CALLS = 1000

-- The queues of partitions that were started without one, by topic and partition.
local function own_queues(self)
    local cbs = step.callbacks(self)
    cbs.queues = cbs.queues or {}
    return cbs.queues
end

local function key(topic, partition) return topic .. ":" .. partition end

function methods.queue(...)
    step.queue_args(...)
    return (new_queue((...)))
end

function methods.consume_start(...)
    local topic, partition, in_group = step.start_args(...)
    local self, _, _, offset, to = ...
    local number, why = native.read_offset(offset)
    if number == STORED and not in_group then
        number, why = nil, "stored offsets belong to a group; set group.id"
    end
    if not number then native.argument_error(4, why) end
    if to ~= nil then
        if type(to) ~= "userdata" or getmetatable(to) ~= native.queue.class then
            native.argument_error(5, "kafka.Queue expected, got " .. type(to))
        end
        if queue.owner(to) ~= self or not queue.is_simple(to) then
            native.argument_error(5, "a queue of this consumer expected, made by its queue(); this one is another's")
        end
    end
    local into = to or new_queue(self)
    local done, err = queue.start(into, topic, partition, number)
    if not done then return nil, err end
    own_queues(self)[key(topic, partition)] = to == nil and into or nil
    return true
end

function methods.consume_stop(...)
    local ticket, deadline, topic, partition = step.stop_begin(...)
    if not ticket then return nil, deadline end
    local self = ...
    own_queues(self)[key(topic, partition)] = nil
    local done, err = form.await(self, ticket, deadline, "consume_stop")
    if not done then return nil, err end
    return true
end

-- Queue → an error that came behind messages. It waits for the next call.
local later = setmetatable({}, { __mode = "k" })

-- The partition's own queue, or nil and what went wrong; raises at the line that called the method.
local function own_queue(self, topic, partition)
    local found = own_queues(self)[key(topic, partition)]
    if found then
        local err = later[found]
        if err == nil then return found end
        later[found] = nil
        return nil, err
    end
    local why = step.is_started(self, topic, partition) and "leads to a queue; read that"
        or "is not started; call consume_start first"
    error(("%s [%d] %s"):format(topic, partition, why), 3)
end

function methods.consume_one(...)
    local topic, partition, timeout = step.one_args(...)
    local from, why = own_queue((...), topic, partition)
    if not from then return nil, why end
    local message, err = queue_methods.poll(from, timeout)
    if message == nil and err ~= nil then return nil, err end
    return message
end

-- Gives fn one message after the other: the first within the timeout, then what is local, up to `most`.
local function feed(from, timeout, most, fn)
    local count = 0
    while count < most do
        local message, err = queue_methods.poll(from, count == 0 and timeout or 0)
        if not message then
            if err ~= nil and count == 0 then return nil, err end
            later[from] = err
            break
        end
        count = count + 1
        fn(message)
        if queue_methods.closed(from) then break end
    end
    return count
end

function methods.consume_batch(...)
    local topic, partition, timeout, most = step.batch_args(...)
    local self, _, _, _, _, fn = ...
    if fn ~= nil and type(fn) ~= "function" then native.argument_error(6, "function expected, got " .. type(fn)) end
    local from, why = own_queue(self, topic, partition)
    if not from then return nil, why end
    local got, err
    if fn then
        got, err = feed(from, timeout, most, fn)
    else
        got, err = queue_methods.poll_batch(from, most, timeout)
    end
    if not got then return nil, err end
    return got
end

function methods.consume_callback(...)
    local topic, partition, timeout = step.callback_args(...)
    local self, _, _, _, fn = ...
    if type(fn) ~= "function" then native.argument_error(5, "function expected, got " .. type(fn)) end
    local from, why = own_queue(self, topic, partition)
    if not from then return nil, why end
    local count, err = feed(from, timeout, MOST_CALLS, fn)
    if not count then return nil, err end
    return count
end

if rawget(_G, "jit") then rawget(_G, "jit").off(feed, true) end
