-- The fixture itself: nodes end, stop, go on and come back by number, and nothing outlives its owner.
local h = require "spec.helper"
local cluster = require "fixture.cluster"
local on_kafka = require "spec.integration.on_kafka"

local function output_of(command)
    local pipe = assert(io.popen(command .. " 2>/dev/null"))
    local text = pipe:read("*a")
    pipe:close()
    return (text:gsub("%s+$", ""))
end

-- "S", "T" (stopped) …, or "" when there is no such process.
local function state(pid)
    return output_of(("ps -o stat= -p %d"):format(pid)):sub(1, 1)
end

local function processes_naming(text)
    return output_of("ps -eo pid=,args= | grep -F -- '" .. text .. "' | grep -v 'grep -F'")
end

local function exists(path)
    local file = io.open(path)
    if file then file:close() end
    return file ~= nil
end

-- A program that starts a cluster, says where it is and waits to be killed.
local OWNER = [[
package.path = "./?.lua;" .. package.path
local c = require("fixture.cluster").start { nodes = tonumber(arg[1]) }
io.stdout:setvbuf "line"
local pids = {}
for _, pid in pairs(c.pids) do pids[#pids + 1] = pid end
print(c.run) print(c.brokers) print(c.keeper) print(table.concat(pids, " "))
io.read()
]]

-- Where the logs of runs go that end badly on purpose.
local LOGS = "build/kafka-logs-of-fixture-spec"

local function start_owner(nodes)
    return h.start(OWNER, { args = { nodes }, env = { KAFKA_FIXTURE_LOGS = LOGS } })
end

local function owner(nodes)
    local child = start_owner(nodes)
    local found = { child = child }
    local function line()
        local text = child:line(60)
        return text or error("the owner said nothing: " .. select(2, child:output()))
    end
    found.run, found.brokers, found.keeper, found.pids = line(), line(), tonumber(line()), line()
    return found
end

-- These tests start clusters of their own whatever KAFKA_BROKERS says; the three nodes below are not made then.
local describe = cluster.external() and function(title)
    pending(title .. " (skipped: KAFKA_BROKERS is given, no cluster of our own is used)")
end or describe

describe("the nodes of a fixture", function()
    local kafka = on_kafka { nodes = 3 }
    after_each(h.cleanup)

    it("serve a topic from all three once they are started", function()
        local topic = kafka:create_topic(h.topic("fixture"), 3)
        local leaders = {}
        for _, partition in pairs(kafka:describe_topic(topic)) do
            leaders[partition.leader] = true
            assert.equal("1+2+3", partition.in_sync)
        end
        assert.same({ true, true, true }, leaders)
    end)

    it("are killed and restarted by number, and come back in sync", function()
        local topic, before = kafka:create_topic(h.topic("fixture"), 3), kafka.pids[2]
        kafka:kill(2)
        assert.equal("", state(before))
        assert.is_nil(kafka.pids[2])
        h.wait_until(function()
            return kafka:describe_topic(topic)[1].in_sync == "1+3"
        end, 20, "shrinking to nodes 1 and 3")
        kafka:restart(2)
        assert.not_equal("", state(kafka.pids[2]))
        kafka:wait_in_sync(topic)
        assert.equal("1+2+3", kafka:describe_topic(topic)[1].in_sync)
    end)

    it("stand still after pause and go on after resume", function()
        kafka:pause(3)
        assert.equal("T", state(kafka.pids[3]))
        kafka:resume(3)
        h.wait_until(function() return state(kafka.pids[3]) ~= "T" end, 5, "going on")
    end)

    it("end in an orderly way by terminate", function()
        local before = kafka.pids[1]
        kafka:terminate(1)
        assert.equal("", state(before))
        local console = assert(io.open(kafka.run .. "/node-1/console.log")):read("*a")
        assert.matches("Terminating process due to signal SIGTERM", console)
        assert.matches("from STARTED to SHUTTING_DOWN", console)
        kafka:restart(1)
    end)

    it("refuse what makes no sense, by name", function()
        assert.matches("there is no node 7", h.error_of(kafka.kill, kafka, 7))
        kafka:kill(1)
        assert.matches("node 1 is not running", h.error_of(kafka.pause, kafka, 1))
        kafka:restart(1)
    end)
end)

describe("a fixture", function()
    after_each(h.cleanup)

    it("leaves no process and no directory behind when its owner is killed by SIGKILL", function()
        local one = owner(3)
        assert.equal(3, select(2, one.pids:gsub("%d+", "")))
        assert.not_equal("", processes_naming(one.run))
        one.child:kill("KILL")
        h.wait_until(function()
            return processes_naming(one.run) == "" and not exists(one.run)
        end, 10, "the end of every process")
        for pid in one.pids:gmatch("%d+") do assert.equal("", state(pid)) end
        local kept = output_of(("ls %s/*-%s"):format(LOGS, one.run:match("[^/]+$")))
        assert.matches("node%-1%.log.*node%-2%.log.*node%-3%.log", kept)
    end)

    it("leaves no node behind when its keeper is killed by SIGKILL, and the next one cleans up", function()
        local one = owner(1)
        os.execute("kill -s KILL " .. one.keeper)
        h.wait_until(function() return processes_naming(one.run) == "" end, 10, "the end of every process")
        assert.is_true(exists(one.run))
        output_of("python3 fixture/kafka.py running")
        assert.is_false(exists(one.run))
    end)

    it("does not disturb another one that is started at the same time", function()
        local seen = {}
        for _, child in ipairs { start_owner(1), start_owner(1) } do
            local run, brokers = assert(child:line(60)), assert(child:line(60))
            assert.is_nil(seen[run])
            assert.is_nil(seen[brokers])
            seen[run], seen[brokers] = true, true
            assert.matches("OK=1", output_of("python3 fixture/kafka.py topic create meanwhile 2 --brokers " .. brokers))
        end
    end)

    it("says what a node said when it does not start, and leaves nothing running", function()
        local err = h.error_of(function()
            local broken = cluster.start { settings = { ["log.retention.hours"] = "for ever" }, logs = LOGS }
            broken:stop()
        end)
        assert.matches("fixture_spec.lua:%d+: .*node 1 ended while starting", err)
        assert.matches("Invalid value for ever for configuration log.retention.hours", err, 1, true)
        assert.equal("", output_of('grep -l "for ever" ${TMPDIR:-/tmp}/kafka-fixture-*/run-*/plan.json'))
    end)

    it("never kills a process that only has the number of one that was ours", function()
        local bystander = h.start("io.read()")
        local runs = output_of("mktemp -d")
        output_of(("mkdir -p %s/kafka-fixture-$(id -u)/run-old/node-1"):format(runs))
        local recorded = ("%s/kafka-fixture-%s/run-old/node-1/process.json"):format(runs, output_of("id -u"))
        local file = assert(io.open(recorded, "w"))
        file:write(('{"pid": %d, "born": "1"}'):format(bystander.pid))
        file:close()
        assert.equal("OK=1", output_of(("KAFKA_FIXTURE_RUNS=%s python3 fixture/kafka.py running"):format(runs)))
        assert.equal("", output_of(("ls %s/kafka-fixture-*/ | grep run-"):format(runs)))
        assert.not_equal("", state(bystander.pid))
        output_of("rm -r " .. runs)
    end)
end)
