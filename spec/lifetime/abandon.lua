-- Child script: a client that is dropped or closed at the parent's word, whatever the broker does meanwhile.
-- Arguments: producer|consumer collect|close BROKERS TOPIC TAG. Says "ready"; at a line on stdin acts and says
-- "MILLISECONDS …" with what came of it; ends at the next line.
local kind, act, brokers, topic, tag = ...
local kafka = require "kafka"
local uv = require "luv"

io.stdout:setvbuf "no"
local client
if kind == "producer" then
    client = kafka.producer(brokers, { ["linger.ms"] = 30000, exit_timeout = 500 })
    client:create_topic(topic)
    assert(client:send(topic, 0, 1, tag .. ":1") == 0)
    assert(client:flush(10000))
    for i = 2, 1000 do assert(client:send(topic, 0, i, tag .. ":" .. i) == 0) end
else
    client = kafka.consumer(brokers, { topic }, { ["group.id"] = tag, ["fetch.wait.max.ms"] = 10, exit_timeout = 500 },
        { ["auto.offset.reset"] = "earliest" })
    local deadline = uv.hrtime() + 10e9
    while not client:receive() do assert(uv.hrtime() < deadline, "nothing received") end
end
collectgarbage()

print "ready"
assert(io.read())
local started
if act == "collect" then
    local weak = setmetatable({ client }, { __mode = "v" })
    client = nil -- luacheck: ignore
    started = uv.hrtime()
    collectgarbage()
    print(("%.1f %s"):format((uv.hrtime() - started) / 1e6, weak[1] == nil and "gone" or "kept"))
else
    started = uv.hrtime()
    local ok, err, undelivered = client:close(2000)
    local milliseconds = (uv.hrtime() - started) / 1e6
    print(("%.1f %s %s %s"):format(milliseconds, tostring(ok), err and err.name or "-", tostring(undelivered)))
end
assert(io.read())
