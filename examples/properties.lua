-- What can be configured, and what came of it.         lua examples/properties.lua
local kafka = require "kafka"

-- One property.
local linger = kafka.properties("linger.ms")
print(("%s: %s, %s, default %s, for %ss"):format(linger.name, linger.type, linger.range, linger.default, linger.scope))
print("also called " .. linger.alias_of)
print("compression.type is one of " .. table.concat(kafka.properties("compression.type").values, ", "))

-- All of them.
local count, topic_level, secrets = 0, 0, {}
for name, property in pairs(kafka.properties()) do
    count = count + 1
    if property.topic_level then topic_level = topic_level + 1 end
    if property.secret then secrets[#secrets + 1] = name end
end
table.sort(secrets)
print(("%d properties, %d of them topic-level; never shown: %s"):format(count, topic_level, table.concat(secrets, ", ")))

-- A typo is an error that knows better.
local ok, err = pcall(kafka.properties, "lingr.ms")
print(err)
assert(not ok and err:find('"linger.ms"', 1, true))

-- What a client has in the end: what was set, and defaults for the rest.
-- No broker is asked for any of this.
local producer = kafka.producer{ ["bootstrap.servers"] = "localhost:9092", ["linger.ms"] = "20", ["sasl.password"] = "x" }
producer:create_topic("quick", { acks = 1 })
local config = producer:config()
print(("linger.ms %g, batch.size %d, sasl.password %s, close_timeout %d"):format(
    config["linger.ms"], config["batch.size"], config["sasl.password"], config.close_timeout))
print(("acks: %d for most topics, %d for quick"):format(producer:topic_config().acks, producer:topic_config("quick").acks))
assert(config["linger.ms"] == 20 and config["sasl.password"] == "(hidden)")
assert(producer:close())
