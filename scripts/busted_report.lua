-- A busted output handler for scripts/test.py: one line per event, to the file named by -Xoutput, flushed at once,
-- so that after a crash the file still says which test was running.
--     start <tab> name    pass <tab> name    skip <tab> name    fail <tab> name <tab> message    done
local busted = require "busted"
local base = require "busted.outputHandlers.base"

return function(options)
    local report = assert(io.open(options.arguments[1], "w"))
    local current -- what went wrong in the running test; nil between tests

    local function write(...)
        local fields = { ... }
        for i, field in ipairs(fields) do
            fields[i] = field:gsub("\\", "\\\\"):gsub("\n", "\\n"):gsub("\t", "\\t"):gsub("\r", "\\r")
        end
        report:write(table.concat(fields, "\t"), "\n")
        report:flush()
    end

    local function describe(message, element, trace)
        if message == nil then message = "error(nil)" end
        if type(message) == "table" and not (getmetatable(message) or {}).__tostring then
            message = require("pl.pretty").write(message)
        end
        message = tostring(message)
        trace = trace or element.trace
        if not trace or not trace.short_src or message:find(trace.short_src, 1, true) then return message end
        return ("%s:%d: %s"):format(trace.short_src, trace.currentline, message)
    end

    local handler = base()

    local function on_start(element)
        current = {}
        write("start", handler.getFullName(element))
        return nil, true
    end

    local function on_problem(element, _, message, trace)
        local text = describe(message, element, trace)
        if element.descriptor ~= "it" then text = element.descriptor .. ": " .. text end
        if current then
            current[#current + 1] = text
        else
            write("fail", handler.getFullName(element), text)
        end
        return nil, true
    end

    local function on_end(element, _, status)
        local name = handler.getFullName(element)
        if status == "success" and #current == 0 then
            write("pass", name)
        elseif status == "pending" then
            write("skip", name)
        else
            write("fail", name, #current > 0 and table.concat(current, "\n") or status)
        end
        current = nil
        return nil, true
    end

    function handler.subscribe()
        require "busted.languages.en"
        busted.subscribe({ "test", "start" }, on_start)
        busted.subscribe({ "test", "end" }, on_end)
        busted.subscribe({ "failure" }, on_problem)
        busted.subscribe({ "error" }, on_problem)
        busted.subscribe({ "suite", "end" }, function()
            write("done")
            return nil, true
        end)
    end

    return handler
end
