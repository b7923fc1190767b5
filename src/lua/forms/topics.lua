-- The producer's topics. Compiled at their first use.
local native = ...
local step, methods = native.producer.step, native.producer.class.__index
local select, type = select, type

function methods.create_topic(...)
    local self, topic, conf = ...
    if type(conf) == "table" and select("#", ...) == 3 then
        step.create_topic(self, topic, native.flatten(conf, 2))
    else
        step.create_topic(...)
    end
    -- A partitioner in Lua needs to know how many partitions there are: the question goes out now.
    if step.callbacks(self).own.partitioner then step.count_known(self, topic) end
end
