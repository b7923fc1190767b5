-- A partitioner in Lua: asked inside the call that produces, never on librdkafka's threads. Producers
-- that have one get methods which ask it and then produce to a partition; others pay nothing for it.
-- Compiled when a program makes the first such producer.
local native = ...
local class, step = native.producer.class, native.producer.step
local form = native.producer_form
local show = native.show
local type, select, pairs, floor, getmetatable, setmetatable = type, select, pairs, math.floor, getmetatable, setmetatable

-- How long (ms) the first message to an unknown topic waits for its partitions.
local TIMEOUT = 5000

-- The first question for a topic waits: that is the one call of a producer that does, and it serves
-- callbacks meanwhile as every call that waits.
local function wait_for_count(self, topic, timeout)
    local ticket, deadline = step.count_begin(self, topic, timeout)
    if not ticket then return nil, deadline end
    local count, why = form.await(self, ticket, deadline, "metadata of topic " .. topic)
    if not count then step.count_given_up(self, topic) end
    return count, why
end

-- How many partitions a topic has, or nil and why that is not known.
local function count_of(self, topic, own)
    local count, why = step.count_known(self, topic)
    if not (count or why) then count, why = wait_for_count(self, topic, own.partitioner_timeout or TIMEOUT) end
    if not count and why.name ~= "_FORKED" and why.name ~= "_DESTROY" then
        why.message = ("%s; the partitioner must know how many partitions topic %s has, so nothing was sent")
            :format(why.message, topic)
    end
    return count, why
end

local function is_topic(name) return #name > 0 and #name <= 249 and not name:find("[^a-zA-Z0-9._-]") end

-- What the user's function chooses; nil and why when there is nothing to choose from. A wrong choice raises
-- `level` functions up, what the function raises goes through as it is. -1 when the call cannot be right: the
-- step that follows says how.
local function choose(self, topic, key, level)
    if form.is_closed(self) or not is_topic(topic) then return -1 end
    local own = step.callbacks(self).own
    local count, why = count_of(self, topic, own)
    if not count then return nil, why end
    local partition = own.partitioner(topic, key, count)
    if type(partition) ~= "number" or partition ~= floor(partition) or partition < 0 or partition >= count then
        error(("partitioner: a partition from 0 to %d expected for topic %s, got %s; nothing was sent")
            :format(count - 1, topic, show(partition)), level + 1)
    end
    return partition
end

-- The options with the partition in them. What they inherit they keep, what is unknown in them stays unknown.
local function with_partition(options, partition)
    if options == nil then return { partition = partition } end
    local copy = {}
    for name, value in pairs(options) do copy[name] = value end
    copy.partition = partition
    if getmetatable(options) then setmetatable(copy, { __index = options }) end
    return copy
end

local function is_text(value) return type(value) == "string" or type(value) == "number" end

-- Whether the user has left the choice of a partition to us.
local function is_open(options)
    if options == nil then return true end
    if type(options) ~= "table" then return false end
    local partition = options.partition
    return partition == nil or partition == -1
end

-- A copy of one message of a batch, or of a call with one table, with its partition chosen; the message itself
-- when there is nothing to choose, or when it is wrong, which is for others to say. nil and why when its topic is
-- not known.
local function settled(self, message, topic, level)
    if type(message) == "table" then
        topic = message.topic or topic
        if not is_open(message) then return message end
    elseif not is_text(message) then
        return message
    end
    local key = type(message) == "table" and message.key or nil
    if not is_text(topic) or not (key == nil or is_text(key)) then return message end
    local partition, why = choose(self, topic .. "", key and key .. "", level + 1)
    if not partition then return nil, why end
    if type(message) ~= "table" then return { value = message, partition = partition } end
    return with_partition(message, partition)
end

--- The messages of a batch from `from` on with their partitions chosen, all before any is sent. Returns those that
--- may go, the index each had, and what is wrong with the others by their index.
function native.choose_partitions(self, topic, messages, from, level)
    local list, index_of, refused, n = {}, {}, {}, 0
    for index = from, #messages do
        local message, why = settled(self, messages[index], topic, level + 1)
        if message == nil and why then
            refused[index] = why
        else
            n = n + 1
            list[n], index_of[n] = message, index
        end
    end
    return list, index_of, refused
end

--- The partition of a classic send: the one it names, or the one chosen; nil when its topic is not known.
function native.partition_of_send(self, topic, partition, level)
    if partition ~= -1 or type(topic) ~= "string" or form.is_closed(self) or not self:has_topic(topic) then return partition end
    local chosen, why = choose(self, topic, nil, level + 1)
    if why and why.name == "_FORKED" then return partition end
    return chosen
end

local methods = {}

function methods.produce(...)
    local count = select("#", ...)
    local self, topic, value, key, options = ...
    local ok, err
    -- First of all, as a wrong self is told here, at the user's line.
    local closed = step.is_closed(self)
    if closed then
        ok, err = step.produce(...)
    elseif count == 2 and type(topic) == "table" then
        local message, why = settled(self, topic, nil, 2)
        if not message then return nil, why end
        ok, err = step.produce(self, message)
    elseif count < 3 or count > 5 or not is_text(topic) or not (key == nil or is_text(key)) or not is_open(options) then
        -- A partition is named, or the call is wrong.
        ok, err = step.produce(...)
    else
        local partition, why = choose(self, topic .. "", key and key .. "", 2)
        if not partition then return nil, why end
        ok, err = step.produce(self, topic, value, key, with_partition(options, partition))
    end
    if ok then return ok end
    return nil, err
end

-- The classic call says what went wrong by a number.
local UNKNOWN_TOPIC = 2

function methods.send(...)
    local self, topic, partition, sequence_id, message = ...
    local code
    if step.is_closed(self) or select("#", ...) ~= 5 then
        code = step.send(...)
    else
        partition = native.partition_of_send(self, topic, partition, 2)
        if not partition then return UNKNOWN_TOPIC end
        code = step.send(self, topic, partition, sequence_id, message)
    end
    return code
end

local variant = {}
for name, value in pairs(class) do variant[name] = value end
variant.__index = setmetatable(methods, { __index = class.__index })
native.variants[variant] = class

-- For what produces in other ways: the partition of one message, or nil and why.
native.choose_partition = choose

function native.use_partitioner(producer)
    native.become_variant(producer, variant)
end
