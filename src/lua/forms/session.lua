-- Sessions: one configuration, many clients. Compiled at the first kafka.session.
local native = ...
local kafka = native.module
local show, flatten = native.show, native.flatten
local type, pairs, select, setmetatable, getmetatable, rawget, floor = type, pairs, select, setmetatable, getmetatable, rawget, math.floor

local methods = {}

-- Key in a session's metatable of a function that gives what it holds: out of sight of whoever prints
-- tables, as secrets are among it.
local HOLDS = {}

-- name → what is known of it.
local properties = kafka.properties()

-- The one name of a property that has several.
local function canonical(name)
    local property = properties[name]
    return property and property.alias_of or name
end

-- Sets a value and takes back what another name of the same property said. nil takes back only.
local function put(values, name, value)
    local same = canonical(name)
    for other in pairs(values) do
        if canonical(other) == same then values[other] = nil end
    end
    values[name] = value
end

-- What a session holds. Raises for anything else, and for one that is closed unless that does not matter.
local function held(self, level, even_closed)
    local meta = getmetatable(self)
    local holds = type(self) == "table" and type(meta) == "table" and rawget(meta, HOLDS)
    if not holds then error("kafka.Session expected, got " .. type(self), level + 1) end
    local state = holds[1]()
    if state.closed and not even_closed then error("attempt to use a closed kafka.Session", level + 1) end
    return state
end

local function copy_topics(topics, level)
    local list = type(topics) == "table" and native.gather_topics(topics)
    if not list then error(("option topics: an array of strings expected, got %s"):format(show(topics)), level + 1) end
    return list
end

-- Option table → properties, options of this module; both checked as a client would check them.
local function read(options, level)
    local rest, own, topics = {}, {}, nil
    for name, value in pairs(options) do
        if name == "topics" then topics = value else rest[name] = value end
    end
    if topics == nil then topics = options.topics end
    local flat = flatten(setmetatable(rest, getmetatable(options) and { __index = options } or nil), level + 1, own, true)
    native.check_conf(flat, own)
    if topics ~= nil then own.topics = copy_topics(topics, level + 1) end
    return flat, own
end

-- Where a property is kept: with the topic-level ones if it is nothing else.
local function place(state, name)
    local property = properties[name]
    return property and property.topic_level and state.topic_values or state.values
end

-- The options of a client of one side: the session's that belong there, and its own on top.
local function inherit(state, options, side)
    local merged = {}
    for _, values in pairs{ state.values, state.topic_values } do
        for name, value in pairs(values) do
            local scope = properties[name] and properties[name].scope
            if scope == side or scope == "both" then put(merged, name, value) end
        end
    end
    for name, value in pairs(state.own) do
        if (native.option_side[name] or side) == side then merged[name] = value end
    end
    if options == nil then return merged end
    for name, value in pairs(options) do
        if type(name) == "string" then put(merged, name, value) else merged[name] = value end
    end
    if getmetatable(options) then
        for name in pairs(native.own_options) do
            if options[name] ~= nil then merged[name] = options[name] end
        end
        if options.topics ~= nil then merged.topics = options.topics end
    end
    return merged
end

local function check_options(count, options)
    if count > 2 then error("incorrect number of arguments: one table of options, or nothing, expected", 3) end
    if options ~= nil and type(options) ~= "table" then
        error("a table of options, or nothing, expected, got " .. type(options), 3)
    end
end

local function remember(state, client)
    state.count = state.count + 1
    state.clients[state.count] = client
end

--- A producer with the session's configuration, and `options` on top.
function methods.producer(...)
    local self, options = ...
    local state = held(self, 2)
    check_options(select("#", ...), options)
    local flat, own = native.modern_producer(inherit(state, options, "producer"))
    local made = native.new_producer(nil, flat, own, native.callbacks_of(own, flat))
    native.equip_producer(made, own)
    remember(state, made)
    return made
end

--- A consumer, likewise.
function methods.consumer(...)
    local self, options = ...
    local state = held(self, 2)
    check_options(select("#", ...), options)
    local list, flat, topic_flat, own = native.modern_consumer(inherit(state, options, "consumer"))
    local made = native.new_consumer(nil, list, flat, topic_flat, own, native.callbacks_of(own, flat))
    remember(state, made)
    return made
end

