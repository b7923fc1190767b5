-- Child script: a process with live clients and unflushed messages that leaves in one of five ways. Arguments: WAY
-- MANNER BROKERS TOPIC TAG COUNT EXIT_TIMEOUT CA|- live|dead. Says "leaving" as its last act before it leaves.
--   cold      leaves at once, while the connections are being made
--   warm      the connection is up (live), or has had its time (dead)
--   member    warm, and a consumer is a member of a group (live)
local way, manner, brokers, topic, tag, count, exit_timeout, ca, state = ...
local kafka = require "kafka"
local uv = require "luv"

count = tonumber(count)
io.stdout:setvbuf "no"

local function conf(own)
    own.exit_timeout = tonumber(exit_timeout)
    if ca ~= "-" then
        own["security.protocol"] = "ssl"
        own["ssl.ca.location"] = ca
    end
    return own
end

-- Globals on purpose: they are alive when the interpreter leaves. Nothing goes out before its linger is over, but
-- for a flush.
_G.producer = kafka.producer(brokers, conf { ["linger.ms"] = manner == "cold" and 0 or 30000 })
_G.idle = kafka.producer(brokers, conf {})
local producer = _G.producer
producer:create_topic(topic)
local sent = 0
local function send()
    sent = sent + 1
    assert(producer:send(topic, -1, sent, tag .. ":" .. sent) == 0)
end

if manner ~= "cold" then
    if state == "live" then
        send()
        assert(producer:flush(10000))
    else
        uv.sleep(150)
    end
end
if manner == "member" then
    _G.consumer = kafka.consumer(brokers, { topic }, conf { ["group.id"] = tag },
        { ["auto.offset.reset"] = "earliest" })
    if state == "live" then
        local deadline = uv.hrtime() + 10e9
        repeat
            local value = _G.consumer:receive()
            assert(value or uv.hrtime() < deadline, "nothing received")
        until value
    end
end
while sent < count do send() end

print "leaving"
if way == "error" then
    error "on purpose"
elseif way == "exit" then
    os.exit(0)
elseif way == "exit_close" then
    os.exit(0, true)
elseif way == "sigterm" then
    while true do producer:poll(1000) end
end
