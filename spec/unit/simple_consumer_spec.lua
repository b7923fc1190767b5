-- Reading partitions without a group: consume_start and its kin, and queues that merge partitions.
local h = require "spec.helper"
local loop = require "spec.input.loop"
local kafka = h.kafka

local function simple(mock, conf)
    local all = { ["bootstrap.servers"] = mock:bootstrap_servers(), ["fetch.wait.max.ms"] = 10, ["enable.partition.eof"] = false }
    for key, value in pairs(conf or {}) do all[key] = value end
    return h.track(kafka.consumer(all))
end

local function numbered(count, prefix)
    local list = {}
    for i = 1, count do list[i] = (prefix or "m") .. i end
    return list
end

local function fill(mock, topic, partition, values)
    local items = {}
    for i, value in ipairs(values) do items[i] = { value = value, partition = partition } end
    h.fill(mock:bootstrap_servers(), topic, items)
end

-- What `poll` gives until `count` messages came.
local function gather(count, poll)
    local found, deadline = {}, h.now() + 15
    while #found < count and h.now() < deadline do
        local message, err = poll()
        if err then error(err) end
        if message then found[#found + 1] = message end
    end
    return found
end

local function values_of(messages)
    local values = {}
    for i, message in ipairs(messages) do values[i] = message.value end
    return values
end

describe("A simple consumer", function()
    after_each(h.cleanup)
    local mock, topic

    before_each(function()
        topic = h.topic()
        mock = h.mock { topics = { [topic] = 3 } }
    end)

    it("reads one partition from each kind of offset, without a group", function()
        fill(mock, topic, 1, numbered(5))
        local consumer = simple(mock)
        local function read(offset, count)
            assert.is_true(consumer:consume_start(topic, 1, offset))
            local found = values_of(gather(count, function() return consumer:consume_one(topic, 1, 1000) end))
            assert.is_true(consumer:consume_stop(topic, 1))
            return found
        end
        assert.same(numbered(5), read("earliest", 5))
        assert.same({ "m4", "m5" }, read(3, 2))
        assert.same({ "m3", "m4", "m5" }, read(-2000 - 3, 3))
        assert.is_true(consumer:consume_start(topic, 1, "latest"))
        assert.is_nil(consumer:consume_one(topic, 1, 200))
        local message
        h.wait_until(function()
            fill(mock, topic, 1, { "new" })
            message = consumer:consume_one(topic, 1, 500)
            return message
        end, 15)
        assert.equal("new", message.value)
        assert.equal(topic, message.topic)
        assert.equal(1, message.partition)
        assert.is_true(consumer:close())
    end)

    it("forgets what is local of a partition that is stopped", function()
        fill(mock, topic, 0, numbered(50, "a"))
        fill(mock, topic, 1, numbered(50, "b"))
        local consumer = simple(mock)
        local queue = consumer:queue()
        assert(consumer:consume_start(topic, 0, 0, queue))
        assert(consumer:consume_start(topic, 1, 0, queue))
        gather(4, function() return queue:poll(1000) end)
        assert.is_true(consumer:consume_stop(topic, 0))
        for message in queue:messages { timeout = 300 } do assert.equal(1, message.partition) end
        assert(consumer:consume_start(topic, 0, 48, queue))
        assert.same({ "a49", "a50" }, values_of(gather(2, function() return queue:poll(1000) end)))
    end)

    it("merges topics and partitions in a queue, each partition in its order", function()
        local other = h.topic()
        mock:create_topic(other, 1)
        for p = 0, 2 do fill(mock, topic, p, numbered(100, p .. "-")) end
        fill(mock, other, 0, numbered(100, "other-"))
        local consumer = simple(mock)
        local queue = consumer:queue()
        for p = 0, 2 do assert(consumer:consume_start(topic, p, "earliest", queue)) end
        assert(consumer:consume_start(other, 0, "earliest", queue))
        local at, count = {}, 0
        local deadline = h.now() + 15
        while count < 400 and h.now() < deadline do
            for _, message in ipairs(assert(queue:poll_batch(70, 1000))) do
                local place = message.topic .. message.partition
                assert.equal(at[place] or 0, message.offset)
                at[place], count = message.offset + 1, count + 1
            end
        end
        assert.equal(400, count)
        assert.is_nil(queue:poll(0))
        assert.same({}, queue:poll_batch(10, 0))
    end)

    it("gives batches, and calls functions one message after the other", function()
        fill(mock, topic, 0, numbered(30))
        local consumer = simple(mock)
        assert(consumer:consume_start(topic, 0, 0))
        local first = gather(1, function() return consumer:consume_one(topic, 0, 1000) end)
        assert.equal("m1", first[1].value)
        local batch = {}
        h.wait_until(function()
            for _, message in ipairs(assert(consumer:consume_batch(topic, 0, 1000, 9 - #batch))) do batch[#batch + 1] = message end
            return #batch == 9
        end)
        assert.equal("m10", batch[9].value)
        local seen = {}
        h.wait_until(function()
            assert(consumer:consume_batch(topic, 0, 1000, 15 - #seen, function(message) seen[#seen + 1] = message.value end))
            return #seen == 15
        end)
        assert.equal("m25", seen[15])
        h.wait_until(function()
            assert(consumer:consume_callback(topic, 0, 1000, function(message) seen[#seen + 1] = message.value end))
            return #seen == 20
        end)
        assert.equal("m30", seen[20])
        assert.equal(0, consumer:consume_callback(topic, 0, 0, function() end))
    end)

    it("lets a function raise, yield and close the client", function()
        fill(mock, topic, 0, numbered(30))
        local consumer = simple(mock)
        assert(consumer:consume_start(topic, 0, 0))
        local mine = {}
        local ok, err = pcall(consumer.consume_callback, consumer, topic, 0, 10000, function() error(mine) end)
        assert.is_false(ok)
        assert.equal(mine, err)
        local co = coroutine.create(function()
            return consumer:consume_batch(topic, 0, 10000, 1, function(message) coroutine.yield(message.value) end)
        end)
        assert.same({ true, "m2" }, { coroutine.resume(co) })
        assert.same({ true, 1 }, { coroutine.resume(co) })
        local last
        assert.equal(1, consumer:consume_callback(topic, 0, 10000, function(message)
            last = message
            consumer:close()
        end))
        assert.equal("m3", last.value)
        assert.is_true(consumer:closed())
    end)

    it("tells what is misused, with the cure, at the caller's line", function()
        local consumer = simple(mock)
        local function refused(text, ...)
            local err = h.error_of(...)
            assert.matches(text, err)
            assert.matches("^user.lua:1: ", err)
        end
        local call = h.chunk("local c, method = ...; c[method](c, select(3, ...))")
        refused("is not started; call consume_start first", call, consumer, "consume_one", topic, 0, 0)
        refused("is not started", call, consumer, "consume_stop", topic, 0)
        assert(consumer:consume_start(topic, 0, 0))
        refused("is started already; consume_stop comes first", call, consumer, "consume_start", topic, 0, 0)
        refused("an offset expected", call, consumer, "consume_start", topic, 1, "soon")
        refused("set group%.id", call, consumer, "consume_start", topic, 1, "stored")
        refused("kafka%.Queue expected", call, consumer, "consume_start", topic, 1, 0, {})
        local other = simple(mock)
        refused("another's", call, consumer, "consume_start", topic, 1, 0, other:queue())
        local queue = consumer:queue()
        assert(consumer:consume_start(topic, 2, 0, queue))
        refused("leads to a queue; read that", call, consumer, "consume_one", topic, 2, 0)
        refused("no group%.id", call, consumer, "poll", 0)
        -- Turn red when librdkafka is asked, whose answer is a bare _UNKNOWN_GROUP.
        for _, method in ipairs { "assignment", "subscription" } do
            refused("no group%.id, so it can only read partitions with consume_start .*; set group%.id to subscribe or assign",
                call, consumer, method)
        end
    end)

    -- Turns red when the two count as a member's calls: consume_start would be refused.
    it("with a group.id may ask what is assigned without becoming the group's member", function()
        local consumer = simple(mock, { ["group.id"] = "asks" })
        assert.same({ {}, {} }, { consumer:assignment(), consumer:subscription() })
        assert(consumer:consume_start(topic, 0, 0))
        assert.same({ {}, {} }, { consumer:assignment(), consumer:subscription() })
    end)

    it("is one kind of consumer or the other, as its first call decides", function()
        mock:set_group_delay(0)
        local conf = { ["group.id"] = "kinds" }
        local member = simple(mock, { ["group.id"] = "kinds", topics = { topic } })
        assert.matches("takes part in a group .* make another consumer", h.error_of(member.queue, member))
        local polled = simple(mock, conf)
        polled:poll(0)
        assert.matches("takes part in a group", h.error_of(polled.consume_start, polled, topic, 0, 0))
        local reader = simple(mock, conf)
        reader:queue()
        assert.matches("reads partitions with consume_start", h.error_of(reader.poll, reader, 0))
        assert.matches("make another consumer", h.error_of(reader.messages, reader))
    end)

    it("commits what it stores, and goes on from there", function()
        fill(mock, topic, 0, numbered(10))
        local conf = { ["group.id"] = h.topic "group", ["auto.offset.reset"] = "earliest" }
        local consumer = simple(mock, conf)
        assert(consumer:consume_start(topic, 0, "stored"))
        assert.same(numbered(4), values_of(gather(4, function() return consumer:consume_one(topic, 0, 1000) end)))
        assert.is_true(consumer:consume_stop(topic, 0))
        assert.is_true(consumer:close())
        local again = simple(mock, conf)
        assert(again:consume_start(topic, 0, "stored"))
        assert.equal("m5", gather(1, function() return again:consume_one(topic, 0, 1000) end)[1].value)
    end)

    it("hears of events although it never runs dry", function()
        fill(mock, topic, 0, numbered(2000))
        local stats = 0
        local consumer = simple(mock, { ["statistics.interval.ms"] = 50, on_stats = function() stats = stats + 1 end })
        assert(consumer:consume_start(topic, 0, 0))
        gather(1, function() return consumer:consume_one(topic, 0, 1000) end)
        local deadline = h.now() + 15
        local count = 1
        while stats < 3 and count < 2000 and h.now() < deadline do
            if consumer:consume_one(topic, 0, 1000) then count = count + 1 end
            h.sleep(0.002)
        end
        assert.is_true(stats >= 3)
        assert.is_true(count < 2000)
    end)

    it("has a queue whose descriptor is readable exactly while messages wait", function()
        local consumer = simple(mock)
        local queue = consumer:queue()
        assert(consumer:consume_start(topic, 0, 0, queue))
        assert.equal("r", queue:events())
        assert.is_nil(queue:timeout())
        local fd = queue:pollfd()
        -- What connecting had to tell.
        h.wait_until(function()
            queue:poll(0)
            return not loop.readable(fd, 200)
        end)
        fill(mock, topic, 0, numbered(3))
        assert.is_true(loop.readable(fd, 10000))
        local found = gather(3, function()
            assert.is_true(loop.readable(fd, 10000))
            return queue:poll(0)
        end)
        assert.equal(3, #found)
        h.wait_until(function()
            queue:poll(0)
            return not loop.readable(fd, 200)
        end)
        consumer:close()
        assert.is_true(loop.readable(fd, 5000))
    end)

    it("waits for a queue through the client's own replaced wait", function()
        local consumer = simple(mock)
        local queue = consumer:queue()
        local waits = 0
        kafka.wrap(consumer, function(waiting, ms)
            assert.equal(queue, waiting)
            waits = waits + 1
            loop.readable(waiting:pollfd(), ms)
        end)
        assert(consumer:consume_start(topic, 0, 0, queue))
        assert.is_nil(queue:poll(300))
        fill(mock, topic, 0, { "late" })
        assert.equal("late", gather(1, function() return queue:poll(1000) end)[1].value)
        assert.is_true(waits > 0)
        assert.is_true(waits < 100)
        kafka.wrap(consumer, nil)
    end)

    it("has queues that outlive it and say so", function()
        local consumer = simple(mock)
        local queue = consumer:queue()
        assert(consumer:consume_start(topic, 0, 0, queue))
        local messages = queue:messages()
        assert.is_false(queue:closed())
        assert.matches("^kafka%.Queue: .*open", tostring(queue))
        consumer:close()
        assert.is_true(queue:closed())
        assert.matches("closed", tostring(queue))
        local poll = h.chunk("local q = ...\nq:poll(0)")
        assert.equal("user.lua:2: attempt to use a queue of a closed kafka.Consumer", h.error_of(poll, queue))
        assert.is_nil(messages())
        queue:pollfd()
    end)

    it("is collected with its queues in any order", function()
        fill(mock, topic, 0, numbered(100))
        for round = 1, 6 do
            local consumer = kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), exit_timeout = 500 }
            local queue = consumer:queue()
            consumer:queue() -- nobody keeps it
            assert(consumer:consume_start(topic, 0, 0, queue))
            assert(consumer:consume_start(topic, 1, 0))
            gather(5, function() return queue:poll(1000) end)
            if round % 3 == 0 then getmetatable(queue).__gc(queue) end
            if round % 3 == 1 then getmetatable(consumer).__gc(consumer) end
            collectgarbage()
        end
        collectgarbage()
        collectgarbage()
    end)

    it("closes in its deadline while no broker answers", function()
        fill(mock, topic, 0, numbered(10))
        local consumer = simple(mock, { ["group.id"] = h.topic "group" })
        assert(consumer:consume_start(topic, 0, 0))
        gather(3, function() return consumer:consume_one(topic, 0, 1000) end)
        mock:broker_down(1)
        local start = h.now()
        consumer:close(500)
        assert.is_true(h.now() - start < 1.5)
    end)

    it("says that the client was closed while it waited", function()
        local consumer
        consumer = simple(mock, { ["statistics.interval.ms"] = 50, on_stats = function() consumer:close(1000) end })
        assert(consumer:consume_start(topic, 0, 0))
        local message, err = consumer:consume_one(topic, 0, 10000)
        assert.is_nil(message)
        assert.equal("_DESTROY", err.name)
    end)

    it("returns what is wrong with a partition, with its place", function()
        local consumer = simple(mock)
        assert(consumer:consume_start(topic, 7, 0))
        local err
        h.wait_until(function()
            local _, wrong = consumer:consume_one(topic, 7, 1000)
            err = wrong
            return err
        end)
        assert.equal("_UNKNOWN_PARTITION", err.name)
        assert.truthy(err.message:find(topic .. " [7]", 1, true), err.message)
        for _ = 1, 3 do assert.is_nil(select(2, consumer:consume_one(topic, 7, 500))) end -- once
    end)

    -- Red without a look of our own: librdkafka says nothing of a partition that is started once the topic is known.
    for name, read in pairs {
        consume_one = function(consumer) return consumer:consume_one(topic, 7, 200) end,
        ["a queue"] = function(_, queue) return queue:poll(200) end,
    } do
        it("tells of a missing partition of a topic that it reads already, by " .. name, function()
            local consumer = simple(mock)
            fill(mock, topic, 0, { "here" })
            local queue = name == "a queue" and consumer:queue() or nil
            assert(consumer:consume_start(topic, 0, 0, queue))
            h.wait_until(function()
                if queue then return queue:poll(200) end
                return consumer:consume_one(topic, 0, 200)
            end)
            assert(consumer:consume_start(topic, 7, 0, queue))
            local errors = {}
            h.wait_until(function()
                errors[#errors + 1] = select(2, read(consumer, queue))
                return #errors > 0
            end)
            assert.equal("_UNKNOWN_PARTITION", errors[1].name)
            assert.truthy(errors[1].message:find(topic .. " [7]: no such partition", 1, true), errors[1].message)
            for _ = 1, 3 do assert.is_nil(select(2, read(consumer, queue))) end
        end)
    end
end)
