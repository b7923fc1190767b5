-- The producer's transactions. The calls of librdkafka run on a thread of their own until they end;
-- here their callers serve callbacks and wait, each until its own deadline.
local native = ...
local class, step = native.producer.class, native.producer.step
local form, consumer_step = native.producer_form, native.consumer.step
local type, pairs, floor = type, pairs, math.floor
local methods = class.__index

-- A call that was started: waits for its end. A callback that raised comes first: what the call came
-- to is heard by calling it again.
local function finish(self, what, ticket, deadline, id)
    if not ticket then return nil, deadline end
    local _, err = form.await(self, ticket, deadline, what)
    if err then return nil, err end
    return step.transaction_outcome(self, id)
end

function methods.init_transactions(...)
    local done, err = finish((...), "init_transactions", step.init_begin(...))
    if done then return true end
    return nil, err
end

-- What `transaction` left undecided is decided when it is committed, aborted, or never will be.
local function conclude(self, is_committed, done, err)
    local is_over = done or err.fatal
    if is_over and native.transaction_ended then native.transaction_ended(self, done and is_committed) end
    if done then return true end
    return nil, err
end

function methods.commit_transaction(...)
    local _, refused = step.end_check(...)
    if refused then return nil, refused end
    if native.transaction_left then native.transaction_left((...)) end
    local done, err = finish((...), "commit_transaction", step.commit_begin(...))
    return conclude((...), true, done, err)
end

function methods.abort_transaction(...)
    local _, refused = step.end_check(...)
    if refused then return nil, refused end
    if native.transaction_left then native.transaction_left((...), true) end
    local done, err = finish((...), "abort_transaction", step.abort_begin(...))
    if not done and native.transaction_unwanted then native.transaction_unwanted((...), err) end
    return conclude((...), false, done, err)
end

local GROUP_FIELDS = { group_id = "string", generation_id = "number", member_id = "string", group_instance_id = "string" }
-- Places of arguments, self counted.
local OFFSETS, GROUP = 2, 3

-- What is wrong with a table of group metadata.
local function group_fault(group)
    for key, value in pairs(group) do
        local accepts = GROUP_FIELDS[key]
        if not accepts then
            return ("unknown field %s of group metadata; group_id, generation_id, member_id and group_instance_id are known")
                :format(native.show(key))
        end
        if type(value) ~= accepts then return ("%s: a %s expected, got %s"):format(key, accepts, native.show(value)) end
    end
    if type(group.group_id) ~= "string" or group.group_id == "" then return "group_id is missing from the group metadata" end
    local generation = group.generation_id
    if generation and (generation ~= floor(generation) or generation < -1 or generation > 2 ^ 31 - 1) then
        return ("generation_id: a whole number from -1 expected, got %s"):format(native.show(generation))
    end
end

local function is_consumer(value) return type(value) == "userdata" and getmetatable(value) == native.consumer.class end

-- Offsets to go with the open transaction, as the next message of each partition to be read.
function methods.send_offsets_to_transaction(...)
    step.offsets_check(...)
    local self, offsets, group, timeout = ...
    if type(offsets) ~= "table" then native.argument_error(OFFSETS, "a list of partitions with offsets expected, got " .. type(offsets)) end
    if type(group) ~= "table" and not is_consumer(group) then
        native.argument_error(GROUP, "a kafka.Consumer or its group metadata expected, got " .. type(group))
    end
    local flat = native.read_partitions(offsets, "offsets", { partition = true, offset = true, or_none = true })
    for i = 1, #flat, 5 do
        if flat[i + 2] < 0 then
            native.argument_error(OFFSETS, ("the offset of %s [%d] must be a number from 0: the next message to read"):format(flat[i], flat[i + 1]))
        end
    end
    if type(group) == "userdata" then
        local refused
        group, refused = consumer_step.group_metadata(group)
        if refused then return nil, refused end
        if not group then native.argument_error(GROUP, "the consumer has no group.id, so there is nobody to keep its offsets") end
    else
        local fault = group_fault(group)
        if fault then native.argument_error(GROUP, fault) end
    end
    local done, err = finish(self, "send_offsets_to_transaction", step.offsets_begin(self, flat, group.group_id,
        group.generation_id or -1, group.member_id or "", group.group_instance_id, timeout))
    if done then return true end
    return nil, err
end


