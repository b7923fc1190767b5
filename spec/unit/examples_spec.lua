-- Every file in examples/ runs to its end, alone and, where it takes brokers, on brokers it is given.
local h = require "spec.helper"
local child = require "spec.support.child"

local BRING_THEIR_OWN = { ["logging_and_errors"] = true, ["mock_cluster_in_tests"] = true, ["properties"] = true }   -- take no brokers
local WANT_SECURITY = { ["tls"] = true, ["oauth_token"] = true, ["sasl_password"] = true }    -- no mock speaks it
-- Most of them wait most of the time: so many run at once, each for this long (s) at the most.
local AT_ONCE, LIMIT = 6, 90

local function example_names()
    local names, pipe = {}, assert(io.popen("ls examples/*.lua"))
    for path in pipe:lines() do names[#names + 1] = path:match("([%w_]+)%.lua$") end
    pipe:close()
    return names
end

-- Runs to come, in the order of the tests, and those under way.
local planned, running = {}, {}

local function plan(name, on_given_brokers)
    local run = { name = name, on_given_brokers = on_given_brokers }
    planned[#planned + 1] = run
    return run
end

-- A rebalance of the mock's takes a second less than the members' session timeout, and real brokers want 6 s at the least.
local SHORT_SESSIONS = [[
    local kafka = require "kafka"
    local make = kafka.consumer
    kafka.consumer = function(conf, ...)
        if type(conf) == "table" and conf["session.timeout.ms"] then conf["session.timeout.ms"] = 2000 end
        return make(conf, ...)
    end
]]

-- As if called by hand in the checkout: arg[0] is the example's own path.
local function start(run)
    local args, before = {}, ""
    if run.on_given_brokers then
        run.mock = h.kafka.mock_cluster { brokers = 1 }
        run.mock:set_group_delay(0)
        args[1], before = run.mock:bootstrap_servers(), SHORT_SESSIONS
    end
    run.process = child.start(("%s arg[0] = 'examples/%s.lua' dofile(arg[0])"):format(before, run.name), { args = args })
    run.deadline = h.now() + LIMIT
    running[#running + 1] = run
end

local function finish(run)
    if run.process then
        run.status, run.signal, run.late = run.process:wait(0)
        run.out, run.err = run.process:output()
        run.process:destroy()
    end
    run.requests = run.mock and #run.mock:requests()
    if run.mock then run.mock:close() end
    run.is_over = true
end

-- Waits for the end of one run; others go on beside it.
local function await(run)
    while not run.is_over do
        while #running < AT_ONCE and planned[1] do start(table.remove(planned, 1)) end
        for i = #running, 1, -1 do
            local status, signal = running[i].process:wait(0)
            if status or signal or h.now() > running[i].deadline then finish(table.remove(running, i)) end
        end
        h.sleep(0.01)
    end
    return run
end

local function assert_success(run)
    local said = ("%s: status %s, signal %s, %s\n%s\n%s"):format(
        run.name, tostring(run.status), tostring(run.signal), run.late or "ended", run.out, run.err)
    assert.equal(0, run.status, said)
    assert.equal("", run.err, said)
    assert.is_truthy(run.out:find("%S"), run.name .. " showed nothing")
end

describe("examples", function()
    teardown(function()
        planned = {}
        while running[1] do finish(table.remove(running)) end
    end)

    it("say in their first lines what they show, and how to run them unless a verb does", function()
        for _, name in ipairs(example_names()) do
            local lines = io.lines("examples/" .. name .. ".lua")
            local first, second = lines(), lines()
            local told = (first .. second):find("lua examples/" .. name .. ".lua", 1, true)
            assert.is_truthy(first:find("^%-%- %u.*%.") and (name == "demo" or told), name)
        end
    end)

    for _, name in ipairs(example_names()) do
        local alone = plan(name, false)
        it(name .. " runs by itself", function()
            assert_success(await(alone))
        end)
        if name == "tls" then
            it("show TLS without a broker to show it on", function()
                assert.is_truthy(await(alone).out:find("security.protocol%s+ssl"))
            end)
        end
        if name ~= "demo" and not BRING_THEIR_OWN[name] and not WANT_SECURITY[name] then
            local given = plan(name, true)
            it(name .. " runs on the brokers it is given", function()
                assert_success(await(given))
                assert.is_true(given.requests > 0, name .. " did not use the brokers")
            end)
        end
    end
end)
