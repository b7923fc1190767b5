-- What a client is configured to, read back. Compiled at its first use.
local native = ...
local pairs = pairs

-- What holds for options of this module that were not given.
local DEFAULTS = { exit_timeout = 5000, close_timeout = 10000, on_log = "none", allow_unsafe_config = false }

local function add_config(class, step)
    class.__index.config = function(...)
        local found = step.config(...)
        local cbs = step.callbacks((...))
        for name, value in pairs(DEFAULTS) do found[name] = value end
        for name, value in pairs(cbs.own) do found[name] = value end
        -- A classic client's brokers never were a property.
        for _, name in pairs{ "bootstrap.servers", "metadata.broker.list" } do
            if found[name] == nil then found[name] = cbs.brokers end
        end
        return found
    end
end

for _, kind in pairs{ native.producer, native.consumer } do add_config(kind.class, kind.step) end
