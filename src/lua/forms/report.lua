-- A delivery report as a table, as in message.lua.
local jit = rawget(_G, "jit")
if not jit then return nil end

local function report(topic, partition, offset, status, latency_us, broker, timestamp, timestamp_type, value, key, sequence_id)
    return {
        topic = topic, partition = partition, offset = offset, status = status, latency_us = latency_us, broker = broker,
        timestamp = timestamp, timestamp_type = timestamp_type, value = value, key = key, sequence_id = sequence_id,
    }
end

jit.off(report)
return report
