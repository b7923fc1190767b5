-- partition_queue: a queue of its own for an assigned partition.
local h = require "spec.helper"
local loop = require "spec.input.loop"
local kafka = h.kafka

describe("The queue of an assigned partition", function()
    local mock, topic, group
    before_each(function()
        topic, group = h.topic(), h.topic "group"
        mock = h.mock { topics = { [topic] = 3 } }
        mock:set_group_delay(0)
        local items = {}
        for i = 0, 89 do items[i + 1] = { value = tostring(i), partition = i % 3 } end
        h.fill(mock:bootstrap_servers(), topic, items)
    end)
    after_each(h.cleanup)

    local function member(conf)
        local all = {
            ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = group, topics = { topic },
            ["auto.offset.reset"] = "earliest", ["fetch.wait.max.ms"] = 10,
        }
        if not conf["group.protocol"] then all["session.timeout.ms"], all["heartbeat.interval.ms"] = 1000, 100 end
        for key, value in pairs(conf) do all[key] = value end
        return h.track(kafka.consumer(all))
    end

    local function outsider()
        return h.track(kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = group })
    end

    -- A member with queues for the partitions `wanted` says, all by default. → consumer, queues by partition.
    local function split(conf, wanted)
        local queues = {}
        conf = conf or {}
        conf.on_assign = conf.on_assign or function(consumer, list)
            for _, place in ipairs(list) do
                if not wanted or wanted(place.partition) then
                    queues[place.partition] = consumer:partition_queue(place.topic, place.partition)
                end
            end
        end
        return member(conf), queues
    end

    local function assigned(consumer, count)
        h.wait_until(function()
            assert.is_nil(consumer:poll(10))
            return #consumer:assignment() == (count or 3)
        end, 15)
    end

    -- The next message of a queue, while its consumer is polled.
    local function next_of(consumer, queue)
        return h.wait_until(function()
            consumer:poll(0)
            return (queue:poll(100))
        end, 15, "a message")
    end

    for _, way in ipairs { { "range" }, { "cooperative-sticky" }, { "KIP-848", "consumer" } } do
        it("has that partition's messages alone, in order, by " .. way[1], function()
            local conf = way[2] and { ["group.protocol"] = way[2] } or { ["partition.assignment.strategy"] = way[1] }
            local consumer, queues = split(conf, function(partition) return partition ~= 2 end)
            local at, count = { [0] = 0, 0, 0 }, 0
            local function see(message)
                if not message then return end
                assert.equal(at[message.partition], message.offset)
                at[message.partition], count = message.offset + 1, count + 1
            end
            h.wait_until(function()
                local message = consumer:poll(10)
                assert.is_true(not message or message.partition == 2)
                see(message)
                for partition, queue in pairs(queues) do
                    for _, one in ipairs(assert(queue:poll_batch(7, 0))) do
                        assert.equal(partition, one.partition)
                        see(one)
                    end
                end
                return count == 90
            end, 20)
            assert.is_nil(queues[0]:poll(50))
            assert(consumer:close())
        end)
    end

    it("is asked for in on_assign only, for partitions it was told of", function()
        local call = h.chunk("local c, topic, p = ...\nlocal queue = c:partition_queue(topic, p)\nreturn queue")
        local told
        local consumer = split { on_assign = function(c) told = h.error_of(call, c, topic, 7) end }
        assert.equal("user.lua:2: partition_queue: only on_assign can ask for the queue of a partition, before messages of it come; "
            .. "call it there", h.error_of(call, consumer, topic, 0))
        h.wait_until(function() return consumer:poll(100) end, 15)
        assert.equal(("user.lua:2: partition_queue: %s [7] is not among the partitions on_assign was told of; ask for one of those")
            :format(topic), told)
        assert.matches("only on_assign", h.error_of(call, consumer, topic, 0))
        local manual
        local acking = member { ack = "manual", on_assign = function(c) manual = h.error_of(call, c, topic, 0) end, ["group.id"] = "other" }
        h.wait_until(function() return acking:poll(100) end, 15)
        assert.matches("leave out ack=\"manual\"", manual)
    end)

    it("is done with a message when the next one is asked for, or by a commit or close", function()
        local consumer, queues = split()
        assigned(consumer)
        for _ = 1, 4 do next_of(consumer, queues[0]) end
        next_of(consumer, queues[1])
        assert(consumer:commit())
        for _ = 1, 3 do next_of(consumer, queues[0]) end
        next_of(consumer, queues[2]):commit()
        local function committed(c)
            local found = {}
            for _, place in ipairs(assert(c:committed { [topic] = { 0, 1, 2 } })) do found[place.partition + 1] = place.offset end
            return found
        end
        assert.same({ 4, 1, 1 }, committed(consumer))
        assert(consumer:close())
        assert.same({ 7, 1, 1 }, committed(outsider()))
    end)

    it("is done with its last message when the partition is sought", function()
        local consumer, queues = split()
        assigned(consumer)
        for _ = 1, 3 do next_of(consumer, queues[0]) end
        assert(consumer:seek(topic, 0, 10))
        assert(consumer:close())
        assert.equal(3, assert(outsider():committed { topic .. ":0" })[1].offset)
    end)

    it("stores nothing from a cancelled message on", function()
        local consumer, queues = split()
        assigned(consumer)
        local count = 0
        for message in queues[0]:messages { timeout = 10000 } do
            count = count + 1
            if message.offset == 5 then message:cancel() end
        end
        assert.equal(6, count)
        next_of(consumer, queues[0])
        assert(consumer:close())
        assert.equal(5, assert(outsider():committed { topic .. ":0" })[1].offset)
    end)

    it("dies with its assignment, and the partition then comes from the consumer", function()
        local wanted = true
        local consumer, queues = split({}, function() return wanted end)
        assigned(consumer)
        next_of(consumer, queues[0])
        local old = queues[0]
        consumer:unsubscribe()
        h.wait_until(function()
            consumer:poll(10)
            return old:closed()
        end, 15)
        local message, err = old:poll(0)
        assert.is_nil(message)
        assert.equal("_DESTROY", err.name)
        assert.equal(("this queue ended with the assignment of %s [0]; on_assign may ask for a new one"):format(topic), err.message)
        assert.is_true(loop.readable(old:pollfd(), 0))
        for _ in old:messages() do error "nothing is left" end
        wanted = false
        consumer:subscribe { topic }
        local seen = {}
        h.wait_until(function()
            local one = consumer:poll(100)
            if one then seen[one.partition] = true end
            return seen[0] and seen[1] and seen[2]
        end, 20)
        -- And by an assign of the program's own, which stops and starts at once.
        assert(consumer:assign { { topic = topic, partition = 0, offset = 3 } })
        h.wait_until(function() return consumer:poll(100) end, 15)
        wanted = true
        consumer:unassign()
        consumer:unsubscribe()
        consumer:subscribe { topic }
        h.wait_until(function()
            consumer:poll(10)
            return queues[0] ~= old
        end, 15)
        assert.is_not_nil(next_of(consumer, queues[0]))
    end)

    it("ends in an assign of the program's own, whose messages come from the consumer", function()
        local consumer, queues = split()
        assigned(consumer)
        next_of(consumer, queues[0])
        assert(consumer:assign { { topic = topic, partition = 0, offset = 9 } })
        assert.is_true(queues[0]:closed())
        assert.equal(9, h.wait_until(function() return consumer:poll(100) end, 15).offset)
    end)

    it("gives its partition back to the consumer when nobody keeps it", function()
        local consumer, queues = split()
        assigned(consumer)
        local before = next_of(consumer, queues[1])
        queues[1] = nil
        collectgarbage()
        collectgarbage()
        local message = h.wait_until(function() return consumer:poll(100) end, 15)
        assert.equal(1, message.partition)
        assert.equal(before.offset + 1, message.offset)
    end)

    it("is refused for what on_assign does not take, and holds when on_assign raises", function()
        local given
        local consumer = split {
            on_assign = function(c)
                given = c:partition_queue(topic, 1)
                return { topic .. ":0" }
            end,
        }
        h.wait_until(function() return consumer:poll(100) end, 15)
        assert.is_true(given:closed())
        assert(consumer:close())
        local kept
        local raising = split {
            on_assign = function(c)
                kept = c:partition_queue(topic, 1)
                error("mine", 0)
            end,
        }
        local ok, err
        h.wait_until(function()
            ok, err = pcall(raising.poll, raising, 100)
            return not ok
        end, 15)
        assert.equal("mine", err)
        assert.equal(1, next_of(raising, kept).partition)
    end)

    it("can be sought and paused through the consumer, and commits by messages that came after", function()
        local consumer, queues = split()
        assigned(consumer)
        next_of(consumer, queues[0])
        assert(consumer:seek(topic, 0, 20))
        local message = next_of(consumer, queues[0])
        assert.equal(20, message.offset)
        assert.is_true(message:commit())
        assert(consumer:pause { topic .. ":0" })
        assert.is_nil(queues[0]:poll(100))
        assert(consumer:resume { topic .. ":0" })
        assert.equal(21, next_of(consumer, queues[0]).offset)
    end)

    it("has a descriptor of its own, and waits through the replaced wait", function()
        local consumer, queues = split()
        assigned(consumer)
        local queue = queues[2]
        local fd, count = queue:pollfd(), 0
        while count < 30 do
            assert.is_true(loop.readable(fd, 10000))
            if queue:poll(0) then count = count + 1 end
        end
        h.wait_until(function()
            queue:poll(0)
            return not loop.readable(fd, 100)
        end)
        local waits = 0
        kafka.wrap(consumer, function(waiting, ms)
            assert.equal(queue, waiting)
            waits = waits + 1
            loop.readable(fd, ms)
        end)
        assert.is_nil(queue:poll(100))
        assert.is_true(waits > 0)
        kafka.wrap(consumer, nil)
    end)

    it("raises once its consumer is closed, and is collected in any order", function()
        local consumer, queues = split()
        assigned(consumer)
        next_of(consumer, queues[0])
        assert(consumer:close())
        assert.matches("a queue of a closed kafka%.Consumer", h.error_of(queues[0].poll, queues[0], 0))
        for round = 1, 3 do
            local one, own = split()
            assigned(one)
            next_of(one, own[0])
            if round == 1 then getmetatable(own[0]).__gc(own[0]) end
            if round == 2 then getmetatable(one).__gc(one) end
            one = nil -- luacheck: ignore
            collectgarbage()
        end
    end)
end)