--- A reader of a fixed window, likewise: what the session has for members of a group does not concern it.
function methods.read(...)
    local self, options = ...
    local state = held(self, 2)
    if select("#", ...) > 2 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    if type(options) ~= "table" then
        native.argument_error(2, "a table of options with a topic, or requests, expected, got " .. type(options))
    end
    local inherited = inherit(state, nil, "consumer")
    for name in pairs(native.refused_by_readers) do inherited[name] = nil end
    for name, value in pairs(options) do
        if type(name) == "string" then put(inherited, name, value) else inherited[name] = value end
    end
    local made = native.new_reader(inherited)
    remember(state, made)
    return made
end

local function check_name(name)
    if type(name) ~= "string" then error("the name of a property or option expected, got " .. type(name), 3) end
end

--- Sets a property or option for clients made from now on; nil takes it back.
function methods.set(...)
    local self, name, value = ...
    local state = held(self, 2)
    if select("#", ...) ~= 3 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    check_name(name)
    local flat, own = {}, {}
    if value ~= nil then
        local options = { allow_unsafe_config = state.own.allow_unsafe_config }
        options[name] = value
        flat, own = read(options, 2)
    elseif not (properties[name] or native.own_options[name] or name == "topics") then
        native.check_conf({ name, "" }, own)
    end
    state.own[name] = own[name]
    put(place(state, name), name, flat[2])
end

--- Sets a topic-level property likewise.
function methods.set_topic(...)
    local self, name, value = ...
    local state = held(self, 2)
    if select("#", ...) ~= 3 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    check_name(name)
    local flat = { name, "" }
    if value ~= nil then flat = flatten({ [name] = value }, 2) end
    if value ~= nil or not properties[name] then native.check_topic_conf(flat) end
    put(state.topic_values, name, value)
end

local function shown(values, into)
    for name, value in pairs(values) do
        local secret = properties[name] and properties[name].secret
        into[name] = secret and "(hidden)" or value
    end
    return into
end

--- What was set: properties of clients, and options of this module.
function methods.config(...)
    local state = held((...), 2)
    if select("#", ...) ~= 1 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    local found = shown(state.own, shown(state.values, {}))
    if found.topics then found.topics = native.gather_topics(found.topics) end
    return found
end

--- What was set at topic level.
function methods.topic_config(...)
    local state = held((...), 2)
    if select("#", ...) ~= 1 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    return shown(state.topic_values, {})
end

local function open_clients(state)
    local list = {}
    for i = state.count, 1, -1 do
        local client = state.clients[i]
        if client and not client:closed() then list[#list + 1] = client end
    end
    return list
end

local function check_timeout(timeout)
    if timeout == nil then return end
    if type(timeout) ~= "number" or timeout ~= floor(timeout) or timeout < -1 or timeout > 2 ^ 31 - 1 then
        error(("timeout: milliseconds (a whole number, 0 = do not wait, -1 = for ever) expected, got %s"):format(show(timeout)), 3)
    end
end

-- Closes all, whatever becomes of one of them; the first failure is told, an error before an error value.
local function close_all(state, timeout)
    local failed, first, undelivered, raised, failure = false, nil, nil, false, nil
    for _, client in pairs(open_clients(state)) do
        local ok, done, err, left = native.call_form(client.close, client, timeout)
        if not ok then
            if not raised then raised, failure = true, done end
        elseif not done then
            failed, first = true, first or err
            if left then undelivered = (undelivered or 0) + left end
        end
    end
    if raised then error(failure, 0) end
    if failed then return nil, first, undelivered end
    return true
end

--- Closes the clients that are still open, the newest first, each within `timeout`.
function methods.close(...)
    local self, timeout = ...
    local state = held(self, 2, true)
    if select("#", ...) > 2 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    check_timeout(timeout)
    state.closed = true
    return close_all(state, timeout)
end

--- Whether the session was closed.
function methods.closed(...)
    local state = held((...), 2, true)
    if select("#", ...) ~= 1 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    return state.closed
end

local function describe(self)
    local state = held(self, 2, true)
    local open = #open_clients(state)
    return ("kafka.Session (%s, %d client%s open)"):format(state.closed and "closed" or "open", open, open == 1 and "" or "s")
end

function native.new_session(options)
    local flat, own = read(options, 3)
    local state = { values = {}, topic_values = {}, own = own, clients = setmetatable({}, { __mode = "v" }), count = 0, closed = false }
    for i = 1, #flat, 2 do put(place(state, flat[i]), flat[i], flat[i + 1]) end
    return setmetatable({}, {
        __name = "kafka.Session", __index = methods, __tostring = describe,
        -- Lua 5.4: `local s <close> = kafka.session{…}`.
        __close = function(self) methods.close(self) end,
        [HOLDS] = { function() return state end },
    })
end
