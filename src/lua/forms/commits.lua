-- Storing and committing offsets. What is committed is the offset of the next message to read.
local native = ...
local class, step, form = native.consumer.class, native.consumer.step, native.consumer_form
local methods, select, type = class.__index, select, type
local OFFSETS = { partition = true, offset = true, next_read = true, or_none = true }

-- A message, the offset after which it is, or a list → flat. nil and an error for a message that was
-- revoked or sought past.
local function read(what, name)
    if native.is_message(what) then
        local next_one, err = native.after_message(what)
        if not next_one then return nil, err end
        what = { next_one }
    elseif type(what) == "table" and what.topic ~= nil and what[1] == nil then
        error(("%s: a list of offsets expected, got a single one: write {{topic=, partition=, offset=the next to read}}")
            :format(name), 3)
    end
    local flat = native.read_partitions(what, name, OFFSETS, 3)
    return flat
end

-- What acks store from here on is newer than the list.
local function begin(self, what, flat)
    if flat and not native.is_message(what) then return step.begin_list(self, flat) end
end

-- What is committed, or on its way, is done.
local function done(self, what, flat, mark)
    if native.is_message(what) then native.message_committed(what) elseif flat then step.done_since(self, flat, mark) end
end

function methods.store(...)
    local self, what = ...
    step.member(self, select("#", ...), 2, 2)
    local flat, refused = read(what, "store")
    if not flat then return nil, refused end
    local ok, err = step.store(self, flat)
    return form.outcome(ok, err)
end

function methods.commit(...)
    local self, what, timeout = ...
    step.member(self, select("#", ...), 1, 3)
    local flat, refused
    if what ~= nil then
        flat, refused = read(what, "commit")
        if not flat then return nil, refused end
    end
    local mark = begin(self, what, flat)
    local ticket, deadline = step.commit_begin(self, flat, timeout)
    if not ticket then return nil, deadline end
    local ok, err = form.await(self, ticket, deadline, "commit")
    if ok then done(self, what, flat, mark) end
    return form.outcome(ok, err)
end

-- Under `commits` of the callbacks table wait the functions of calls that are not answered yet.
function methods.commit_async(...)
    local self, what, fn = ...
    step.member(self, select("#", ...), 1, 3)
    if fn ~= nil and type(fn) ~= "function" then
        native.argument_error(3, "function expected, got " .. type(fn))
    end
    local flat, refused
    if what ~= nil then
        flat, refused = read(what, "commit_async")
        if not flat then return nil, refused end
    end
    local cbs = step.callbacks(self)
    local waiting = cbs.commits
    if not waiting then
        waiting = { last = 0 }
        cbs.commits = waiting
    end
    local call = waiting.last + 1
    waiting.last, waiting[call] = call, fn
    local mark = begin(self, what, flat)
    local ok, err = step.commit_async(self, flat, call)
    if not ok then waiting[call] = nil end
    if ok then done(self, what, flat, mark) end
    return form.outcome(ok, err)
end
