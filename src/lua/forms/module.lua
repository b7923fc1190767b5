-- The module's functions.
local native = ...
local kafka = native.module
local pairs, type, select = pairs, type, select

local flatten, show = native.flatten, native.show

local function destroyed_error()
    return setmetatable({
        code = kafka.errors._DESTROY, name = "_DESTROY", message = "the client was closed while this call was waiting",
        fatal = false, retriable = false, txn_requires_abort = false,
    }, native.Error)
end
native.destroyed = destroyed_error

local function is_only_failed(flat)
    for i = 1, #flat, 2 do
        if flat[i] == "delivery.report.only.error" then return flat[i + 1] == true or flat[i + 1] == "true" end
    end
    return false
end

-- What a client keeps for its callbacks: slots of single messages at 1 and 2, the rest by name.
local function callbacks_of(own, flat, brokers)
    return {
        {}, {}, own = own, brokers = brokers,
        on_error = own.on_error, on_stats = own.on_stats, on_throttle = own.on_throttle,
        on_oauth_token = own.on_oauth_token, on_delivery = own.on_delivery, on_checkpoint = own.on_checkpoint,
        on_assign = own.on_assign, on_revoke = own.on_revoke, on_lost = own.on_lost, on_commit = own.on_commit,
        on_log = type(own.on_log) == "function" and own.on_log or nil, only_failed = is_only_failed(flat),
    }
end

local function is_text(value) return type(value) == "string" or type(value) == "number" end

local function has(flat, ...)
    for i = 1, #flat, 2 do
        for j = 1, select("#", ...) do
            if flat[i] == select(j, ...) then return true end
        end
    end
    return false
end

local function need_servers(flat, level)
    if not has(flat, "bootstrap.servers", "metadata.broker.list", "test.mock.num.brokers") then
        error('bootstrap.servers must be set: a list such as "localhost:9092,other:9092"', level + 1)
    end
end

local function modern_producer(options)
    local own = {}
    if options.topics ~= nil then error("option topics: a consumer's option; this is a producer", 3) end
    local flat = flatten(options, 3, own, true)
    native.check_side(own, "producer", 3)
    need_servers(flat, 3)
    return flat, own
end

-- What a producer gets once it is made.
local function equip_producer(made, own)
    if own.partitioner then native.use_partitioner(made) end
    if own.on_full == "block" then native.use_blocking(made) end
end

--- Makes a producer: `(brokerlist [, conf])`, or one table of options with `bootstrap.servers`.
function kafka.producer(...)
    local count = select("#", ...)
    local brokers, conf = ...
    local flat, own
    if count == 1 and type(brokers) == "table" then
        flat, own = modern_producer(brokers)
        brokers = nil
    else
        if count < 1 or count > 2 then native.argument_error(count, "incorrect number of arguments") end
        if not is_text(brokers) then native.argument_error(1, "string expected, got " .. type(brokers)) end
        if conf ~= nil and type(conf) ~= "table" then native.argument_error(2, "table expected, got " .. type(conf)) end
        own = {}
        flat = flatten(conf or {}, 2, own)
        native.check_side(own, "producer", 2)
    end
    local made = native.new_producer(brokers, flat, own, callbacks_of(own, flat, brokers))
    equip_producer(made, own)
    return made
end

