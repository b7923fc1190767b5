-- The line on standard error that says what was lost, where it is easily forgotten: open transactions, brokers that do
-- not answer, a system out of threads, a standard error that nobody reads.
local h = require "spec.helper"
local tls = require "spec.lifetime.tls"

describe("What is lost at the end of a process", function()
    local mock
    before_each(function() mock = h.mock { topics = { t = 1 } } end)
    after_each(h.cleanup)

    local begun = [[
        local kafka = require "kafka"
        P = kafka.producer { ["bootstrap.servers"] = ..., ["transactional.id"] = "losses", exit_timeout = 300 }
        assert(P:init_transactions(10000))
        assert(P:begin_transaction())
        for i = 1, 10 do assert(P:produce("t", "x" .. i)) end
        assert(P:flush(10000))
        for i = 1, 5 do assert(P:produce("t", "y" .. i)) end
    ]]

    local function leaves(story, ...)
        local run = h.run(story, { args = { mock:bootstrap_servers(), ... }, timeout = 20 })
        assert.is_nil(run.signal)
        assert.equal(0, run.status, run.err)
        local _, lines = run.err:gsub("\n", "")
        assert.is_true(lines <= 1, run.err)
        return run.err, run
    end

    -- Red when what is delivered within a transaction counts as safe.
    for way, ending in pairs {
        ["left to the end of the script"] = "",
        ["left to os.exit"] = "os.exit(0)",
        ["collected"] = "P = nil; collectgarbage(); collectgarbage()",
    } do
        it("is all of a transaction that is open: " .. way, function()
            local err = leaves(begun .. ending)
            assert.matches("15 messages were not committed, in a transaction left open", err)
            assert.matches("call commit_transaction%(%) or abort_transaction%(%) first", err)
        end)
    end

    for way, ending in pairs {
        ["left to the end of the script"] = "",
        ["left to os.exit"] = "os.exit(0)",
    } do
        -- Red when the process does not wait for the abort and then knows nothing of it.
        it("is told of a transaction whose broker does not answer, in time: " .. way, function()
            local err, run = leaves([[
                local kafka = require "kafka"
                MOCK = kafka.mock_cluster { topics = { t = 1 } }
                P = kafka.producer {
                    ["bootstrap.servers"] = MOCK:bootstrap_servers(), ["transactional.id"] = "silent", exit_timeout = 200,
                }
                assert(P:init_transactions(10000))
                assert(P:begin_transaction())
                MOCK:set_rtt(1, 20000)
                for i = 1, 10 do assert(P:produce("t", "x" .. i)) end
                P:poll(100)
            ]] .. ending)
            assert.matches("10 messages were not committed", err)
            assert.is_true(run.seconds < 5, run.seconds .. " s")
        end)
    end

    it("is nothing when the transaction was committed, or its commit ends before the process does", function()
        assert.equal("", (leaves(begun .. "assert(P:commit_transaction(10000))")))
        assert.equal("", (leaves(begun .. "P:commit_transaction(0)")))
        assert.equal("", (leaves(begun .. "P:commit_transaction(0); os.exit(0)")))
        assert.equal("", (leaves(begun .. "assert(P:abort_transaction(10000))")))
    end)

    it("comes with the broker's error, not with what taking the messages back made of it", function()
        local err = leaves([[
            local kafka = require "kafka"
            P = kafka.producer { ["bootstrap.servers"] = select(2, ...), exit_timeout = 500 }
            for i = 1, 3 do assert(P:produce("t", "x")) end
            P:poll(200)
        ]], tls.refused())
        assert.matches("3 messages were not delivered", err)
        assert.matches("refused", err)
        assert.matches("call flush%(%) or close%(%) first", err)
    end)

    -- Red when the one that began to leave last decides how long the process waits: the others' flush is cut short then.
    it("is counted when the last of the clients that leave has had its time", function()
        local err, run = leaves [[
            local kafka = require "kafka"
            local function lose(count, exit_timeout)
                local producer = kafka.producer("127.0.0.1:1", { exit_timeout = exit_timeout })
                for _ = 1, count do assert(producer:produce("t", "x")) end
            end
            for _, each in ipairs { { 7, 2000 }, { 1, 100 } } do
                lose(each[1], each[2])
                collectgarbage()
                collectgarbage()
            end
            os.exit(0)
        ]]
        assert.matches("8 messages were not delivered", err)
        assert.is_true(run.seconds >= 2, run.seconds .. " s")
    end)

    -- Runs `shell`, with the interpreter and a script that loses a message for its %s. → what it wrote
    local function losing(shell)
        local script = os.tmpname()
        local file = assert(io.open(script, "wb"))
        file:write(('require("kafka").producer { ["bootstrap.servers"] = %q, exit_timeout = 300 }:produce("t", "x")')
            :format(tls.refused()))
        file:close()
        local run = io.popen(shell:format(h.lua, script))
        local text = run:read "*a"
        run:close()
        os.remove(script)
        return text
    end

    -- Red when the system's signal for a broken pipe is left to its default.
    it("does not end the process by a signal when nobody reads standard error", function()
        assert.equal("0\n", losing "{ { '%s' '%s'; echo $? >&3; } 2>&1 >/dev/null | true; } 3>&1")
    end)

    it("does not keep the process when standard error is a pipe that is full", function()
        local full = "{ head -c 65536 /dev/zero >&2; timeout 3 '%s' '%s'; echo $? >&3; } 2>&1 >/dev/null"
        assert.equal("0\n", losing("{ " .. full .. " | sleep 4; } 3>&1"))
    end)
end)
