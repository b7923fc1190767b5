-- A consumed message as a table: a constructor makes it faster than fields set one by one from outside. In LuaJIT it
-- copies a template.
local jit = rawget(_G, "jit")

local function message(topic, partition, offset, value, key, timestamp, timestamp_type, leader_epoch)
    return {
        topic = topic, partition = partition, offset = offset, value = value, key = key, timestamp = timestamp,
        timestamp_type = timestamp_type, leader_epoch = leader_epoch,
    }
end

-- A finalizer that raises out of compiled code ends the process.
if jit then jit.off(message) end

return message
