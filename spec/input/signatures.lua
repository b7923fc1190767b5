-- What each argument of each method accepts: a good value, and values that must be refused by a message which names
-- the argument or the method. A method that is not listed here is still swept by the specs, with every value in every
-- place; it only is not held to refuse.
local values = require "spec.input.values"

local signatures = {}

local not_text = { { "true", true }, { "{}", {} }, { "a function", print }, { "a file", io.stdout } }
local not_a_number = {
    { "true", true }, { "{}", {} }, { "'abc'", "abc" }, { "''", "" }, { "a function", print }, { "a file", io.stdout },
}
local not_whole = {
    { "NaN", values.nan }, { "1.5", 1.5 }, { "inf", math.huge }, { "-inf", -math.huge }, { "1e308", 1e308 },
    { "2^53+1", values.beyond },
}
local not_a_topic = {
    { "''", "" }, { "a NUL inside", "a\0b" }, { "250 letters", ("t"):rep(250) }, { "a space", "a b" },
    { "64 MiB", values.big() },
}
local beyond_int32 = { { "2^31", 2 ^ 31 }, { "-2^31-1", -2 ^ 31 - 1 }, { "2^53", 2 ^ 53 } }

local function join(...)
    local all = {}
    for _, list in ipairs { ... } do
        for _, value in ipairs(list) do all[#all + 1] = value end
    end
    return all
end

local number = join(not_a_number, not_whole)

--- kind → {good=, bad={{name, value}…}, words={what a message may call it}}
signatures.kinds = {
    topic = { good = "known", bad = join(not_text, not_a_topic), words = { "topic" } },
    topic_key = { good = "known", bad = not_text, words = { "topic" } },
    new_topic = { good = "fresh", bad = join(not_text, not_a_topic), words = { "topic", "name" } },
    conf = {
        good = {}, words = { "conf", "table", "acks", "no.such.key" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "{[1]='x'}", { "x" } }, { "an unknown key", { ["no.such.key"] = 1 } },
            { "a value of the wrong type", { acks = {} } }, { "a NUL in a value", { acks = "1\0" } } },
    },
    partition = { good = 0, bad = join(number, beyond_int32), words = { "partition" } },
    sequence = {
        good = 1, bad = join(number, { { "-1", -1 } }), words = { "sequence_id" },
    },
    message = {
        good = "x", words = { "message" },
        bad = { { "true", true }, { "a function", print }, { "a file", io.stdout }, { "{true}", { true } },
            { "{'a',{}}", { "a", {} } } },
    },
    value = {
        good = "x", words = { "value" },
        bad = { { "true", true }, { "a function", print }, { "a file", io.stdout }, { "{true}", { true } } },
    },
    key = { good = "k", bad = not_text, words = { "key" } },
    options = {
        good = {}, words = { "option", "table", "partition", "headers", "timestamp", "on_delivery", "no_such" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "partition='x'", { partition = "x" } }, { "partition=1.5", { partition = 1.5 } },
            { "partition=2^31", { partition = 2 ^ 31 } }, { "partition={}", { partition = {} } },
            { "headers=1", { headers = 1 } }, { "headers='x'", { headers = "x" } },
            { "headers={1}", { headers = { 1 } } }, { "headers={{}}", { headers = { {} } } },
            { "headers={{true,'v'}}", { headers = { { true, "v" } } } },
            { "headers={{'n',true}}", { headers = { { "n", true } } } },
            { "headers={n=true}", { headers = { n = true } } },
            { "timestamp='x'", { timestamp = "x" } }, { "timestamp=1.5", { timestamp = 1.5 } },
            { "timestamp=NaN", { timestamp = values.nan } }, { "timestamp=2^53+1", { timestamp = values.beyond } },
            { "on_delivery=1", { on_delivery = 1 } }, { "on_delivery='x'", { on_delivery = "x" } },
            { "an unknown option", { no_such = 1 } } },
    },
    batch_topic = {
        good = "known", words = { "topic" },
        bad = { { "true", true }, { "a function", print }, { "a file", io.stdout } },
    },
    -- A message that is wrong is refused among the errors: others are queued already.
    batch = {
        good = {}, words = { "message", "array" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print } },
    },
    batch_options = {
        good = {}, words = { "option", "table", "partition", "from" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "from=0", { from = 0 } },
            { "from='x'", { from = "x" } }, { "partition=1.5", { partition = 1.5 } }, { "an unknown option", { no_such = 1 } } },
    },
    sync_options = {
        good = {}, words = { "option", "table", "timeout" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "timeout='x'", { timeout = "x" } },
            { "timeout=-2", { timeout = -2 } }, { "partition='x'", { partition = "x" } }, { "an unknown option", { no_such = 1 } } },
    },
    purge_options = {
        good = {}, words = { "option", "table" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "queued=1", { queued = 1 } },
            { "an unknown option", { no_such = 1 } } },
    },
    partition_number = { good = 0, bad = join(number, beyond_int32, { { "-1", -1 } }), words = { "partition", "last_offset" } },
    client_options = {
        good = {}, words = { "option", "config", "no.such.key" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "{[1]='x'}", { "x" } }, { "an unknown key", { ["no.such.key"] = 1 } }, { "on_error=1", { on_error = 1 } } },
    },
    window = {
        good = { topic = "known" }, words = { "option", "table", "topic", "no.such.key" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout }, { "{}", {} },
            { "a group", { topic = "known", ["group.id"] = "g" } }, { "from='x'", { topic = "known", from = "x" } },
            { "limit=0", { topic = "known", limit = 0 } }, { "timeout=-2", { topic = "known", timeout = -2 } },
            { "requests={}", { requests = {} } }, { "an unknown key", { topic = "known", ["no.such.key"] = 1 } } },
    },
    property = {
        good = "linger.ms", words = { "property", "no.such.key" },
        bad = join(not_text, { { "1", 1 }, { "an unknown key", "no.such.key" }, { "64 MiB", values.big() } }),
    },
    setting = { good = 5, words = { "config value", "linger.ms" }, bad = { { "{}", {} }, { "print", print }, { "'x'", "x" }, { "NaN", values.nan } } },
    topic_property = {
        good = "acks", words = { "property", "no.such.key" },
        bad = join(not_text, { { "1", 1 }, { "an unknown key", "no.such.key" }, { "a client's", "linger.ms" } }),
    },
    topic_setting = { good = 1, words = { "config value", "acks" }, bad = { { "{}", {} }, { "print", print }, { "'x'", "x" }, { "NaN", values.nan } } },
    timeout = {
        good = 0, words = { "timeout" },
        bad = join(number, { { "-2", -2 }, { "-1e308", -1e308 } }),
    },
    batch_size = { good = 1, bad = join(number, beyond_int32, { { "0", 0 }, { "-1", -1 } }), words = { "poll_batch", "receive_batch" } },
    loop_options = {
        good = { timeout = 0 }, words = { "option", "table" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "timeout='x'", { timeout = "x" } }, { "timeout=-2", { timeout = -2 } }, { "timeout=NaN", { timeout = values.nan } },
            { "limit='x'", { limit = "x" } }, { "limit=-1", { limit = -1 } }, { "limit=1.5", { limit = 1.5 } },
            { "an unknown option", { no_such = 1 } } },
    },
    question = {
        good = { timeout = 0 }, words = { "option", "table" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "topic=1", { topic = 1 } }, { "topic=''", { topic = "" } }, { "timeout='x'", { timeout = "x" } },
            { "timeout=-2", { timeout = -2 } }, { "timeout=1.5", { timeout = 1.5 } }, { "timeout=NaN", { timeout = values.nan } },
            { "an unknown option", { no_such = 1 } } },
    },
    group_question = {
        good = { timeout = 0 }, words = { "option", "table" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "group=1", { group = 1 } }, { "a NUL in group", { group = "a\0b" } }, { "states='x'", { states = "x" } },
            { "states={'x'}", { states = { "x" } } }, { "states={1}", { states = { 1 } } }, { "timeout=-2", { timeout = -2 } },
            { "an unknown option", { no_such = 1 } } },
    },
    partition_list = {
        good = { "known:0" }, words = { "entry", "list", "partition" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "no partition", { "known" } }, { "{true}", { true } }, { "partition=1.5", { { topic = "known", partition = 1.5 } } },
            { "offset='x'", { { topic = "known", partition = 0, offset = "x" } } },
            { "an unknown field", { { topic = "known", partition = 0, no_such = 1 } } } },
    },
    offset_list = {
        good = { { topic = "known", partition = 0, offset = 1 } }, words = { "entry", "list", "offset", "message" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "no offset", { "known:0" } }, { "a single one", { topic = "known", partition = 0, offset = 1 } } },
    },
    subscription = {
        good = { "known" }, words = { "topic", "subscribe" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "{}", {} }, { "{true}", { true } }, { "a partition", { "known:0" } }, { "a space", { "a b" } } },
    },
    place = {
        good = 0, bad = join(not_whole, { { "true", true }, { "{}", {} }, { "'abc'", "abc" }, { "a function", print }, { "-5", -5 } }),
        words = { "offset" },
    },
    fetch_size = { good = 1, bad = join(number, beyond_int32, { { "0", 0 }, { "-1", -1 } }), words = { "consume_batch" } },
    offset = { good = 0, bad = join(number, { { "-5", -5 } }), words = { "offset" } },
    callback = {
        good = function() end, words = { "function" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "{}", {} }, { "a file", io.stdout } },
    },
    times = {
        good = {}, words = { "table", "entry" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "no timestamp", { "known:0" } }, { "no partition", { { topic = "known", timestamp = 1 } } },
            { "timestamp='x'", { { topic = "known", partition = 0, timestamp = "x" } } },
            { "timestamp=-1", { { topic = "known", partition = 0, timestamp = -1 } } },
            { "timestamp=1.5", { { topic = "known", partition = 0, timestamp = 1.5 } } },
            { "an unknown field", { { topic = "known", partition = 0, timestamp = 1, no_such = 1 } } } },
    },
    brokers = {
        good = "127.0.0.1:9", words = { "broker" },
        bad = join(not_text, { { "''", "" }, { "a NUL inside", "a\0b" }, { "64 MiB", values.big() } }),
    },
    log_level = { good = "info", words = { "level" }, bad = join(not_text, { { "'x'", "x" }, { "7", 7 } }) },
    user = { good = "u", words = { "user" }, bad = join(not_text, { { "a NUL inside", "a\0b" } }) },
    password = { good = "p", words = { "password" }, bad = join(not_text, { { "a NUL inside", "a\0b" } }) },
    whole_partition = { good = 0, bad = join(number, beyond_int32, { { "-1", -1 } }), words = { "partition" } },
    broker = { good = 1, bad = join(number, beyond_int32, { { "-1", -1 } }), words = { "broker", "id" } },
    count = { good = 1, bad = join(number, beyond_int32, { { "0", 0 }, { "-1", -1 }, { "2^31-1", 2 ^ 31 - 1 } }),
        words = { "partition" } },
    mock_partition = {
        good = 0, bad = join(number, beyond_int32, { { "-1", -1 }, { "-2", -2 } }), words = { "partition" },
    },
    broker_or_none = { good = 1, bad = join(number, beyond_int32, { { "-2", -2 } }), words = { "broker", "id" } },
    replicas = { good = 1, bad = join(number, beyond_int32, { { "-1", -1 }, { "-2", -2 } }), words = { "replica" } },
    milliseconds = { good = 0, bad = join(number, beyond_int32, { { "-1", -1 } }), words = { "ms", "rtt", "delay" } },
    rack = { good = "r", bad = join(not_text, { { "a NUL inside", "a\0b" } }), words = { "rack" } },
    coordinator = { good = "group", bad = join(not_text, { { "'x'", "x" } }), words = { "group", "transaction", "type" } },
    name = { good = "g", bad = join(not_text, { { "a NUL inside", "a\0b" } }), words = { "key", "name" } },
    api = { good = "Produce", bad = join(not_text, { { "'NoSuch'", "NoSuch" }, { "NUL", "Produce\0" } }), words = { "api", "request" } },
    errors = {
        good = {}, words = { "error", "table" },
        bad = { { "true", true }, { "1", 1 }, { "a function", print }, { "a file", io.stdout },
            { "{true}", { true } }, { "an unknown name", { "NO_SUCH_ERROR" } }, { "{{}}", { {} } },
            { "rtt='x'", { { "REQUEST_TIMED_OUT", rtt = "x" } } }, { "rtt=-1", { { "REQUEST_TIMED_OUT", rtt = -1 } } } },
    },
    error_name = { good = "REQUEST_TIMED_OUT", bad = join(not_text, { { "an unknown name", "NO_SUCH" } }), words = { "error", "name" } },
    offsets = {
        good = { { topic = "known", partition = 0, offset = 1 } }, words = { "offset", "partition", "topic" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "{true}", { true } }, { "no offset", { "known:0" } }, { "no partition", { { topic = "known", offset = 1 } } },
            { "offset='latest'", { { topic = "known", partition = 0, offset = "latest" } } },
            { "offset=1.5", { { topic = "known", partition = 0, offset = 1.5 } } },
            { "an unknown field", { { topic = "known", partition = 0, offset = 1, no_such = 1 } } } },
    },
    group = {
        good = { group_id = "g" }, words = { "group", "generation", "Consumer" },
        bad = { { "true", true }, { "1", 1 }, { "'g'", "g" }, { "a function", print }, { "a file", io.stdout }, { "{}", {} },
            { "group_id=1", { group_id = 1 } }, { "generation_id=1.5", { group_id = "g", generation_id = 1.5 } },
            { "a NUL inside", { group_id = "a\0b" } }, { "an unknown field", { group_id = "g", no_such = 1 } } },
    },
    fn = {
        good = print, words = { "function" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "{}", {} }, { "a file", io.stdout } },
    },
    transaction_options = {
        good = {}, words = { "option", "table", "consumer", "retries", "timeout" },
        bad = { { "true", true }, { "1", 1 }, { "'x'", "x" }, { "a function", print }, { "a file", io.stdout },
            { "consumer={}", { consumer = {} } }, { "retries=-1", { retries = -1 } }, { "retries=1.5", { retries = 1.5 } },
            { "timeout=-2", { timeout = -2 } }, { "timeout='x'", { timeout = "x" } }, { "an unknown option", { no_such = 1 } } },
    },
    reason = { good = "a test", bad = join(not_text, { { "a NUL inside", "a\0b" } }), words = { "reason" } },
}