-- The topics array → a list of strings, or false when it holds anything else. Keys must be
-- numbers; their order is kept.
local function gather_topics(topics)
    local keys, list = {}, {}
    for key, value in pairs(topics) do
        if type(key) ~= "number" or type(value) ~= "string" then return false end
        keys[#keys + 1] = key
    end
    table.sort(keys)
    for i, key in ipairs(keys) do list[i] = topics[key] end
    return list
end

local function modern_consumer(options)
    local own, rest, topics = {}, {}, nil
    for key, value in pairs(options) do
        if key == "topics" then topics = value else rest[key] = value end
    end
    if topics == nil then topics = options.topics end
    if topics ~= nil and type(topics) ~= "table" then
        error(("option topics: an array of strings expected, got %s"):format(show(topics)), 3)
    end
    local flat = flatten(setmetatable(rest, getmetatable(options) and { __index = options } or nil), 3, own, true)
    native.check_side(own, "consumer", 3)
    need_servers(flat, 3)
    local list = gather_topics(topics or {})
    if topics and list and #list == 0 then
        error("option topics: the array is empty; leave it out to subscribe or assign later", 3)
    end
    return list, flat, {}, own
end

--- Makes a consumer: `(brokerlist, topics, conf [, topic_conf])`, or one table of options with
--- `bootstrap.servers` and, for a member of a group, `group.id`; `topics` may come later.
function kafka.consumer(...)
    local count = select("#", ...)
    local brokers, topics, conf, topic_conf = ...
    local list, flat, topic_flat, own
    if count == 1 and type(brokers) == "table" then
        list, flat, topic_flat, own = modern_consumer(brokers)
        brokers = nil
    else
        if count < 3 or count > 4 then native.argument_error(count, "incorrect number of arguments") end
        if not is_text(brokers) then native.argument_error(1, "string expected, got " .. type(brokers)) end
        if type(topics) ~= "table" then native.argument_error(2, "table expected, got " .. type(topics)) end
        if type(conf) ~= "table" then native.argument_error(3, "table expected, got " .. type(conf)) end
        if topic_conf ~= nil and type(topic_conf) ~= "table" then
            native.argument_error(4, "table expected, got " .. type(topic_conf))
        end
        list = gather_topics(topics)
        if list and #list == 0 then native.argument_error(2, "the topics array is empty") end
        own = {}
        flat = flatten(conf, 2, own)
        native.check_side(own, "consumer", 2)
        native.check_consumer(flat, own)
        topic_flat = flatten(topic_conf or {}, 2)
    end
    local made = native.new_consumer(brokers, list, flat, topic_flat, own, callbacks_of(own, flat, brokers))
    native.renew_messages(made, 0)
    return made
end

-- For sessions, whose methods stand where kafka.producer and kafka.consumer do.
native.modern_producer, native.equip_producer, native.modern_consumer = modern_producer, equip_producer, modern_consumer
native.callbacks_of, native.gather_topics = callbacks_of, gather_topics

--- One configuration, many clients: `{…}` with what they have in common.
function kafka.session(...)
    local options = ...
    if select("#", ...) ~= 1 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    if type(options) ~= "table" then native.argument_error(1, "table expected, got " .. type(options)) end
    local made = native.new_session(options)
    return made
end

--- `fn(client)`, then closes the client, also when fn raises; returns what fn returned.
function kafka.with(...)
    local client, fn = ...
    if select("#", ...) ~= 2 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    if not native.is_closable(client) then
        native.argument_error(1, "a client, session or mock cluster of kafka's expected, got " .. type(client))
    end
    if type(fn) ~= "function" then native.argument_error(2, "function expected, got " .. type(fn)) end
    return native.with(client, fn)
end

-- Offsets with a meaning of their own, and a place so many messages before the end.
kafka.OFFSET_BEGINNING, kafka.OFFSET_END, kafka.OFFSET_STORED, kafka.OFFSET_INVALID = -2, -1, -1000, -1001

function kafka.offset_tail(...)
    local n = ...
    if select("#", ...) ~= 1 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    if type(n) ~= "number" or n ~= math.floor(n) or n < 1 or n > 2 ^ 53 - 2000 then
        native.argument_error(1, "a number of messages, from 1, expected, got " .. show(n))
    end
    return -2000 - n
end

--- Starts a mock cluster: `{brokers=1, topics={name=partitions}, rtt=milliseconds}`.
function kafka.mock_cluster(...)
    local options = ...
    if select("#", ...) > 1 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    if options ~= nil and type(options) ~= "table" then native.argument_error(1, "table expected, got " .. type(options)) end
    local read = {}
    for key, value in pairs(options or {}) do
        if key ~= "brokers" and key ~= "topics" and key ~= "rtt" then
            error(("mock_cluster: unknown option %s; brokers, topics and rtt are known"):format(show(key)), 2)
        end
        read[key] = value
    end
    if read.topics ~= nil then
        if type(read.topics) ~= "table" then
            error(("mock_cluster: topics={name=partitions, ...} expected, got %s"):format(show(read.topics)), 2)
        end
        local topics = {}
        for topic, partitions in pairs(read.topics) do
            if type(topic) ~= "string" or type(partitions) ~= "number" or partitions ~= math.floor(partitions)
                or partitions < 1 or partitions > 10000 then
                error(("mock_cluster: topics={name=partitions, ...} with 1 to 10000 partitions expected, got %s=%s")
                    :format(show(topic), show(partitions)), 2)
            end
            topics[topic] = partitions
        end
        read.topics = topics
    end
    local made = native.new_mock_cluster(read, {})
    return made
end

--- Makes a reader of a fixed window of partitions, without a group.
function kafka.read(...)
    local options = ...
    if select("#", ...) ~= 1 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    if type(options) ~= "table" then native.argument_error(1, "table expected, got " .. type(options)) end
    local made = native.new_reader(options)
    return made
end

-- Metatables of clients whose methods differ → the class's own.
native.variants = {}

--- Replaces how a client waits: `wait(client, ms)` returns once `client:pollfd()` is readable or
--- ms have passed (ms < 0: no limit). nil restores blocking. Returns the client.
function kafka.wrap(...)
    local client, wait = ...
    if select("#", ...) ~= 2 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    local reader = client
    if type(client) == "table" then client = native.reader_client(client) or client end
    local class = getmetatable(client)
    class = native.variants[class] or class
    local step = class == native.producer.class and native.producer.step or class == native.consumer.class and native.consumer.step
    if type(client) ~= "userdata" or not step then
        native.argument_error(1, "kafka.Producer or kafka.Consumer expected, got " .. type(client))
    end
    if wait ~= nil and type(wait) ~= "function" then native.argument_error(2, "function or nil expected, got " .. type(wait)) end
    step.callbacks(client).wait = wait
    return reader
end

kafka.partitioner = native.partitioner
kafka.version = native.version

--- Waits for deliveries of produce_async: `(deliveries [, timeout])`.
function kafka.wait_all(...)
    local place, fault = native.wait_all_fault(...)
    if place then native.argument_error(place, fault) end
    return native.wait_all(...)
end

kafka.librdkafka_version = native.librdkafka_version
kafka.properties = native.properties
kafka.errors = native.errors
kafka.Error = native.Error
