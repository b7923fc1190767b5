-- Lists of partitions as users write them:
--     {"orders", "orders:3", {topic="orders", partition=3, offset=17, metadata="…"}}   {orders={0, 1}}
-- They are read here and nowhere else, so that a user's metamethods run as ordinary Lua.
local native = ...
local type, pairs, tostring, floor = type, pairs, tostring, math.floor

local BEGINNING, END, STORED, INVALID, TAIL = -2, -1, -1000, -1001, -2000
local NAMED = { earliest = BEGINNING, beginning = BEGINNING, latest = END, ["end"] = END, stored = STORED }
local MOST = 2 ^ 53

local show = native.show

--- An offset as a number: a number, or "earliest", "latest", "stored". nil and why when it is none.
function native.read_offset(value)
    local number = NAMED[value]
    if number then return number end
    if type(value) ~= "number" or value ~= floor(value) or value > MOST
        or (value < 0 and value ~= END and value ~= BEGINNING and value ~= STORED and value ~= INVALID and value >= TAIL)
        or value < -MOST then
        return nil, ('an offset expected (a whole number from 0, "earliest", "latest", "stored" or kafka.offset_tail(n)), got %s')
            :format(show(value))
    end
    return value
end

local function is_partition(value)
    return type(value) == "number" and value == floor(value) and value >= 0 and value <= 2 ^ 31 - 1
end

-- No topic is longer than 249 letters.
local function missing(what, topic, partition)
    return ("%s: missing for %s [%s]"):format(what, topic:sub(1, 249), tostring(partition))
end

local function is_time(value)
    return type(value) == "number" and value == floor(value) and value >= 0 and value <= MOST
end

local KNOWN = { topic = true, partition = true, offset = true, metadata = true, leader_epoch = true, err = true }

-- One entry of the list → topic, partition, offset, metadata, epoch; nil and why; false for one that is passed over.
local function entry(item, want, may_lack_offset)
    local topic, partition
    local offset, metadata, epoch = false, false, false
    if type(item) == "string" then
        topic, partition = item:match("^([^^].*):(%d+)$")
        if not topic then topic, partition = item, false end
        partition = partition and tonumber(partition)
    elseif type(item) == "table" then
        for key in pairs(item) do
            if type(key) ~= "string" or not KNOWN[key] and not want.fields and not (want.timestamp and key == "timestamp") then
                return nil, ("unknown field %s; topic, partition, offset, metadata and leader_epoch are known"):format(show(key))
            end
        end
        topic, partition = item.topic, item.partition
        if partition == nil then partition = false end
        if item.offset ~= nil then
            local why
            offset, why = native.read_offset(item.offset)
            if not offset then return nil, "offset: " .. why end
        end
        if want.timestamp then
            offset = item.timestamp
            if offset ~= nil and not is_time(offset) then
                return nil, ("timestamp: milliseconds since 1970 expected (a whole number from 0), got %s"):format(show(offset))
            end
        end
        if item.metadata ~= nil then
            metadata = item.metadata
            if type(metadata) ~= "string" then return nil, "metadata: a string expected, got " .. type(metadata) end
        end
        if item.leader_epoch ~= nil then
            epoch = item.leader_epoch
            if type(epoch) ~= "number" then return nil, "leader_epoch: a number expected, got " .. type(epoch) end
        end
    else
        return nil, ('"topic", "topic:partition" or {topic=, partition=} expected, got %s'):format(show(item))
    end
    if type(topic) ~= "string" then return nil, ("topic: a string expected, got %s"):format(show(topic)) end
    if partition and not is_partition(partition) then
        return nil, ("partition: a whole number from 0 expected, got %s"):format(show(partition))
    end
    if want.partition and not partition then
        local name = show(topic)
        return nil, ("%s names no partition: write {topic=%s, partition=0}, or the partition behind a colon"):format(name, name)
    end
    if want.timestamp and not offset then return nil, missing("timestamp", topic, partition) end
    if want.offset and not offset then
        if may_lack_offset then return false end
        return nil, missing("offset", topic, partition)
    end
    if want.next_read and offset < 0 then
        return nil, ("offset: the next one to read expected (a whole number from 0), got %s"):format(show(item.offset))
    end
    return topic, partition, offset, metadata, epoch
end

-- Notes a partition in `seen`. What is wrong when it is there already.
local function again(seen, topic, partition)
    local of_topic = seen[topic] or {}
    seen[topic] = of_topic
    if of_topic[partition] then
        return ("%s [%d] stands there twice; name each partition once"):format(topic:sub(1, 249), partition)
    end
    of_topic[partition] = true
end

--- Reads `list`; `want` says what each entry must have: {partition=true, offset=true}, with `next_read=true` an offset
--- that is no word for a place, with `or_none=true` tables without an offset are passed over, as position() and
--- committed() give them; with `timestamp=true` it must have one, which is put in the offset's place; with
--- `fields=true` other fields are passed over (messages are entries too); with `once=true` no partition may be there
--- twice. Returns a flat array of five values an entry: topic, partition, offset, metadata, leader epoch, what is
--- missing as false. A wrong list raises as error(…, level) would in the calling function: 2, the default, is the line
--- of its caller, 0 no line.
function native.read_partitions(list, name, want, level)
    local flat, n, seen = {}, 0, want.once and {}
    local here, below = (level or 2) + 1, (level or 2) + 2
    if level == 0 then here, below = 0, 0 end
    if type(list) ~= "table" then
        error(('%s: a list of partitions expected, such as {"orders:0"} or {orders={0, 1}}, got %s'):format(name, show(list)), here)
    end
    local function fail(index, why) error(("%s: entry %s: %s"):format(name, show(index), why), below) end
    local function add(index, topic, partition, offset, metadata, epoch)
        if topic == false then return end
        local why = not topic and partition or seen and again(seen, topic, partition)
        if why then error(("%s: entry %s: %s"):format(name, show(index), why), below) end
        flat[n + 1], flat[n + 2], flat[n + 3], flat[n + 4], flat[n + 5] = topic, partition, offset, metadata, epoch
        n = n + 5
    end
    for index, item in pairs(list) do
        if type(index) == "string" then
            if type(item) ~= "table" then fail(index, ("an array of partitions expected, got %s"):format(show(item))) end
            for _, partition in pairs(item) do add(index, entry({ topic = index, partition = partition }, want)) end
        elseif type(index) ~= "number" then
            fail(index, "the keys of a list are numbers, or names of topics")
        end
    end
    for index = 1, #list do
        local item = list[index]
        add(index, entry(item, want, want.or_none and type(item) == "table"))
    end
    return flat
end
