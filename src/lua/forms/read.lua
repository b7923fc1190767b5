-- kafka.read: a fixed window of partitions, read without a group. It stands on a simple consumer, one queue
-- for all partitions, and the questions every client can ask. Compiled at its first use.
local native = ...
local kafka = native.module
local step = native.consumer.step
local type, pairs, error, setmetatable, getmetatable = type, pairs, error, setmetatable, getmetatable
local floor, max, min, huge = math.floor, math.max, math.min, math.huge

local PATIENCE = 10000
local STATS_EVERY = 1000
local TAIL = -2000 -- n messages before the end are TAIL - n

local Reader = {}
Reader.__index, Reader.__name = Reader, "kafka.Reader"

--- Makes a reader; the user is two functions up.
function native.new_reader(options)
    local own, conf, requests = native.read_window(options, 3)
    local reset, stats = conf["auto.offset.reset"], conf["statistics.interval.ms"]
    conf["enable.partition.eof"] = true
    conf["statistics.interval.ms"] = stats or STATS_EVERY
    conf["auto.offset.reset"] = reset == nil and "error" or reset
    local ok, consumer = pcall(kafka.consumer, conf)
    if not ok then error(consumer, type(consumer) == "string" and 3 or 0) end
    conf["auto.offset.reset"], conf["statistics.interval.ms"] = reset, stats
    return setmetatable({
        consumer = consumer, conf = conf, requests = requests, reset = reset or "error",
        timeout = own.timeout or PATIENCE, limit = own.limit or huge, max_bytes = own.max_bytes or huge,
        given = own, count = 0, bytes = 0, active = 0,
    }, Reader)
end

local function failure(name, message)
    return setmetatable({
        code = kafka.errors[name], name = name, message = message, fatal = false, retriable = false, txn_requires_abort = false,
    }, native.Error)
end

