-- What a client is configured to, read back. Compiled at its first use.
local native = ...
local pairs = pairs

-- What holds for options of this module that were not given.
local DEFAULTS = {
    exit_timeout = 5000, close_timeout = 10000, on_log = "none", allow_unsafe_config = false, on_full = "error",
    delivery_report_every = 1, ack = "auto", max_unacked = 10000,
}

local function add_config(class, step, side)
    class.__index.config = function(...)
        local found = step.config(...)
        local cbs = step.callbacks((...))
        for name, value in pairs(DEFAULTS) do
            if (native.option_side[name] or side) == side then found[name] = value end
        end
        for name, value in pairs(cbs.own) do found[name] = value end
        if cbs.own.partitioner and not cbs.own.partitioner_timeout then found.partitioner_timeout = 5000 end
        -- A classic client's brokers never were a property.
        for _, name in pairs{ "bootstrap.servers", "metadata.broker.list" } do
            if found[name] == nil then found[name] = cbs.brokers end
        end
        return found
    end
end

add_config(native.producer.class, native.producer.step, "producer")
add_config(native.consumer.class, native.consumer.step, "consumer")
