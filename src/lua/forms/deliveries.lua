-- Delivery handles: a message's report for whoever waits for it.
local native = ...
local class, step, form = native.producer.class, native.producer.step, native.producer_form
local methods, show, tickets = class.__index, native.show, native.ticket.step
local select, type, pairs, getmetatable, setmetatable = select, type, pairs, getmetatable, setmetatable
local producing = native.producing_form
local read_call, enqueue, is_text, type_at = producing.read_call, producing.enqueue, producing.is_text, producing.type_at
local hole_in = producing.hole_in

local Delivery = {}
local delivery_class = { __index = Delivery, __name = "kafka.Delivery" }

function delivery_class.__tostring(delivery)
    if not delivery.finished then return "kafka.Delivery: on its way" end
    return "kafka.Delivery: " .. (delivery.err and tostring(delivery.err) or "delivered")
end

local function is_delivery(value) return type(value) == "table" and getmetatable(value) == delivery_class end

-- Who waits for a report, by what they keep on their stacks: tickets go with coroutines that are dropped.
local WAITING = { __mode = "kv" }

-- Lets the report of a message end up in `delivery`, besides the message's own callback.
local function into(delivery, own)
    return function(err, report)
        delivery.finished, delivery.err, delivery.report = true, err, report
        local waiting = delivery.waiting
        delivery.waiting = nil
        for _, ticket in pairs(waiting or {}) do tickets.finish(ticket) end
        if own then
            own(err, report)
        elseif err and not step.callbacks(delivery.producer).on_delivery then
            -- A live waiter takes this back; one that was dropped may still stand among the waiting.
            delivery.unasked = step.not_asked(delivery.producer)
        end
    end
end

-- A handle for the report of what is about to be queued.
local function new_delivery(self, made)
    local delivery = setmetatable({ producer = self, topic = is_text(made.topic) and made.topic .. "" or "", finished = false }, delivery_class)
    local callback = made.fields.on_delivery
    if callback == nil or type(callback) == "function" then made.fields.on_delivery = into(delivery, callback) end
    return delivery
end

function methods.produce_async(...)
    local self = ...
    local made = read_call(...)
    if not made then
        local ok, err = step.produce(...)
        return ok, err
    end
    local delivery = new_delivery(self, made)
    local ok, err = enqueue(self, step.callbacks(self).own, made)
    if not ok then return nil, err end
    return delivery
end

-- Longer (ms) than a report may take: librdkafka looks for messages that are too old once a second.
local GRACE = 5000

-- Until the message must have been reported, in ms.
local function patience(delivery)
    local ms = step.message_timeout(delivery.producer, delivery.topic)
    return ms > 0 and ms + GRACE or -1
end

-- Serves until the report is there or the time is over. The ticket wakes whoever waits when another call
-- has served the report. What callbacks raise is kept in `held` until it is known what became of the message.
local function await(delivery, timeout, held)
    local self = delivery.producer
    if not delivery.finished and not form.is_closed(self) then
        local ticket, deadline = step.wait_begin(self, timeout or patience(delivery))
        if not ticket then return nil, deadline end
        delivery.waiting = delivery.waiting or setmetatable({}, WAITING)
        delivery.waiting[held] = ticket
        local _, late = form.await(self, ticket, deadline, "the report of a message to " .. delivery.topic, held)
        if delivery.waiting then delivery.waiting[held] = nil end
        if not delivery.finished then return nil, late end
    end
    if not delivery.finished then return nil, native.destroyed() end
    if delivery.err then
        if delivery.unasked then step.asked(self, delivery.unasked) end
        delivery.unasked = nil
        return nil, delivery.err, delivery.report
    end
    return delivery.report
end

local function raise_held(held)
    if held.failed then error(held.first, 0) end
end

local function is_timeout(value)
    return value == nil or type(value) == "number" and value == math.floor(value) and value >= -1 and value <= 2 ^ 31 - 1
end

local TIMEOUT = "timeout: milliseconds expected (a whole number, 0 = do not wait, -1 = for ever), got "

--- The report, or nil, the error and, if the message failed, its report.
function Delivery.wait(...)
    local delivery, timeout = ...
    if not is_delivery(delivery) then native.argument_error(1, "kafka.Delivery expected, got " .. type(delivery)) end
    if select("#", ...) > 2 then native.argument_error(select("#", ...), "incorrect number of arguments") end
    if not is_timeout(timeout) then native.argument_error(2, TIMEOUT .. show(timeout)) end
    local held = {}
    local report, err, failed = await(delivery, timeout, held)
    raise_held(held)
    if report then return report end
    return nil, err, failed
end

function Delivery.done(...)
    local delivery = ...
    if not is_delivery(delivery) then native.argument_error(1, "kafka.Delivery expected, got " .. type(delivery)) end
    return delivery.finished
end

function methods.produce_sync(...)
    local self = ...
    local made = read_call(...)
    if not made then
        local ok, err = step.produce(...)
        return ok, err
    end
    local timeout = made.fields.timeout
    if not is_timeout(timeout) then error("produce_sync: option " .. TIMEOUT .. show(timeout), 2) end
    made.fields.timeout = nil
    local delivery = new_delivery(self, made)
    local ok, err = enqueue(self, step.callbacks(self).own, made)
    if not ok then return nil, err end
    local held = {}
    local report, late, failed = await(delivery, timeout, held)
    raise_held(held)
    if report then return report end
    return nil, late, failed
end

--- What is wrong with a call of wait_all: the argument's place, and what to say. nil when nothing is.
function native.wait_all_fault(...)
    local deliveries, timeout = ...
    if select("#", ...) > 2 then return select("#", ...), "incorrect number of arguments" end
    if type(deliveries) ~= "table" then return 1, "an array of deliveries expected, got " .. type_at(1, ...) end
    if not is_timeout(timeout) then return 2, TIMEOUT .. show(timeout) end
    for i = 1, #deliveries do
        if not is_delivery(deliveries[i]) then
            return 1, ("an array of deliveries expected, got %s at index %d"):format(type(deliveries[i]), i)
        end
    end
    local hole = hole_in(deliveries, "deliveries")
    if hole then return 1, hole .. "; produce_async returns nil and an error for what it refuses" end
end

--- Waits for all of `deliveries`. True when every message arrived; else nil, the first error, and how many did not.
function native.wait_all(deliveries, timeout)
    local now, held, missing, first = native.now, {}, 0, nil
    local deadline = timeout and timeout >= 0 and now() + timeout
    for i = 1, #deliveries do
        local left = deadline and math.max(0, math.ceil(deadline - now())) or timeout
        local report, err = await(deliveries[i], left, held)
        if not report then missing, first = missing + 1, first or err end
    end
    raise_held(held)
    if missing > 0 then return nil, first, missing end
    return true
end
