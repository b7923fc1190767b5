-- Option tables are read here and nowhere else, so that a user's metamethods run as ordinary Lua
-- and their errors pass through untouched.
local native = ...
local pairs, type, tostring = pairs, type, tostring

-- This module's own options and what each accepts.
local OWN = {
    on_error = "function", on_stats = "function", on_throttle = "function", on_oauth_token = "function", on_delivery = "function",
    on_log = "log", allow_unsafe_config = "boolean", exit_timeout = "timeout", close_timeout = "timeout",
    on_full = "error or block", on_full_timeout = "timeout", delivery_report_every = "count", on_checkpoint = "function",
    on_assign = "function", on_revoke = "function", on_lost = "function", on_commit = "function",
    partitioner = "function, or a property", partitioner_timeout = "timeout", ack = "ack", max_unacked = "count",
}
-- Options of one class only.
local SIDE = {
    on_delivery = "producer", partitioner = "producer", partitioner_timeout = "producer",
    on_full = "producer", on_full_timeout = "producer", delivery_report_every = "producer", on_checkpoint = "producer",
    topics = "consumer", ack = "consumer", max_unacked = "consumer",
    on_assign = "consumer", on_revoke = "consumer", on_lost = "consumer", on_commit = "consumer",
}
local ACKS = { auto = true, manual = true, required = true }
-- Letters of a value in a message.
local MOST_SHOWN = 200
local LOGS = { stderr = true, syslog = true, none = true }

local function show(value)
    if type(value) ~= "string" then return tostring(value) end
    if #value > MOST_SHOWN then value = value:sub(1, MOST_SHOWN) .. "..." end
    return ("%q"):format(value)
end

-- `partitioner` is librdkafka's when it is a name.
local function is_own(key, value)
    local accepts = OWN[key]
    return accepts and (accepts ~= "function, or a property" or type(value) ~= "string")
end

-- Raises what is wrong with an own option, `level` functions up.
local function check_own(name, value, level)
    local accepts = OWN[name]
    local kind = type(value)
    local expected
    if accepts == "log" then
        if kind ~= "function" and not LOGS[value] then expected = 'a function, "stderr", "syslog" or "none"' end
    elseif accepts == "ack" then
        if not ACKS[value] then expected = '"auto", "manual" or "required"' end
    elseif accepts == "count" then
        if kind ~= "number" or value ~= math.floor(value) or value < 1 or value > 2 ^ 31 - 1 then
            expected = "a whole number from 1"
        end
    elseif accepts == "timeout" then
        if kind ~= "number" or value ~= math.floor(value) or value < -1 or value > 2 ^ 31 - 1 then
            expected = "milliseconds (a whole number, 0 = do not wait, -1 = for ever)"
        end
    elseif accepts == "error or block" then
        if value ~= "error" and value ~= "block" then expected = '"error" or "block"' end
    elseif accepts == "function, or a property" then
        if kind ~= "function" then expected = "a function, or the name of one of librdkafka's," end
    elseif kind ~= accepts then
        expected = "a " .. accepts
    end
    if expected then
        error(("option %s: %s expected, got %s"):format(name, expected, show(value)), level + 1)
    end
end

-- What an unknown key was meant to be; nothing when it is known, or far from all that is.
local function meant(key)
    local hint = native.suggest(key)
    return hint:find(show(key), 1, true) and "" or hint
end

-- A callback that is false is none, also where one is inherited.
local function is_none(key, value) return value == false and OWN[key] == "function" end

-- Option table → key, value, key, value, …; own options go to `own` if it is given. The classic face has a sentence
-- of its own for values of no use; others name the option, `level` functions up.
local function flatten(conf, level, own, is_modern)
    local flat, n = {}, 0
    for key, value in pairs(conf) do
        if type(key) ~= "string" then error("invalid config key type: " .. type(key), 0) end
        if own and is_own(key, value) then
            if not is_none(key, value) then
                check_own(key, value, level + 1)
                own[key] = value
            end
        else
            local kind = type(value)
            if not own and kind == "function" and OWN[key] then
                error(("invalid config value type: function; option %s is the client's: give it in the client's conf, not "
                    .. "among a topic's properties"):format(key), 0)
            end
            if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
                if is_modern then
                    error(("option %s: a string, number or boolean expected, got %s%s"):format(key, kind, meant(key)), level + 1)
                end
                error("invalid config value type: " .. kind .. meant(key), 0)
            end
            flat[n + 1], flat[n + 2] = key, value
            n = n + 2
        end
    end
    -- Options may be inherited through __index.
    if own then
        for key in pairs(OWN) do
            local value = own[key] == nil and conf[key] or nil
            if value ~= nil and is_own(key, value) and not is_none(key, value) then
                check_own(key, value, level + 1)
                own[key] = value
            end
        end
    end
    return flat
end

-- Raises when an option of the other side was given.
local function check_side(own, side, level)
    for name in pairs(own) do
        local belongs = SIDE[name] or side
        if belongs ~= side then
            error(("option %s: a %s's option; this is a %s"):format(name, belongs, side), level + 1)
        end
    end
end

native.flatten, native.show, native.check_side = flatten, show, check_side
native.own_options, native.option_side = OWN, SIDE
