-- Subscribing, and the callbacks of rebalances. A rebalance is told as an event; its callbacks run
-- here, on the Lua thread, before the assignment changes, and what it asks is done whatever they do.
local native = ...
local class, step, form = native.consumer.class, native.consumer.step, native.consumer_form
local methods, call, rebalancing = class.__index, native.call_form, native.rebalancing_form

-- What is wrong with a list of topics.
local function topics_fault(topics)
    if type(topics) ~= "table" then return "got " .. native.show(topics) end
    for key, value in pairs(topics) do
        if type(key) ~= "number" then return "got one with the key " .. native.show(key) end
        if type(value) ~= "string" then return ("got %s in place %s"):format(native.show(value), native.show(key)) end
    end
    if #topics == 0 then return "got an empty one; unsubscribe() ends a subscription" end
end

function methods.subscribe(...)
    local self, topics = ...
    step.member(self, select("#", ...), 2, 2)
    local fault = topics_fault(topics)
    if fault then native.argument_error(2, 'an array of topics expected, such as {"orders", "^audit\\..*"}, ' .. fault) end
    local ok, err = step.subscribe(self, topics)
    return form.outcome(ok, err)
end

-- on_assign may return a list, which replaces the assignment.
local function replacement(list)
    if list == nil then return nil end
    return native.read_partitions(list, "the list that on_assign returned", { partition = true, once = true }, 0)
end

local function run(self, cbs, kind, list)
    local fn = cbs["on_" .. kind]
    if kind == "lost" and not fn then fn = cbs.on_revoke end
    if not fn then return true end
    local ok, result = call(fn, self, list)
    if not ok then return false, result end
    if kind ~= "assign" then return true end
    local read, flat = pcall(replacement, result)
    return read, flat
end

-- Serves the rebalance that waits. Returns whether a callback failed, and how.
local function serve(self, cbs)
    if form.is_closed(self) then return false end
    local kind, list = step.rebalance_begin(self)
    if not kind then return false end
    rebalancing.begin(self, serve)
    local ok, result = run(self, cbs, kind, list)
    step.rebalance_end(self, ok and result or nil)
    if ok then return false end
    return true, result
end

return serve
