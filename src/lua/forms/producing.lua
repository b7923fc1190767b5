-- Producing many at once, purging, waiting for room; and what delivery handles (deliveries.lua) need of it.
local native = ...
local class, step, form = native.producer.class, native.producer.step, native.producer_form
local methods, show = class.__index, native.show
local select, type, pairs, getmetatable, setmetatable = select, type, pairs, getmetatable, setmetatable
local unpack = table.unpack or unpack
local rawlen = rawlen or function(list) return #list end

-- Option table → its values by name; a name that is none of `known` raises `level` functions up.
local function read_options(options, what, known, level)
    if options == nil then return {} end
    if type(options) ~= "table" then
        error(("%s: a table of options or nil expected, got %s"):format(what, type(options)), level + 1)
    end
    local names = table.concat(known, ", ")
    for key in pairs(options) do
        local found = false
        for i = 1, #known do found = found or known[i] == key end
        if not found then error(("%s: unknown option %s; known: %s"):format(what, show(key), names), level + 1) end
    end
    local read = {}
    for i = 1, #known do read[known[i]] = options[known[i]] end
    return read
end

local function whole(value, what, name, low, high, default, level)
    if value == nil then return default end
    if type(value) ~= "number" or value ~= math.floor(value) or value < low or value > high then
        error(("%s: option %s: a whole number from %d to %d expected, got %s"):format(what, name, low, high, show(value)), level + 1)
    end
    return value
end

-- The index of something that follows a hole in a list: who goes through the list does not meet it. Looks at all keys of
-- short lists, and of those that have keys behind their last entry; others are arrays.
local SHORT = 32

local function behind_hole(list)
    local last = rawlen(list)
    if last > SHORT and next(list, last) == nil then return nil end
    for key in next, list do
        if type(key) == "number" and key > last and key == math.floor(key) then return key end
    end
end

-- What is wrong with a list that has a hole; nil when it has none.
local function hole_in(list, what)
    local index = behind_hole(list)
    return index and ("an array of %s expected, got one with a hole: nothing at index %d, but something at index %s")
        :format(what, rawlen(list) + 1, show(index))
end

-- A batch of nothing: raises when self is no open producer, which comes before what is wrong with the rest.
local check = step.produce_batch

-- The type of an argument for messages.
local function type_at(place, ...) return select("#", ...) < place and "no value" or type((select(place, ...))) end

-- A call of produce, in either form: what the step is given for it, with a table of our own for the user's.
-- nil when it is wrong, for the step to say how.
local function read_call(...)
    local self, topic, value, key, options = ...
    local given = select("#", ...)
    local is_table = given == 2 and type(topic) == "table"
    if not is_table and (given < 3 or given > 5 or (options ~= nil and type(options) ~= "table")) then return nil end
    local from = is_table and topic or options
    local fields = {}
    for name, field in pairs(from or {}) do fields[name] = field end
    if from and getmetatable(from) then setmetatable(fields, { __index = from }) end
    if is_table then return { n = 2, self, fields, fields = fields, topic = fields.topic, key = fields.key } end
    return { n = 5, self, topic, value, key, fields, fields = fields, topic = topic, key = key }
end

local function is_text(value) return type(value) == "string" or type(value) == "number" end

-- Lets the user's partitioner choose, where it is asked to. nil and why when it cannot.
local function choose(self, own, made, level)
    local topic, key, partition = made.topic, made.key, made.fields.partition
    if not own.partitioner or not (partition == nil or partition == -1) then return true end
    if not is_text(topic) or not (key == nil or is_text(key)) then return true end
    local chosen, why = native.choose_partition(self, topic .. "", key and key .. "", level + 1)
    if not chosen then return nil, why end
    made.fields.partition = chosen
    return true
end

-- Serves while a call waits for room. What callbacks raise comes out at once or, with `held`, is kept there.
local function serve(self, held)
    form.serve(self)
    local _, bad, err = form.dispatch(self)
    if not bad then return end
    if not held then error(err, 0) end
    if not held.failed then held.failed, held.first = true, err end
end

-- How long (ms) one wait for room lasts at the most. Other calls may serve the reports that make room, and then nothing
-- wakes the one that waits.
local LOOK_AGAIN = 20

-- The queue is full. With on_full="block" this serves and waits until something was reported, or a little while, and
-- returns the deadline: then the call may be tried again. nil when it may not.
local function wait_for_room(self, own, err, deadline, held)
    if own.on_full ~= "block" or not err or err.name ~= "_QUEUE_FULL" then return nil end
    if not deadline then
        local timeout = own.on_full_timeout or -1
        deadline = timeout < 0 and math.huge or native.now() + timeout
    end
    local before, look_again = #self, math.min(deadline, native.now() + LOOK_AGAIN)
    serve(self, held)
    while #self >= before do
        local now = native.now()
        if form.is_closed(self) or now >= deadline then return nil end
        if now >= look_again then break end
        form.wait_until(self, look_again)
        serve(self, held)
    end
    return not form.is_closed(self) and deadline or nil
end

-- Queues one message for the method that calls this: the partition is chosen, room is waited for.
local function enqueue(self, own, made)
    local chosen, why = choose(self, own, made, 3)
    if not chosen then return nil, why end
    local deadline
    while true do
        local ok, err = step.produce_inner(unpack(made, 1, made.n))
        if ok then return true end
        deadline = wait_for_room(self, own, err, deadline)
        if not deadline then return nil, form.is_closed(self) and native.destroyed() or err end
    end
end

-- ---- batches ----------------------------------------------------------------------------------------------------------

