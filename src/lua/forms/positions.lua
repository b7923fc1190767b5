-- Partitions and where they are read from. Lists are read here; the steps take them flat.
local native = ...
local class, step, form = native.consumer.class, native.consumer.step, native.consumer_form
local methods, select = class.__index, select
local PARTITION, ONCE = { partition = true }, { partition = true, once = true }

-- nil is nil; anything else must be a list of partitions. For messages too, which have more fields.
local function read_or_none(list, name)
    if list == nil then return nil end
    local flat = native.read_partitions(list, name, PARTITION, 3)
    return flat
end

function methods.assign(...)
    local self, list = ...
    step.member(self, select("#", ...), 2, 2)
    local ok, err = step.assign(self, native.read_partitions(list, "assign", ONCE))
    return form.outcome(ok, err)
end

function methods.unassign(...)
    local ok, err = step.unassign(...)
    return form.outcome(ok, err)
end

function methods.incremental_assign(...)
    local self, list = ...
    step.member(self, select("#", ...), 2, 2)
    local ok, err = step.incremental_assign(self, native.read_partitions(list, "incremental_assign", ONCE))
    return form.outcome(ok, err)
end

function methods.incremental_unassign(...)
    local self, list = ...
    step.member(self, select("#", ...), 2, 2)
    local ok, err = step.incremental_unassign(self, native.read_partitions(list, "incremental_unassign", ONCE))
    return form.outcome(ok, err)
end

function methods.seek(...)
    local self, topic, partition, offset = ...
    step.member(self, select("#", ...), 4, 4)
    local where = native.read_partitions({ { topic = topic, partition = partition, offset = offset } }, "seek",
        { partition = true, offset = true })
    local ok, err = step.seek(self, where)
    return form.outcome(ok, err)
end

function methods.pause(...)
    local self, list = ...
    step.member(self, select("#", ...), 1, 2)
    local ok, err = step.pause(self, read_or_none(list, "pause"))
    return form.outcome(ok, err)
end

function methods.resume(...)
    local self, list = ...
    step.member(self, select("#", ...), 1, 2)
    local ok, err = step.resume(self, read_or_none(list, "resume"))
    return form.outcome(ok, err)
end

function methods.position(...)
    local self, list = ...
    step.member(self, select("#", ...), 1, 2)
    local places, err = step.position(self, read_or_none(list, "position"))
    return form.outcome(places, err)
end

function methods.committed(...)
    local self, list, timeout = ...
    step.member(self, select("#", ...), 1, 3)
    local ticket, deadline = step.committed_begin(self, read_or_none(list, "committed"), timeout)
    if not ticket then return nil, deadline end
    return form.await(self, ticket, deadline, "committed")
end

function methods.lag(...)
    local list, err = step.lag(...)
    return form.outcome(list, err)
end
