-- Callbacks of rebalances: when they run, what they may do, and that nothing they do leaves a group waiting.
local h = require "spec.helper"
local kafka = h.kafka

describe("a rebalance", function()
    local mock
    before_each(function()
        mock = h.mock { topics = { t = 4 } }
        local values = {}
        for i = 0, 39 do values[i + 1] = { value = tostring(i), partition = i % 4 } end
        h.fill(mock:bootstrap_servers(), "t", values)
    end)
    after_each(h.cleanup)

    local function consumer(conf)
        conf["bootstrap.servers"], conf["group.id"] = mock:bootstrap_servers(), conf["group.id"] or "g"
        conf["auto.offset.reset"] = "earliest"
        if not conf["group.protocol"] then
            -- The mock waits that long for members that have left.
            conf["session.timeout.ms"] = conf["session.timeout.ms"] or 1000
            conf["heartbeat.interval.ms"] = 100
        end
        conf.topics = conf.topics or { "t" }
        return h.track(kafka.consumer(conf))
    end

    local function next_of(c)
        return h.wait_until(function() return c:poll(100) end, 15, "a message")
    end

    local function places(list)
        local found = {}
        for _, entry in ipairs(list) do found[#found + 1] = entry.topic .. ":" .. entry.partition end
        table.sort(found)
        return table.concat(found, " ")
    end

    it("runs on_assign before the first message and on_revoke in close, which may commit", function()
        local told = {}
        local c
        c = consumer {
            on_assign = function(who, list)
                assert(who == c)
                told[#told + 1] = "assign " .. places(list) .. " " .. #who:assignment()
            end,
            on_revoke = function(who, list)
                told[#told + 1] = "revoke " .. places(list) .. " " .. tostring(who:commit())
            end,
        }
        next_of(c)
        assert.same({ "assign t:0 t:1 t:2 t:3 0" }, told)
        assert.equal("t:0 t:1 t:2 t:3", places(c:assignment()))
        assert(c:close())
        assert.equal("revoke t:0 t:1 t:2 t:3 true", told[2])
        assert.equal(2, #told)
    end)

    for _, strategy in ipairs { "range", "roundrobin", "cooperative-sticky" } do
        it("by " .. strategy .. " balances what is assigned and revoked, and loses nothing", function()
            local owned, seen, count = {}, {}, 0
            local function member(name)
                owned[name] = {}
                return consumer {
                    ["partition.assignment.strategy"] = strategy,
                    on_assign = function(_, list)
                        for _, p in ipairs(list) do
                            for other, has in pairs(owned) do assert(not has[p.partition], other .. " still has it") end
                            owned[name][p.partition] = true
                        end
                    end,
                    on_revoke = function(_, list)
                        for _, p in ipairs(list) do
                            assert(owned[name][p.partition], "revoked without an assign")
                            owned[name][p.partition] = nil
                        end
                    end,
                }
            end
            local function size(name)
                local n = 0
                for _ in pairs(owned[name]) do n = n + 1 end
                return n
            end
            local function note(message)
                if message and not seen[message.value] then seen[message.value], count = true, count + 1 end
            end
            local a = member "a"
            note(next_of(a))
            assert.equal(strategy == "cooperative-sticky" and "cooperative" or "eager", a:rebalance_protocol())
            local b = member "b"
            h.wait_until(function()
                note(a:poll(10))
                note(b:poll(10))
                return size "a" == 2 and size "b" == 2
            end, 20, "two partitions for each")
            assert(b:close())
            h.wait_until(function()
                note(a:poll(10))
                return size "a" == 4 and count == 40
            end, 20, "all partitions and messages for the one that stayed")
            assert.equal(0, size "b")
            assert(a:close())
            assert.equal(0, size "a")
        end)
    end

    it("by group.protocol=consumer runs the same callbacks", function()
        local assigned, revoked = {}, {}
        local c = consumer {
            ["group.protocol"] = "consumer",
            on_assign = function(_, list) for _, p in ipairs(list) do assigned[p.partition] = true end end,
            on_revoke = function(_, list) for _, p in ipairs(list) do revoked[p.partition] = true end end,
        }
        for _ = 1, 40 do next_of(c) end
        assert(c:close())
        assert.same({ [0] = true, true, true, true }, assigned)
        assert.same(assigned, revoked)
    end)

    it("begins where on_assign seeks, and paused where it pauses", function()
        local c = consumer {
            on_assign = function(c, list)
                for _, p in ipairs(list) do
                    if p.partition < 2 then assert(c:seek("t", p.partition, 8)) else assert(c:pause { p }) end
                end
            end,
        }
        for _ = 1, 4 do
            local message = next_of(c)
            assert.is_true(message.partition < 2 and message.offset >= 8)
        end
        assert.is_nil(c:poll(200))
        assert(c:resume())
        for _ = 1, 20 do assert.is_true(next_of(c).partition >= 2) end
    end)

    for _, conf in ipairs { {}, { ["partition.assignment.strategy"] = "cooperative-sticky" }, { ["group.protocol"] = "consumer" } } do
        it("begins where on_assign commits, and the group knows at once: " .. (select(2, next(conf)) or "range"), function()
            local told
            conf.on_assign = function(c, list)
                if told then return end
                assert(c:commit { { topic = "t", partition = 0, offset = 7, metadata = "moved" }, { topic = "t", partition = 3, offset = 9 } })
                local known = assert(c:committed(list))
                told = {}
                for _, place in ipairs(known) do told[place.partition] = { place.offset, place.metadata } end
            end
            local c = consumer(conf)
            local seen = 0
            while seen < 24 do
                local message = next_of(c)
                assert.is_true(message.offset >= (message.partition == 0 and 7 or message.partition == 3 and 9 or 0))
                seen = seen + 1
            end
            assert.same({ { 7, "moved" }, { 9 } }, { told[0], told[3] })
            assert.is_nil(told[1][1])
            local other = h.track(kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g" })
            local known = assert(other:committed { "t:0", "t:3" })
            assert.same({ 7, 9 }, { known[1].offset, known[2].offset })
        end)
    end

    it("assigns the list that on_assign returns", function()
        local c = consumer { on_assign = function() return { { topic = "t", partition = 3, offset = "latest" } } end }
        h.wait_until(function()
            assert.is_nil(c:poll(20))
            return #c:assignment() == 1
        end)
        assert.equal("t:3", places(c:assignment()))
        assert(c:close())
    end)

    it("revokes what is left of a list that on_assign or the program made smaller", function()
        local c = consumer {
            ["partition.assignment.strategy"] = "cooperative-sticky",
            on_assign = function() return { "t:1", "t:2" } end, on_revoke = function() end,
        }
        h.wait_until(function()
            c:poll(20)
            return places(c:assignment()) == "t:1 t:2"
        end)
        assert(c:incremental_unassign { "t:1" })
        assert(c:unsubscribe())
        h.wait_until(function()
            local _, err = c:poll(20)
            assert.is_nil(err)
            return #c:assignment() == 0
        end)
        assert.is_nil(c:last_error())
    end)

    it("finishes what it has to do when a callback raises, whose error comes out once", function()
        local first, second = { "first" }, { "second" }
        local c = consumer {
            on_assign = function() error(first) end, on_revoke = function() error(second) end,
        }
        local raised
        h.wait_until(function()
            local ok, err = pcall(c.poll, c, 50)
            if not ok then raised = err end
            return raised
        end)
        assert.equal(first, raised)
        for _ = 1, 40 do next_of(c) end
        assert.equal(second, h.error_of(c.close, c))
        assert.is_true(c:closed())
    end)

    -- Red when librdkafka is left without an answer: it fetches nothing any more then.
    it("tells of a list that librdkafka refuses, assigns what it was to assign, and goes on", function()
        local times = 0
        local c = consumer {
            ["partition.assignment.strategy"] = "cooperative-sticky", ["session.timeout.ms"] = 4000,
            ["topic.metadata.refresh.interval.ms"] = 200,
            on_assign = function(_, list)
                if #list == 0 then return end
                times = times + 1
                if times == 2 then return { "t:0" } end
            end,
        }
        h.wait_until(function() return c:poll(20) == nil and #c:assignment() == 4 end)
        mock:create_topic("u", 1)
        assert(c:subscribe { "t", "u" })
        local err
        h.wait_until(function()
            err = select(2, c:poll(20))
            return err and err.name == "_CONFLICT"
        end)
        assert.truthy(err.message:find("t [0]", 1, true), err.message)
        h.wait_until(function() return c:poll(20) == nil and #c:assignment() == 5 end)
        h.fill(mock:bootstrap_servers(), "t", { { value = "later", partition = 0 } })
        h.wait_until(function()
            local message = c:poll(50)
            return message and message.value == "later"
        end)
    end)

    it("raises for a list that cannot be assigned, and assigns what it was to assign", function()
        local c = consumer { on_assign = function() return { true } end }
        local raised
        h.wait_until(function()
            local ok, err = pcall(c.poll, c, 50)
            raised = raised or not ok and err
            return raised
        end)
        assert.truthy(raised:find("on_assign returned", 1, true), raised)
        next_of(c)
        assert.equal(4, #c:assignment())
    end)

    it("hands out nothing while a callback of it is still under way in another coroutine", function()
        local c = consumer { on_assign = function() coroutine.yield "assigning" end }
        local co = coroutine.create(function() return next_of(c) end)
        local ok, what = coroutine.resume(co)
        assert.same({ true, "assigning" }, { ok, what })
        assert.is_nil(c:poll(300))
        assert.same({}, c:assignment())
        local _, message = coroutine.resume(co)
        assert.equal("t", message.topic)
        assert.equal(4, #c:assignment())
    end)

    it("lets a callback close the consumer, collect garbage and call itself", function()
        local nested = 0
        local c
        c = consumer {
            on_assign = function()
                collectgarbage()
                nested = nested + 1
                assert(c:poll(0) == nil)
                c:close(500)
            end,
            on_revoke = function() nested = nested + 10 end,
        }
        h.wait_until(function()
            local ok, err = pcall(c.poll, c, 50)
            return c:closed() or not ok and error(err, 0)
        end)
        assert.equal(1, nested)
    end)

    -- Turns red when the group is answered before on_lost has run, or by anything but a call that serves.
    it("that takes partitions without asking is known as a loss until it is served: in on_lost, and to a program without", function()
        local told, c = {}, nil
        local function tell(kind)
            return function(who) told[#told + 1] = kind .. " " .. tostring(who:assignment_lost()) end
        end
        local function lose(conf)
            c = consumer(conf)
            next_of(c)
            assert.is_false(c:assignment_lost())
            mock:push_errors("Heartbeat", { "UNKNOWN_MEMBER_ID" })
            h.wait_until(function() return c:assignment_lost() end, 10, "the loss")
            assert.equal(4, #c:assignment())
            h.wait_until(function()
                c:poll(20)
                return not c:assignment_lost()
            end, 10, "the loss to be served")
            next_of(c)
            assert.is_false(c:assignment_lost())
            assert(c:close()) -- its heartbeats would take the next one's error
        end
        lose { on_lost = tell "lost", on_revoke = tell "revoke" }
        assert.same({ "lost true", "revoke false" }, told)
        lose { ["group.id"] = "without" }
        lose { ["group.id"] = "cooperative", ["partition.assignment.strategy"] = "cooperative-sticky" }
    end)

    -- Turns red when a loss is told as a revoke, or twice.
    it("that comes because the coordinator is away for longer than the session is a loss; it is over when that is back", function()
        local two = h.mock { brokers = 2, topics = { u = 2 } }
        for partition = 0, 1 do two:set_leader("u", partition, 1) end
        two:set_coordinator("group", "away", 2)
        local told, owned = {}, 0
        local c = h.reader(two, {
            ["group.id"] = "away", topics = { "u" }, ["session.timeout.ms"] = 2000, ["heartbeat.interval.ms"] = 100,
            on_assign = function(_, list)
                assert.equal(0, owned)
                told[#told + 1], owned = "assign", owned + #list
            end,
            on_lost = function(who, list)
                assert.equal(#list, owned)
                told[#told + 1], owned = "lost " .. tostring(who:assignment_lost()), owned - #list
            end,
            on_revoke = function(_, list) told[#told + 1], owned = "revoke", owned - #list end,
        })
        h.fill(two:bootstrap_servers(), "u", { { value = "a", partition = 0 } })
        assert.equal("a", h.next_message(c).value)
        two:broker_down(2)
        h.wait_until(function()
            assert.is_nil((c:poll(50)))
            return told[2]
        end, 30, "the loss")
        assert.equal(0, owned)
        assert.same({}, c:assignment())
        two:broker_up(2)
        h.fill(two:bootstrap_servers(), "u", { { value = "b", partition = 0 } })
        local message = h.wait_until(function()
            local message = c:poll(50)
            return message and message.value == "b" and message
        end, 30, "the next message")
        assert.equal(0, message.partition)
        assert.same({ { "assign", "lost true", "assign" }, 2 }, { told, owned })
        assert(c:close())
        assert.same({ "revoke", 0 }, { told[4], owned })
    end)

    it("tells on_revoke of lost partitions when there is no on_lost", function()
        local revoked, assigned = 0, 0
        local c = consumer {
            on_assign = function() assigned = assigned + 1 end, on_revoke = function(_, list) revoked = revoked + #list end,
        }
        next_of(c)
        mock:push_errors("Heartbeat", { "UNKNOWN_MEMBER_ID" })
        h.wait_until(function()
            c:poll(20)
            return assigned == 2
        end, 20, "a second assignment")
        assert.equal(4, revoked)
    end)

    -- That it keeps its partitions while it is away is shown on Kafka, in spec/integration/static_member_spec.lua.
    it("knows a static member by its name", function()
        local static = consumer { ["group.instance.id"] = "one", ["group.id"] = "static" }
        next_of(static)
        assert.equal("one", static:group_metadata().group_instance_id)
        assert.is_string(static:member_id())
    end)

    it("follows a changed subscription, by name and by pattern", function()
        mock:create_topic("audit-1", 1)
        h.fill(mock:bootstrap_servers(), "audit-1", { "a" })
        local c = consumer { ["topic.metadata.refresh.interval.ms"] = 500 }
        next_of(c)
        assert.same({ "t" }, c:subscription())
        assert(c:subscribe { "^audit-.*" })
        assert.same({ "^audit-.*" }, c:subscription())
        h.wait_until(function()
            local message = c:poll(50)
            return message and message.topic == "audit-1"
        end, 15, "the message of the other topic")
        assert.is_false(c:assignment_lost())
    end)
end)