-- Queues messages from `from` on, and waits for room where that is wanted. Returns how many were accepted, the errors of
-- others by index and, if it waited, what callbacks raised: one that does so does not end the batch, as how much of it was
-- accepted would be lost.
local function put(self, own, topic, messages, partition, from)
    local accepted, errors = step.produce_batch(self, topic, messages, partition, from)
    local first = errors and errors.first
    if not first or own.on_full ~= "block" then return accepted, errors end
    local held = {}
    local deadline = wait_for_room(self, own, errors[first], nil, held)
    while deadline do
        errors[first], errors.first = nil, nil
        local more, others = step.produce_batch(self, topic, messages, partition, first)
        accepted = accepted + more
        for index, err in pairs(others or {}) do errors[index] = err end
        first = errors.first
        deadline = first and wait_for_room(self, own, errors[first], deadline, held)
    end
    if first and form.is_closed(self) then errors[first] = native.destroyed() end
    return accepted, errors, held
end

-- The errors of a list that holds some of the messages, by the index each has there, together with `others`.
local function by_index(index_of, refused, others)
    for index, err in pairs(refused or {}) do
        if index == "first" then others.first = index_of[err] else others[index_of[index]] = err end
    end
    return next(others) ~= nil and others or nil
end

function methods.produce_batch(...)
    local open, refused = check((...))
    if not open then return nil, refused end
    local self, topic, messages, options = ...
    local given, place = select("#", ...), type(topic) == "table" and 2 or 3
    if given > place + 1 then native.argument_error(given, "incorrect number of arguments") end
    if place == 2 then
        topic, messages, options = nil, topic, messages
    elseif type(topic) ~= "string" and type(topic) ~= "number" then
        native.argument_error(2, "a topic, or an array of messages expected, got " .. type_at(2, ...))
    end
    if type(messages) ~= "table" then native.argument_error(place, "an array of messages expected, got " .. type_at(place, ...)) end
    if #messages == 0 and next(messages) ~= nil then
        native.argument_error(place, "an array of messages expected, got a table with other keys")
    end
    local hole = hole_in(messages, "messages")
    if hole then native.argument_error(place, hole .. "; what follows a hole would not be sent") end
    local read = read_options(options, "produce_batch", { "partition", "from" }, 2)
    local partition = whole(read.partition, "produce_batch", "partition", -1, 2 ^ 31 - 1, -1, 2)
    local from = whole(read.from, "produce_batch", "from", 1, 2 ^ 31 - 1, 1, 2)
    local own = step.callbacks(self).own
    local accepted, errors, held
    if partition ~= -1 or own.partitioner == nil then
        accepted, errors, held = put(self, own, topic, messages, partition, from)
    else
        local list, index_of, others = native.choose_partitions(self, topic, messages, from, 2)
        check(self) -- the user's function may have closed it
        accepted, errors, held = put(self, own, topic, list, partition, 1)
        errors = by_index(index_of, errors, others)
    end
    if not held then return accepted, errors end
    if not errors or next(errors) == nil then
        if held.failed then error(held.first, 0) end
        return accepted
    end
    if held.failed then errors.raised = held.first end
    return accepted, errors
end

-- ---- purging ----------------------------------------------------------------------------------------------------------

function methods.purge(...)
    local self, options = ...
    check((...))
    if select("#", ...) > 2 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    local read = read_options(options, "purge", { "queued", "in_flight" }, 2)
    for name, value in pairs(read) do
        if type(value) ~= "boolean" then error(("purge: option %s: a boolean expected, got %s"):format(name, show(value)), 2) end
    end
    local ticket, deadline = step.purge_begin(self, read.queued ~= false, read.in_flight ~= false)
    if not ticket then return nil, deadline end
    local ok, err = form.await(self, ticket, deadline, "purge")
    if not ok then return nil, err end
    form.serve(self)
    form.dispatch_or_raise(self)
    return true
end

-- ---- on_full="block" --------------------------------------------------------------------------------------------------

-- Such a producer's calls wait for room; these are the only calls of producing that wait.
local blocking = {}

function blocking.produce(...)
    local self = ...
    local made = read_call(...)
    local ok, err
    if made then ok, err = enqueue(self, step.callbacks(self).own, made) else ok, err = step.produce(...) end
    return ok, err
end

local QUEUE_FULL = { name = "_QUEUE_FULL" }
local ENOBUFS, ENOENT = 105, 2

function blocking.send(...)
    local self, topic, partition, sequence_id, message = ...
    if select("#", ...) ~= 5 then
        local code = step.send(...)
        return code
    end
    local own = step.callbacks(self).own
    if own.partitioner then partition = native.partition_of_send(self, topic, partition, 2) end
    if partition == nil and own.partitioner then return ENOENT end
    local code = step.send(self, topic, partition, sequence_id, message)
    local deadline = code == ENOBUFS and wait_for_room(self, own, QUEUE_FULL)
    while deadline do
        code = step.send(self, topic, partition, sequence_id, message)
        deadline = code == ENOBUFS and wait_for_room(self, own, QUEUE_FULL, deadline)
    end
    return code
end

-- The metatable of a producer that blocks, over that of one that does not.
local over = setmetatable({}, { __mode = "k" })

function native.use_blocking(producer)
    local base = getmetatable(producer)
    local variant = over[base]
    if not variant then
        variant = {}
        for name, value in pairs(base) do variant[name] = value end
        local own = {}
        for name, method in pairs(blocking) do own[name] = method end
        variant.__index = setmetatable(own, { __index = base.__index })
        native.variants[variant] = class
        over[base] = variant
    end
    native.become_variant(producer, variant)
end

return { read_call = read_call, enqueue = enqueue, is_text = is_text, type_at = type_at, hole_in = hole_in }
