-- What a consumed message can do. Messages of one consumer and one generation (client/acks.rs) share a
-- metatable, which knows both: a message costs nothing for it.
local native = ...
local class, step = native.consumer.class, native.consumer.step
local methods = class.__index
local type, tostring, getmetatable, rawget = type, tostring, getmetatable, rawget

local CLASS = 3 -- where the callbacks keep the metatable (lua/stack/message.rs)
local OWNER, GENERATION = {}, {} -- keys that no message has
local message_methods = {}

local function describe(message)
    return ("kafka.Message: %s [%s] at offset %s"):format(tostring(message.topic), tostring(message.partition), tostring(message.offset))
end

--- Loops over messages that have begun end when their next one is asked for.
function native.stop_loops(self)
    local callbacks = step.callbacks(self)
    callbacks.stops = (callbacks.stops or 0) + 1
end

--- Messages to come belong to `generation`.
function native.renew_messages(self, generation)
    step.callbacks(self)[CLASS] = {
        __index = message_methods, __name = "kafka.Message", __tostring = describe,
        [OWNER] = self, [GENERATION] = generation,
    }
    step.renewed(self)
end

-- The consumer and the generation of a message, whose method is called as `name`.
local function owner(message, name)
    local meta = type(message) == "table" and getmetatable(message)
    local self = type(meta) == "table" and rawget(meta, OWNER)
    if not self then error(("calling '%s' on bad self (kafka.Message expected, got %s)"):format(name, type(message)), 3) end
    return self, meta[GENERATION]
end

function message_methods.ack(message)
    local self, generation = owner(message, "ack")
    local news = step.ack(self, message.topic, message.partition, message.offset, generation)
    return news
end

function message_methods.cancel(message)
    local self, generation = owner(message, "cancel")
    local own = step.cancel(self, message.topic, message.partition, message.offset, generation)
    if own then native.stop_loops(self) end
end

local function outdated(message)
    return setmetatable({
        code = native.errors._STATE, name = "_STATE", fatal = false, retriable = false, txn_requires_abort = false,
        message = ("%s [%d] was revoked, sought or assigned anew since this message came; it is not committed")
            :format(message.topic, message.partition),
    }, native.Error)
end

--- Whether it is a message that a consumer handed out.
function native.is_message(what)
    local meta = type(what) == "table" and getmetatable(what)
    return type(meta) == "table" and rawget(meta, OWNER) ~= nil
end

--- What a commit of the message commits: the offset after it, or, at the end of a partition, the offset of
--- what will be written there. nil and the error when that is nobody's business any more.
function native.after_message(message, metadata)
    local self, generation = owner(message, "commit")
    local topic, partition, offset = message.topic, message.partition, message.offset
    if not step.is_current(self, topic, partition, offset, generation) then return nil, outdated(message) end
    local after = message.eof and offset or offset + 1
    return { topic = topic, partition = partition, offset = after, metadata = metadata, leader_epoch = message.leader_epoch }
end

--- The message is committed, or on its way.
function native.message_committed(message)
    local self, generation = owner(message, "commit")
    step.committed(self, message.topic, message.partition, message.offset, generation)
end

function message_methods.commit(message, metadata)
    local self = owner(message, "commit")
    if metadata ~= nil and type(metadata) ~= "string" then
        error(("bad argument #1 to 'commit' (string expected, got %s)"):format(type(metadata)), 2)
    end
    step.member(self, 1, 1, 1) -- a closed client is told of at the caller's line
    local next_one, err = native.after_message(message, metadata)
    if not next_one then return nil, err end
    local done
    done, err = methods.commit(self, { next_one })
    if not done then return nil, err end
    native.message_committed(message)
    return true
end
