-- What every client can ask the cluster. Compiled at the first use of one of its methods.
local native = ...
local type, pairs, tostring = type, pairs, tostring

-- Options of a question that takes them in a table, and what each must be.
local METADATA = { topic = "string", timeout = "number" }
local GROUPS = { group = "string", states = "table", timeout = "number" }

-- Reads an option table once, so that its metamethods run here; the user is `level` functions up.
local function read_options(name, options, known, names, level)
    local found = {}
    for key, value in pairs(options or {}) do
        local accepts = known[key]
        if not accepts then
            error(("%s: unknown option %s; %s are known"):format(name, native.show(key), names), level + 1)
        end
        if type(value) ~= accepts then
            error(("%s: option %s: a %s expected, got %s"):format(name, key, accepts, native.show(value)), level + 1)
        end
        found[key] = value
    end
    local timeout = found.timeout
    if timeout and (timeout ~= math.floor(timeout) or timeout < -1 or timeout > 2 ^ 31 - 1) then
        error(("%s: option timeout: milliseconds (a whole number, 0 = do not wait, -1 = for ever) expected, got %s")
            :format(name, tostring(timeout)), level + 1)
    end
    return found
end

local function read_states(states, level)
    if states == nil then return nil end
    local list = {}
    for index = 1, #states do
        local name = states[index]
        if type(name) ~= "string" then
            error(('groups: option states: names such as "Stable" expected, got %s'):format(native.show(name)), level + 1)
        end
        list[index] = name
    end
    return list
end

-- What librdkafka says of a question that never reached a broker.
local UNREACHED = { _TIMED_OUT = true, _TRANSPORT = true, _ALL_BROKERS_DOWN = true }

local function add_questions(class, step, form)
    local methods = class.__index

    -- A question that ran into its deadline says what was asked, and what the client heard last.
    local function result(self, what, value, ...)
        if value ~= nil then return value, ... end
        local err = ...
        if err and UNREACHED[err.name] then return step.unanswered(self, what) end
        return nil, err
    end

    local function wait_for(self, ticket, deadline, what)
        if not ticket then return nil, deadline end
        return result(self, what, form.await(self, ticket, deadline, what))
    end

    local function asks(begin, what)
        return function(...)
            local ticket, deadline = begin(...)
            return wait_for((...), ticket, deadline, what)
        end
    end

    methods.watermarks = asks(step.watermarks_begin, "watermarks")
    methods.cluster_id = asks(step.cluster_id_begin, "cluster_id")
    methods.controller_id = asks(step.controller_id_begin, "controller_id")
    methods.refresh_metadata = asks(step.refresh_begin, "refresh_metadata")

    function methods.metadata(...)
        step.options_begin(...)
        local self, options = ...
        local read = read_options("metadata", options, METADATA, "topic and timeout", 2)
        local ticket, deadline = step.metadata_begin(self, read.topic, read.timeout)
        return wait_for(self, ticket, deadline, "metadata")
    end

    function methods.groups(...)
        step.options_begin(...)
        local self, options = ...
        local read = read_options("groups", options, GROUPS, "group, states and timeout", 2)
        local ticket, deadline = step.groups_begin(self, read.group, read_states(read.states, 2), read.timeout)
        return wait_for(self, ticket, deadline, "groups")
    end

    function methods.offsets_for_times(...)
        step.list_begin(...)
        local self, list, timeout = ...
        local flat = native.read_partitions(list, "offsets_for_times", { partition = true, timestamp = true }, 2)
        local ticket, deadline = step.offsets_for_times_begin(self, flat, timeout)
        return wait_for(self, ticket, deadline, "offsets_for_times")
    end
end

add_questions(native.producer.class, native.producer.step, native.producer_form)
add_questions(native.consumer.class, native.consumer.step, native.consumer_form)
