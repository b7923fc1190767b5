-- kafka.with. Compiled at its first use.
local native = ...
local call = native.call_form
local error, getmetatable, rawget, type = error, getmetatable, rawget, type

--- Whether it is an object of ours that can be closed.
function native.is_closable(value)
    if type(value) ~= "userdata" and type(value) ~= "table" then return false end
    local meta = getmetatable(value)
    local name = type(meta) == "table" and rawget(meta, "__name")
    return type(name) == "string" and name:find("^kafka%.") ~= nil and type(value.close) == "function"
end

local function closed(client, ...)
    local done, err, undelivered = client:close()
    if not done and err then return nil, err, undelivered end
    return ...
end

local function finish(client, ok, ...)
    if ok then return closed(client, ...) end
    -- What raised has not handled the last message: it comes again.
    local consumer = native.consumer
    if getmetatable(client) == consumer.class then consumer.step.forget_last(client) end
    call(client.close, client)
    error((...), 0)
end

function native.with(client, fn) return finish(client, call(fn, client)) end
