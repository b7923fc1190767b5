-- clock() → seconds since 1970. Plain Lua counts whole seconds only; `date` knows more, but not everywhere.
return function()
    local pipe = io.popen("date +%s.%N 2>/dev/null")
    local text = pipe and pipe:read("*l") or ""
    if pipe then pipe:close() end
    return text:match("^%d+%.%d+$") and tonumber(text) or os.time()
end
