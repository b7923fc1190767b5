-- Loops over messages raise what they cannot go on after; what is not fatal lets the next loop go on.
-- Turns red when receiving.lua leaves a code out of ENDS_LOOP, or forgets check_loop at one of its two places.
local h = require "spec.helper"
local kafka = h.kafka

describe("a loop over messages", function()
    after_each(h.cleanup)

    local WAYS = {
        messages = function(c, options, fn) for message in c:messages(options) do fn(message) end end,
        each = function(c, options, fn) c:each(options, fn) end,
    }

    local function nothing() error("nothing was to come", 0) end

    local function reader(mock, conf)
        local heard = {}
        conf.topics = conf.topics or { "t" }
        conf["topic.metadata.refresh.interval.ms"], conf["fetch.error.backoff.ms"] = 100, 100
        -- The mock keeps a member that joins anew before it was told its part waiting that long, less a second.
        if not conf["group.protocol"] then conf["session.timeout.ms"] = 3000 end
        function conf.on_error(err) heard[#heard + 1] = err.name end
        return h.reader(mock, conf), heard
    end

    local function fill(mock) h.fill(mock:bootstrap_servers(), "t", { "a", "b" }) end

    local function ready()
        local mock = h.mock { topics = { t = 1 } }
        fill(mock)
        return mock
    end

    for _, case in ipairs {
        { "Fetch", "TOPIC_AUTHORIZATION_FAILED", "^t %[0%] at offset 0: .*authorization failed", "messages" },
        { "Fetch", "TOPIC_AUTHORIZATION_FAILED", "^t %[0%] at offset 0: .*authorization failed", "each" },
        { "FindCoordinator", "GROUP_AUTHORIZATION_FAILED", "Group authorization failed", "each" },
        { "JoinGroup", "GROUP_AUTHORIZATION_FAILED", "Group authorization failed", "messages" },
        { "ListOffsets", "CLUSTER_AUTHORIZATION_FAILED", "^t %[0%]: .*authorization failed", "each" },
        { "topic", "TOPIC_AUTHORIZATION_FAILED", "^t: .*authorization failed", "messages" },
    } do
        local where, name, text, way = case[1], case[2], case[3], case[4]
        it(("raises %s of %s from %s once; the next one goes on with all messages"):format(name, where, way), function()
            -- An error that comes beside messages may wait for those at hand.
            local beside = where ~= "Fetch"
            local mock = beside and h.mock { topics = { t = 1 } } or ready()
            if where == "topic" then
                mock:set_topic_error("t", name)
            else
                -- One answer may get lost with the connection that the address was first given by.
                mock:push_errors(where, where == "FindCoordinator" and { name, name } or { name })
            end
            local c, heard = reader(mock, {})
            local err = h.error_of(WAYS[way], c, { timeout = 20000 }, nothing)
            assert.equal(name, err.name)
            assert.is_false(err.fatal)
            assert.matches(text, err.message)
            if where == "topic" then mock:set_topic_error("t", nil) end
            if beside then fill(mock) end
            local seen = {}
            WAYS[way](c, { timeout = 20000, limit = 2 }, function(message) seen[#seen + 1] = message.value end)
            assert.same({ "a", "b" }, seen)
            if where == "FindCoordinator" and heard[2] then table.remove(heard) end -- none got lost
            assert.same({ name }, heard)
        end)
    end

    -- Turns red without assign_again_after (client/rebalance.rs): librdkafka asks for a committed offset once.
    for _, entry in ipairs { "t", "t:0" } do
        it("of " .. entry .. " reads on after the group refused its committed offset, from where the group is", function()
            local mock = ready()
            local before = h.reader(mock, { topics = { "t:0" } })
            assert(before:commit { { topic = "t", partition = 0, offset = 1 } })
            assert(before:close())
            mock:push_errors("OffsetFetch", { "TOPIC_AUTHORIZATION_FAILED" })
            local c = reader(mock, { topics = { entry } })
            assert.equal("TOPIC_AUTHORIZATION_FAILED", h.error_of(WAYS.messages, c, { timeout = 20000 }, nothing).name)
            local message = h.wait_until(function() return c:poll(100) end, 20, "the message")
            assert.same({ "b", 1 }, { message.value, message.offset })
        end)
    end

    it("raises a refused login", function()
        for way, run in pairs(WAYS) do
            local c = h.track(kafka.consumer {
                ["bootstrap.servers"] = h.nowhere, ["group.id"] = "g", topics = { "t:0" },
                ["security.protocol"] = "sasl_plaintext", ["sasl.mechanisms"] = "OAUTHBEARER",
                on_oauth_token = function() return nil, "no token today" end,
            })
            local err = h.error_of(run, c, { timeout = 20000 }, nothing)
            assert.equal("_AUTHENTICATION", err.name, way)
            assert.matches("no token today", err.message)
        end
    end)

    it("raises what is fatal each time it is begun: the new protocol's group refuses a member for good", function()
        local mock = ready()
        mock:push_errors("ConsumerGroupHeartbeat", { "GROUP_AUTHORIZATION_FAILED" })
        local c = reader(mock, { ["group.protocol"] = "consumer" })
        for _ = 1, 2 do
            for _, run in pairs(WAYS) do
                local err = h.error_of(run, c, { timeout = 20000 }, nothing)
                assert.same({ "GROUP_AUTHORIZATION_FAILED", true }, { err.name, err.fatal })
            end
        end
        assert.equal("GROUP_AUTHORIZATION_FAILED", c:fatal_error().name)
    end)

    it("over a partition's queue or a simple consumer's raises the same", function()
        local mock = ready()
        local queue
        local c = reader(mock, { on_assign = function(c) queue = c:partition_queue("t", 0) end })
        h.wait_until(function()
            c:poll(20)
            return queue
        end, 20, "the queue")
        local seen = {}
        queue:each({ timeout = 20000, limit = 2 }, function(message) seen[#seen + 1] = message.value end)
        assert.same({ "a", "b" }, seen)
        -- librdkafka takes the end of a partition for the error, if both come at once.
        mock:push_errors("Fetch", { "TOPIC_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED" })
        local err = h.error_of(function() for _ in queue:messages { timeout = 20000 } do nothing() end end)
        assert.equal("TOPIC_AUTHORIZATION_FAILED", err.name)
        assert(c:close()) -- its requests would take the next one's error
        mock:clear_errors "Fetch"
        mock:push_errors("Fetch", { "TOPIC_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED" })
        local simple = h.track(kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers() })
        local its = simple:queue()
        assert(simple:consume_start("t", 0, 2, its))
        err = h.error_of(its.each, its, { timeout = 20000 }, nothing)
        assert.equal("TOPIC_AUTHORIZATION_FAILED", err.name)
    end)
end)