--- class → method → kinds in order; a trailing ? is an argument that may be left out.
signatures.classes = {
    Producer = {
        create_topic = "new_topic conf?", has_topic = "topic_key", destroy_topic = "topic_key",
        send = "topic partition sequence? message", poll = "timeout?", produce = "topic value key? options?",
        produce_batch = "batch_topic batch batch_options?", produce_async = "topic value key? options?",
        produce_sync = "topic value key? sync_options?", purge = "purge_options?", last_offset = "topic partition_number?",
        flush = "timeout?", close = "timeout?", closed = "", name = "", last_error = "", pollfd = "", events = "", timeout = "",
        partition_count = "topic", partition_available = "topic partition", config = "", topic_config = "topic?",
        fatal_error = "", test_fatal_error = "error_name reason",
        init_transactions = "timeout?", begin_transaction = "", commit_transaction = "timeout?", abort_transaction = "timeout?",
        send_offsets_to_transaction = "offsets group timeout?", transaction = "fn transaction_options?",
        metadata = "question?", refresh_metadata = "topic? timeout?", cluster_id = "timeout?", controller_id = "timeout?",
        watermarks = "topic partition timeout?", cached_watermarks = "topic partition",
        offsets_for_times = "times timeout?", groups = "group_question?",
        dump = "", add_brokers = "brokers", set_log_level = "log_level", set_sasl_credentials = "user password", stats = "",
    },
    Consumer = {
        receive = "", poll = "timeout?", poll_batch = "batch_size timeout?", receive_batch = "batch_size timeout?",
        messages = "loop_options?", close = "timeout?", closed = "", name = "", last_error = "", pollfd = "", events = "", timeout = "",
        partition_count = "topic", partition_available = "topic partition", config = "", topic_config = "topic?",
        fatal_error = "", test_fatal_error = "error_name reason", group_metadata = "",
        subscribe = "subscription", unsubscribe = "", subscription = "", assignment = "", assignment_lost = "",
        rebalance_protocol = "", member_id = "", assign = "partition_list", unassign = "", incremental_assign = "partition_list",
        incremental_unassign = "partition_list", seek = "topic partition offset", pause = "partition_list?",
        resume = "partition_list?", position = "partition_list?", committed = "partition_list? timeout?", lag = "",
        commit = "offset_list? timeout?", commit_async = "offset_list? callback?", store = "offset_list",
        partition_queue = "topic whole_partition",
        queue = "", consume_stop = "topic whole_partition", consume_one = "topic whole_partition timeout?",
        metadata = "question?", refresh_metadata = "topic? timeout?", cluster_id = "timeout?", controller_id = "timeout?",
        watermarks = "topic partition timeout?", cached_watermarks = "topic partition",
        offsets_for_times = "times timeout?", groups = "group_question?",
        dump = "", add_brokers = "brokers", set_log_level = "log_level", set_sasl_credentials = "user password", stats = "",
    },
    -- Of a client that reads simply: that of a group's member refuses the call itself.
    Simple = {
        queue = "", consume_start = "topic whole_partition place", consume_stop = "topic whole_partition",
        consume_one = "topic whole_partition timeout?", consume_batch = "topic whole_partition timeout fetch_size callback?",
        consume_callback = "topic whole_partition timeout callback",
    },
    Queue = {
        poll = "timeout?", poll_batch = "batch_size timeout?", messages = "loop_options?", each = "callback",
        closed = "", pollfd = "", events = "", timeout = "",
    },
    Reader = { next = "", each = "callback", next_request = "", close = "timeout?", closed = "" },
    Session = {
        producer = "client_options?", consumer = "client_options?", read = "window", set = "property setting", set_topic = "topic_property topic_setting",
        config = "", topic_config = "", close = "timeout?", closed = "",
    },
    Mock = {
        bootstrap_servers = "", create_topic = "new_topic count replicas?", broker_down = "broker", broker_up = "broker",
        add_broker = "broker", remove_broker = "broker", set_rtt = "broker milliseconds", set_rack = "broker rack",
        set_leader = "topic mock_partition broker_or_none",
        set_follower = "topic mock_partition broker_or_none",
        set_coordinator = "coordinator name broker", push_errors = "api errors broker?", clear_errors = "api",
        set_topic_error = "topic error_name?", set_group_delay = "milliseconds", requests = "", close = "",
    },
}

signatures.classes.Partitioned = signatures.classes.Producer

--- {{kind=, optional=}…} of a method, or nil when it is not listed.
function signatures.of(class, method)
    local text = (signatures.classes[class] or {})[method]
    if not text then return nil end
    local list = {}
    for word, mark in text:gmatch "([%w_]+)(%??)" do
        local kind = assert(signatures.kinds[word], word)
        list[#list + 1] = { kind = kind, optional = mark == "?", word = word }
    end
    return list
end

return signatures
