-- lines_of(file) → a function that returns the next line with its line feed, nil at the end; nil and why when the file
-- cannot be read on.
-- By hand, because Lua 5.1 cannot keep the line feed and cuts lines at a zero byte.
-- A line longer than LONGEST comes in pieces.
local CHUNK, LONGEST = 65536, 500000

return function(file)
    local buffer, from = "", 1

    local function take(last)
        local line = buffer:sub(from, last)
        from = last + 1
        return line
    end

    return function()
        local searched = from
        while true do
            local feed = buffer:find("\n", searched, true)
            if feed and feed - from < LONGEST then return take(feed) end
            if #buffer - from + 1 >= LONGEST then return take(from + LONGEST - 1) end
            local chunk, why = file:read(CHUNK)
            if why then return nil, why end
            if not chunk then
                if from > #buffer then return nil end
                return take(#buffer)
            end
            searched = #buffer - from + 2
            buffer, from = buffer:sub(from) .. chunk, 1
        end
    end
end
