-- Prints the properties a client of ours sets by itself, as librdkafka tells them when asked with debug=conf,
-- so that the C twins get the very same ones. kind=producer or kind=consumer.
local kafka = require "kafka"
local options = require "options"

local told = {}
local conf = options.conf()
conf.debug = "conf"
conf.on_log = function(entry)
    local name, value = entry.message:match("%s([%w._]+) = (.*)$")
    if name then told[name] = value end
end

local client
if options.text("kind") == "consumer" then
    conf["group.id"] = "settings"
    conf.topics = { "settings" }
    client = kafka.consumer(conf)
    client:receive()
else
    client = kafka.producer(conf)
    client:poll(200)
end
if not told.debug then error("librdkafka did not tell its configuration", 0) end
for name, value in pairs(told) do print(name .. "=" .. value) end
client:close()
