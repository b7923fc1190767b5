-- A worker dies over a message; the next one gets that message again.       lua examples/at_least_once.lua [BROKERS]
--
-- A message counts as done when the next one is asked for, and when the consumer is closed properly, never when it is
-- handed out. So what was being worked on when a program died comes back. It may come twice: work must bear that.
local kafka = require "kafka"

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end
local topic, group = "at-least-once-" .. os.time(), "workers-" .. os.time()

local producer = kafka.producer(brokers)
producer:create_topic(topic)
for n = 1, 6 do assert(producer:send(topic, 0, n, "job " .. n) == 0) end
assert(producer:close())

local function new_worker()
    return kafka.consumer{
        ["bootstrap.servers"] = brokers, ["group.id"] = group, topics = { topic },
        ["auto.offset.reset"] = "earliest",
        ["session.timeout.ms"] = 6000,            -- a member that died is given up after this long
        ["auto.commit.interval.ms"] = 100,
    }
end

local function next_job(worker)
    local give_up = os.time() + 60
    while os.time() < give_up do
        local job = worker:receive()
        if job then return job end
    end
    error("no job came within a minute")
end

local done = {}
local worker = new_worker()
pcall(function()
    while true do
        local job = next_job(worker)
        if job == "job 4" then error("out of coffee") end         -- handed out, not done
        done[#done + 1] = job
    end
end)
worker = nil                                  -- not closed: like a crash, job 4 was never finished
collectgarbage()
collectgarbage()

worker = new_worker()
repeat
    local job = next_job(worker)
    done[#done + 1] = job
until job == "job 6"
assert(worker:close())                        -- closed properly: job 6 is done

print(table.concat(done, ", "))
local seen = {}
for _, job in ipairs(done) do seen[job] = true end
for n = 1, 6 do assert(seen["job " .. n], "job " .. n .. " was lost") end
