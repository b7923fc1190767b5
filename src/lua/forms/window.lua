-- What kafka.read is asked for: its options, and the windows in them. Compiled at its first use.
local native = ...
local kafka, show = native.module, native.show
local type, pairs, error, floor = type, pairs, error, math.floor

local MOST = 2 ^ 53

-- Options of the reader itself; all others configure its client.
local OWN = { topic = true, partition = true, from = true, to = true, limit = true, max_bytes = true, timeout = true, requests = true }
local REQUEST = { topic = true, partition = true, from = true, to = true, max_bytes = true }

-- Options of a consumer that it does not take, and why.
local NO_GROUP = "a reader has no group, so nothing is assigned, revoked or committed; leave it out: on_error, on_log, on_stats, "
    .. "on_throttle and on_oauth_token are accepted"
local NO_ACKS = "a reader stores no offsets; leave it out: next_request() tells where to go on"
local REFUSED = {
    on_assign = NO_GROUP, on_revoke = NO_GROUP, on_lost = NO_GROUP, on_commit = NO_GROUP, ack = NO_ACKS, max_unacked = NO_ACKS,
    ["group.id"] = "a reader has no group; leave it out", topics = "use topic, or requests for several",
    ["enable.partition.eof"] = "a reader sets it itself, as it ends by it; leave it out",
    close_timeout = "a reader is closed within its timeout; set that",
}
native.refused_by_readers = REFUSED

-- What is accepted for the two ends of a window.
local ACCEPTED = { from = '"earliest", "latest"', to = '"end"' }

local function is_whole(value, least, most)
    return type(value) == "number" and value == floor(value) and value >= least and value <= most
end

-- An end of a window as {offset=} or {time=}, or nil and what is wrong.
local function read_point(name, value)
    if type(value) == "table" then
        if is_whole(value.time, 0, MOST) and next(value) == "time" and next(value, "time") == nil then return { time = value.time } end
        return nil, "{time=milliseconds since 1970} expected"
    end
    local offset, why = native.read_offset(value), ""
    if offset == kafka.OFFSET_STORED or offset == kafka.OFFSET_INVALID then
        offset, why = nil, "stored offsets belong to a group, and a reader has none; "
    elseif offset == kafka.OFFSET_BEGINNING and name == "to" then
        offset, why = nil, "nothing is before the beginning; "
    end
    if offset then return { offset = offset } end
    return nil, ("%san offset expected (a whole number from 0, %s, kafka.offset_tail(n) or {time=milliseconds since 1970}), got %s")
        :format(why, ACCEPTED[name], show(value))
end

local function read_request(given, defaults, where)
    local topic, partition, max_bytes = given.topic, given.partition, given.max_bytes
    if type(topic) ~= "string" then return nil, ("%stopic: a string expected, got %s"):format(where, show(topic)) end
    if partition ~= nil and not is_whole(partition, 0, 2 ^ 31 - 1) then
        return nil, ("%spartition: a whole number from 0 expected, got %s"):format(where, show(partition))
    end
    if max_bytes ~= nil and not is_whole(max_bytes, 1, MOST) then
        return nil, ("%smax_bytes: a whole number from 1 expected, got %s"):format(where, show(max_bytes))
    end
    local request = { topic = topic, partition = partition, max_bytes = max_bytes }
    for _, name in pairs { "from", "to" } do
        local value = given[name]
        if value == nil then value = defaults[name] end
        local point, why = read_point(name, value)
        if not point then return nil, ("%s%s: %s"):format(where, name, why) end
        request[name] = point
    end
    return request
end

-- The windows asked for; raises what is wrong, `level` functions up.
local function read_requests(own, level)
    local defaults = { from = own.from == nil and "earliest" or own.from, to = own.to == nil and "end" or own.to }
    local function check(request, why)
        if not request then error("kafka.read: option " .. why, level + 2) end
        return request
    end
    if own.requests == nil then
        return { check(read_request({ topic = own.topic, partition = own.partition }, defaults, "")) }
    end
    if type(own.requests) ~= "table" or #own.requests == 0 then
        check(nil, ("requests: an array of {topic=, partition=, from=, to=, max_bytes=} expected, got %s"):format(show(own.requests)))
    end
    if own.partition ~= nil then check(nil, "partition: it goes into the requests, as there are some") end
    local list = {}
    for i = 1, #own.requests do
        local one, where = own.requests[i], ("requests[%d]: "):format(i)
        if type(one) ~= "table" then check(nil, where .. "a table expected, got " .. show(one)) end
        local given = { topic = own.topic }
        for key, value in pairs(one) do
            if not REQUEST[key] then
                check(nil, ("%sunknown field %s; topic, partition, from, to and max_bytes are known"):format(where, show(key)))
            end
            given[key] = value
        end
        list[i] = check(read_request(given, defaults, where))
    end
    return list
end

--- Option table → the reader's own options, those of its client, the windows. Raises what is wrong as error(…, level)
--- would in the calling function.
function native.read_window(options, level)
    local own, conf = {}, {}
    for key, value in pairs(options) do
        if OWN[key] then own[key] = value else conf[key] = value end
    end
    for name, why in pairs(REFUSED) do
        -- A callback that is false is none.
        local is_none = conf[name] == nil or conf[name] == false and native.own_options[name] == "function"
        if not is_none then error(("kafka.read: option %s: %s"):format(name, why), level + 1) end
    end
    for _, name in pairs { "limit", "max_bytes" } do
        if own[name] ~= nil and not is_whole(own[name], 1, MOST) then
            error(("kafka.read: option %s: a whole number from 1 expected, got %s"):format(name, show(own[name])), level + 1)
        end
    end
    if own.timeout ~= nil and not is_whole(own.timeout, -1, 2 ^ 31 - 1) then
        error(("kafka.read: option timeout: milliseconds (a whole number, -1 = for ever) expected, got %s"):format(show(own.timeout)),
            level + 1)
    end
    return own, conf, read_requests(own, level + 1)
end
