-- What every client can ask the cluster.

return function(class, step, form)
    local methods = class.__index

    methods.watermarks = form.asks(step.watermarks_begin, "watermarks")
end
