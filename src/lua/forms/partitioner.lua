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
    if not count then
        why.message = ("%s; the partitioner must know how many partitions topic %s has, so nothing was sent")
            :format(why.message, topic)
    end
    return count, why
end

-- What the user's function chooses; nil and why when there is nothing to choose from. A wrong choice raises
-- `level` functions up, what the function raises goes through as it is.
local function choose(self, topic, key, level)
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

local methods = {}

function methods.produce(...)
    local count = select("#", ...)
    local self, topic, value, key, options = ...
    if count < 3 or count > 5 or not is_text(topic) or not (key == nil or is_text(key)) or not is_open(options) then
        -- Not ours to answer: a partition was named, or the call is wrong.
        local ok, err = step.produce(...)
        return ok, err
    end
    local partition, why = choose(self, topic .. "", key and key .. "", 2)
    if not partition then return nil, why end
    local ok, err = step.produce(self, topic, value, key, with_partition(options, partition))
    return ok, err
end

-- The classic call says what went wrong by a number.
local UNKNOWN_TOPIC = 2

function methods.send(...)
    local self, topic, partition, sequence_id, message = ...
    if select("#", ...) ~= 5 or partition ~= -1 or type(topic) ~= "string" or not self:has_topic(topic) then
        local code = step.send(...)
        return code
    end
    local chosen = choose(self, topic, nil, 2)
    if not chosen then return UNKNOWN_TOPIC end
    local code = step.send(self, topic, chosen, sequence_id, message)
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
