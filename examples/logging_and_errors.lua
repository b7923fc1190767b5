-- Where errors and log lines go: nowhere, until you say where.       lua examples/logging_and_errors.lua
-- The broker here is a closed port on purpose, so this example needs no brokers of yours.
local kafka = require "kafka"

local errors, lines, refused = {}, {}, nil
local producer = kafka.producer{
    ["bootstrap.servers"] = "127.0.0.1:1",
    ["message.timeout.ms"] = 1500,                  -- how long a message may wait for a broker
    on_error = function(err)                        -- what concerns the client as a whole
        errors[#errors + 1] = err
        print(("error    %s (%d): %s%s"):format(err.name, err.code, err.message, err.fatal and "  FATAL" or ""))
    end,
    on_log = function(line)                         -- or "stderr", "syslog", "none" (the default)
        lines[#lines + 1] = line
        print(("log      level %d %s: %s"):format(line.level, line.facility, line.message))
    end,
    on_delivery = function(err) refused = err end,  -- what concerns one message
}

assert(producer:produce("nowhere", "hello"))
local give_up = os.time() + 30
while not refused and os.time() < give_up do producer:poll(500) end     -- all three functions are called in here

print("delivery " .. tostring(refused))
assert(refused and refused.name == "_MSG_TIMED_OUT")
assert(#errors > 0 and #lines > 0)
assert(producer:last_error())                     -- the same without any function: the last error, or nil
assert(producer:close())