-- The partitions of a request, or nil and the error.
local function partitions_of(self, request)
    local found, err = self.consumer:metadata { topic = request.topic, timeout = self.timeout }
    if not found then return nil, err end
    local topic = found.topics[request.topic]
    if not topic then return nil, failure("UNKNOWN_TOPIC_OR_PART", "nothing is known of topic " .. request.topic) end
    if topic.err then
        topic.err.message = request.topic .. ": " .. topic.err.message
        return nil, topic.err
    end
    local list = {}
    for partition in pairs(topic.partitions) do
        if request.partition == nil or request.partition == partition then list[#list + 1] = partition end
    end
    if #list == 0 then
        return nil, failure("_UNKNOWN_PARTITION", ("%s [%s]: there is no such partition"):format(request.topic, tostring(request.partition)))
    end
    table.sort(list)
    return list
end

-- A point as an offset between the watermarks, or nil and the error.
local function resolve(self, request, partition, point, low, high)
    if point.time then
        local asked = { { topic = request.topic, partition = partition, timestamp = point.time } }
        local found, err = self.consumer:offsets_for_times(asked, self.timeout)
        if not found then return nil, err end
        if found[1].err then return nil, found[1].err end
        local offset = found[1].offset
        return (offset == nil or offset < 0) and high or min(offset, high)
    end
    local offset = point.offset
    if offset == kafka.OFFSET_BEGINNING then return low end
    if offset == kafka.OFFSET_END then return high end
    if offset < 0 then return max(low, high - (TAIL - offset)) end
    return offset
end

-- Finds out where the windows begin and end, and starts reading them. Returns true, or nil and the error.
local function prepare(self)
    local parts, by_place = {}, {}
    for _, request in pairs(self.requests) do
        local list, err = partitions_of(self, request)
        if not list then return nil, err end
        for _, partition in pairs(list) do
            local low, high = self.consumer:watermarks(request.topic, partition, self.timeout)
            if not low then return nil, high end
            local from, why = resolve(self, request, partition, request.from, low, high)
            if not from then return nil, why end
            local to
            to, why = resolve(self, request, partition, request.to, low, high)
            if not to then return nil, why end
            if from < low and from < to then
                if self.reset == "error" then
                    return nil, failure("OFFSET_OUT_OF_RANGE", ("%s [%d]: offset %.0f is gone, the log begins at %.0f; ask from \"earliest\", "
                        .. "or set auto.offset.reset=\"earliest\" to go on from there"):format(request.topic, partition, from, low))
                end
                from = (self.reset == "latest" or self.reset == "largest" or self.reset == "end") and high or low
            end
            local place = request.topic .. ":" .. partition
            if by_place[place] then
                return nil, failure("_INVALID_ARG", ("%s [%d] is requested twice; make two readers of it"):format(request.topic, partition))
            end
            local part = {
                topic = request.topic, partition = partition, position = from, to = min(to, high), max_bytes = request.max_bytes or huge, bytes = 0,
            }
            part.done = part.position >= part.to
            parts[#parts + 1], by_place[place] = part, part
        end
    end
    self.parts, self.by_place, self.queue = parts, by_place, self.consumer:queue()
    for _, part in pairs(parts) do
        if not part.done then
            local done, err = self.consumer:consume_start(part.topic, part.partition, part.position, self.queue)
            if not done then return nil, err end
            self.active = self.active + 1
        end
    end
    return true
end

-- Nothing more is wanted of a partition; that it stops need not be waited for.
local function leave(self, part)
    if part.left then return end
    part.left = true
    self.active = self.active - 1
    if self.active > 0 and not self.consumer:closed() then
        local ticket = step.stop_begin(self.consumer, part.topic, part.partition)
        if ticket then native.ticket.step.forget(ticket) end
    end
end

local function finish(self, err, timeout)
    self.ended, self.err = true, err
    self.consumer:close(timeout or self.timeout < 0 and PATIENCE or min(self.timeout, PATIENCE))
    return nil, err
end

-- Looks at a message: returns it if it is for the program, and whether the reader is at its end.
local function take(self, message)
    local part = self.by_place[message.topic .. ":" .. message.partition]
    if not part or part.left then return nil end
    if message.eof or message.offset >= part.to then
        part.position, part.done = message.eof and max(part.position, min(message.offset, part.to)) or part.to, true
        leave(self, part)
        return nil
    end
    if message.offset < part.position then return nil end
    local size = #(message.key or "") + #(message.value or "")
    if self.count > 0 and self.bytes + size > self.max_bytes then return nil, true end
    if part.bytes > 0 and part.bytes + size > part.max_bytes then
        leave(self, part)
        return nil
    end
    part.position, part.bytes = message.offset + 1, part.bytes + size
    self.count, self.bytes = self.count + 1, self.bytes + size
    if part.position >= part.to then
        part.done = true
        leave(self, part)
    end
    return message
end

-- How far librdkafka has fetched, in all, as its statistics tell. What has no message for us (aborted,
-- compacted away) counts as well.
local function fetched(self)
    local stats, sum = self.consumer:stats(), 0
    for _, part in pairs(stats and self.parts or {}) do
        local topic = stats.topics[part.topic]
        local found = topic and topic.partitions[tostring(part.partition)]
        sum = sum + max(0, found and found.next_offset or 0)
    end
    return sum
end

-- Waits for the next message: for `timeout`, and longer while librdkafka gets on.
local function wait_for(self)
    local half = self.timeout > 0 and floor(self.timeout / 2) or self.timeout
    local message, err = self.queue:poll(half)
    while not message and not err and not self.ended and half > 0 do
        local before = fetched(self)
        message, err = self.queue:poll(self.timeout - half)
        if message or self.ended or fetched(self) <= before then break end
    end
    return message, err
end

local function advance(self)
    if self.ended then return nil, self.err end
    if not self.parts then
        local ready, err = prepare(self)
        if self.ended then return nil, self.err end
        if not ready then return finish(self, err) end
    end
    while self.active > 0 and self.count < self.limit do
        local message, err = wait_for(self)
        if self.ended then return nil, self.err end
        if not message then
            return finish(self, err or select(2, step.unanswered(self.consumer, "kafka.read")))
        end
        local mine, full = take(self, message)
        if mine then return mine end
        if full then break end
    end
    return finish(self)
end

-- Checks a method's self and that there are no more arguments than that and `most`; the user is two functions up.
local function own(name, most, ...)
    local self, count = (...), select("#", ...)
    if type(self) ~= "table" or getmetatable(self) ~= Reader then
        error(("calling '%s' on bad self (kafka.Reader expected, got %s)"):format(name, count == 0 and "no value" or type(self)), 3)
    end
    if most and count > most + 1 then
        error(("bad argument #%d to '%s' (incorrect number of arguments)"):format(count - 1, name), 3)
    end
    return self
end

--- The next message; nil at the end; nil and the error when it cannot go on.
function Reader.next(...)
    return advance(own("next", 0, ...))
end

--- As `next`, but raises the error: for `for message in reader do`.
function Reader.__call(...)
    local self = own("__call", nil, ...)
    native.loops.check_can_wait(self.consumer, "a reader's `for`", "reader:each(function(message) … end)")
    local message, err = advance(self)
    if err ~= nil then error(err, 0) end
    return message
end

--- Calls fn with each message that is left; returns how many there were, or nil and the error.
function Reader.each(...)
    local self, fn = own("each", 1, ...), select(2, ...)
    if type(fn) ~= "function" then error("bad argument #1 to 'each' (function expected, got " .. type(fn) .. ")", 2) end
    local count = 0
    while true do
        local message, err = advance(self)
        if err ~= nil then return nil, err end
        if not message then return count end
        count = count + 1
        fn(message)
    end
end

--- The table for another reader that goes on where this one is; nil when there is nothing left of the windows.
function Reader.next_request(...)
    local self, request = own("next_request", 0, ...), {}
    for key, value in pairs(self.conf) do request[key] = value end
    request["enable.partition.eof"] = nil
    if not self.parts then
        for key, value in pairs(self.given) do request[key] = value end
        return request
    end
    request.limit, request.max_bytes, request.timeout, request.requests = self.given.limit, self.given.max_bytes, self.given.timeout, {}
    for _, part in pairs(self.parts) do
        if not part.done then
            table.insert(request.requests, {
                topic = part.topic, partition = part.partition, from = part.position, to = part.to,
                max_bytes = part.max_bytes < huge and part.max_bytes or nil,
            })
        end
    end
    if #request.requests == 0 then return nil end
    return request
end

--- Ends early. Closing again does nothing.
function Reader.close(...)
    local self, timeout = own("close", 1, ...), select(2, ...)
    if timeout ~= nil and (type(timeout) ~= "number" or timeout ~= floor(timeout) or timeout < -1 or timeout > 2 ^ 31 - 1) then
        error(("close: timeout: milliseconds (a whole number, -1 = for ever) expected, got %s"):format(native.show(timeout)), 2)
    end
    if not self.ended then finish(self, nil, timeout) end
    return true
end

function Reader.closed(...)
    return own("closed", 0, ...).ended == true
end

function Reader.__close(...)
    Reader.close(own("__close", nil, ...))
end

function Reader.__tostring(...)
    local self = own("__tostring", nil, ...)
    return ("kafka.Reader: %d messages read (%s)"):format(self.count, self.ended and "closed" or "open")
end

--- The client of a reader, for `kafka.wrap`; nil for anything else.
function native.reader_client(value)
    return type(value) == "table" and getmetatable(value) == Reader and value.consumer or nil
end

native.reader_class = Reader
