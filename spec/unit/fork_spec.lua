-- fork with live clients, while another thread is in the middle of making and dropping some. Red when the child
-- touches what the parent's threads held (a lock: hangs), when it closes or drains what it shares with the parent
-- (messages missing, the parent's wake-up lost), or when its clients believe they are alive (no error). luaposix is
-- what forks; there is none for Lua 5.4.
if not pcall(require, "posix.unistd") then return end

local h = require "spec.helper"
local storm = require "spec.lifetime.fork_run"
local broker = require "spec.lifetime.broker"

local ROUNDS = h.is_jit and 500 or 100

describe("After fork", function()
    it(ROUNDS .. " children answer at once, exit, and may use clients of their own; the parent loses nothing", function()
        local story = storm(ROUNDS, 120)
        assert.is_nil(story.run.signal, story.run.err)
        assert.are.equal(0, story.run.status, story.run.err .. table.concat(story.faults, "\n"))
        assert.are.same({}, story.faults, story.run.err)
        assert.are.equal(ROUNDS, story.forks)
        assert.is_true(story.made > ROUNDS / 10, "the other thread made only " .. story.made .. " clients")
        assert.are.equal(ROUNDS * 10, story.sent)
        assert.are.equal(story.sent, story.received)
        assert.are.same({ messages = story.sent, distinct = story.sent }, story.count.parent)
        assert.are.same({ messages = story.own_clients, distinct = story.own_clients }, story.count.child)
    end)

    it("a child without clients of its own leaves at once and silently, whatever its parent has unflushed", function()
        local cluster = broker.start(1)
        local topic = cluster:topic("silent")
        local run = h.run([[
            local kafka = require "kafka"
            local unistd, wait = require "posix.unistd", require "posix.sys.wait"
            local brokers, topic = ...
            io.stdout:setvbuf "no"
            local producer = kafka.producer(brokers, { ["linger.ms"] = 30000 })
            producer:create_topic(topic)
            for i = 1, 1000 do assert(producer:send(topic, 0, i, "silent:" .. i) == 0) end
            for _, way in ipairs { "exit", "exit_close", "error" } do
                local pid = unistd.fork()
                if pid == 0 then
                    if way == "error" then
                        unistd.close(2)
                        error "the child goes"
                    end
                    os.exit(3, way == "exit_close")
                end
                print(select(2, wait.wait(pid)))
            end
        ]], { args = { cluster.servers, topic }, timeout = 20 })
        local count = cluster:count(topic).silent
        cluster:close()
        assert.are.equal("exited\t3\nexited\t3\nexited\t1\n", run.out)
        assert.are.equal("", run.err)
        assert.are.equal(0, run.status)
        -- Once: by the parent's exit, not by its children's as well.
        assert.are.same({ messages = 1000, distinct = 1000 }, count)
        assert.is_true(run.seconds < 5, run.seconds .. " s")
    end)

    -- Red (a line of the module's own) when the error's place is counted in calls.
    it("a child that was forked in a callback is told so at its own line", function()
        local run = h.run([[
            local kafka = require "kafka"
            local unistd, wait = require "posix.unistd", require "posix.sys.wait"
            local mock = kafka.mock_cluster { topics = { t = 1 } }
            for _, call in ipairs { "flush", "poll", "close" } do
                local pid
                local producer = kafka.producer(mock:bootstrap_servers(), { on_delivery = function() pid = unistd.fork() end })
                assert(producer:produce("t", "x"))
                local ok, err = pcall(function()
                    local done, why = producer[call](producer, 5000)
                    return done, why
                end)
                if pid == 0 then
                    io.stderr:write(tostring(ok), " ", tostring(err):match(":(%d+: _FORKED)"), "\n")
                    os.exit(0)
                end
                assert(pid)
                wait.wait(pid)
            end
        ]])
        assert.are.equal(("false 9: _FORKED\n"):rep(3), run.err)
        assert.are.equal(0, run.status)
    end)

    it("a grandchild's clients work, and its parent's do not", function()
        local cluster = broker.start(1)
        local topic = cluster:topic("grand")
        local run = h.run([[
            local kafka = require "kafka"
            local unistd, wait = require "posix.unistd", require "posix.sys.wait"
            local brokers, topic = ...
            io.stdout:setvbuf "no"
            local function generation(name)
                local producer = kafka.producer(brokers)
                producer:create_topic(topic)
                assert(producer:send(topic, 0, 1, name .. ":1") == 0)
                return producer
            end
            local first = generation "parent"
            local pid = unistd.fork()
            if pid == 0 then
                local second = generation "child"
                local inner = unistd.fork()
                if inner == 0 then
                    local third = generation "grandchild"
                    local a, b = select(2, first:flush(-1)), select(2, second:flush(-1))
                    print("grandchild", a.name, b.name, third:flush(5000))
                    os.exit(0)
                end
                wait.wait(inner)
                print("child", select(2, first:flush(-1)).name, second:flush(5000))
                os.exit(0)
            end
            wait.wait(pid)
            print("parent", first:flush(5000))
        ]], { args = { cluster.servers, topic }, timeout = 20 })
        local count = cluster:count(topic)
        cluster:close()
        assert.are.equal("grandchild\t_FORKED\t_FORKED\ttrue\nchild\t_FORKED\ttrue\nparent\ttrue\n", run.out)
        assert.are.equal("", run.err)
        for _, name in ipairs { "parent", "child", "grandchild" } do
            assert.are.same({ messages = 1, distinct = 1 }, count[name])
        end
    end)

    -- The system's resolver has locks of its own, which a thread of the parent's may hold at the fork. Red when the
    -- child goes on believing that somebody forks: it then resolves no name, where a numeric address needs none.
    it("a child resolves names although the parent's threads were resolving some", function()
        local cluster = broker.start(1)
        local topic = cluster:topic("named")
        local named = cluster.servers:gsub("127%.0%.0%.1", "localhost")
        local run = h.run([[
            local kafka = require "kafka"
            local unistd, wait = require "posix.unistd", require "posix.sys.wait"
            local brokers, topic, rounds = ...
            io.stdout:setvbuf "no"
            local restless = {}
            for i = 1, 4 do
                restless[i] = kafka.producer("localhost:1", { ["reconnect.backoff.ms"] = 0, ["reconnect.backoff.max.ms"] = 1,
                    ["broker.address.ttl"] = 0, ["broker.address.family"] = "v4" })
            end
            for round = 1, tonumber(rounds) do
                local pid = unistd.fork()
                if pid == 0 then
                    local own = kafka.producer(brokers, { ["linger.ms"] = 0, ["broker.address.family"] = "v4" })
                    own:create_topic(topic)
                    assert(own:send(topic, 0, 1, "child:" .. round) == 0)
                    os.exit(own:flush(10000) and 7 or 8)
                end
                local _, how, status = wait.wait(pid)
                if how ~= "exited" or status ~= 7 then print(round, how, status) end
            end
            for i = 1, #restless do restless[i]:close(0) end
            print "done"
        ]], { args = { named, topic, 40 }, timeout = 60 })
        local count = cluster:count(topic).child
        cluster:close()
        assert.are.equal("done\n", run.out)
        assert.are.equal("", run.err)
        assert.are.same({ messages = 40, distinct = 40 }, count)
    end)
end)
