-- Producer and consumer as two coroutines of a luv loop.       lua examples/luv_wait.lua [BROKERS]
local found, uv = pcall(require, "luv")
if not found then print("luv is not installed: nothing to show") os.exit(0) end
local kafka = require "kafka"

-- All a loop has to give: return once client:pollfd() is readable, or after ms milliseconds (below 0: no limit).
local function wait(client, ms)
    local me = assert(coroutine.running(), "wait runs in a coroutine")
    local poll, timer, woken = uv.new_poll(client:pollfd()), uv.new_timer(), false
    local function wake()
        if woken then return end
        woken = true
        poll:close()
        timer:close()
        assert(coroutine.resume(me))
    end
    poll:start("r", wake)
    if ms >= 0 then timer:start(ms, 0, wake) end
    coroutine.yield()
end

local cluster = not arg[1] and kafka.mock_cluster{ brokers = 1 }
local brokers = arg[1] or cluster:bootstrap_servers()
if cluster then cluster:set_group_delay(0) end
local topic = "luv-wait-" .. os.time()

local received, sent = 0, false

local function produce()
    local producer = kafka.wrap(kafka.producer(brokers), wait)
    producer:create_topic(topic)
    for n = 1, 100 do assert(producer:send(topic, -1, n, "message " .. n) == 0) end
    assert(producer:flush())                     -- yields instead of blocking
    sent = true
    assert(producer:close())
end

local function consume()
    local consumer = kafka.wrap(kafka.consumer{
        ["bootstrap.servers"] = brokers, ["group.id"] = "g" .. os.time(), topics = { topic },
        ["auto.offset.reset"] = "earliest", ["topic.metadata.refresh.interval.ms"] = 500,
    }, wait)
    while received < 100 do
        if consumer:receive() then received = received + 1 end
    end
    assert(consumer:close())
end

for _, body in ipairs{ produce, consume } do
    assert(coroutine.resume(coroutine.create(body)))
end
local limit = uv.new_timer()
limit:start(60000, 0, function() error("100 messages did not come within a minute") end)
limit:unref()                                  -- does not keep the loop alive
uv.run()

print(received .. " messages received")
assert(sent and received == 100)
