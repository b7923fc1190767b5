-- Child processes of the interpreter under test, on nothing but io.popen, sh and files: no library does this on all five.
local system = require "system"

local child = {}

child.lua = os.getenv("LUA") or (arg and arg[-1]) or "lua"

local function quote(text)
    return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function read(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read("*a")
    file:close()
    return text
end

local function write(path, text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
end

-- The command line up to the script's arguments: environment, interpreter, script.
local function command(prefix, options)
    local words = { "env" }
    for name, value in pairs(options.env or {}) do words[#words + 1] = quote(name .. "=" .. value) end
    words[#words + 1] = quote(options.lua or child.lua)
    words[#words + 1] = quote(prefix .. ".lua")
    for _, word in ipairs(options.args or {}) do words[#words + 1] = quote(word) end
    return table.concat(words, " ")
end

local function prepare(script)
    local prefix = os.tmpname()
    write(prefix .. ".lua", script)
    return prefix
end

local function remove(prefix)
    for _, suffix in ipairs { "", ".lua", ".out", ".err", ".rc", ".pid" } do os.remove(prefix .. suffix) end
end

-- sh reports a death by signal n as 128 + n; timeout(1) passes the signal of its child on.
local function verdict(code)
    if code > 128 then return nil, code - 128 end
    return code, nil
end

--- Runs a Lua script to its end (or `timeout`, 30 s; then SIGTERM and, 2 s later, SIGKILL).
--- → {status, signal, out, err, seconds, timed_out}: status is nil after a death by signal.
function child.run(script, options)
    options = options or {}
    local prefix = prepare(script)
    local line = ("{ timeout -k 2 %g %s <%s >%s 2>%s; echo $? >%s; } 2>/dev/null"):format(options.timeout or 30,
        command(prefix, options), "/dev/null", quote(prefix .. ".out"), quote(prefix .. ".err"), quote(prefix .. ".rc"))
    local started = system.monotime()
    os.execute(line)
    local seconds = system.monotime() - started
    local code = assert(tonumber(read(prefix .. ".rc")), "the shell left no exit status: " .. line)
    local status, signal = verdict(code)
    local result = {
        status = status,
        signal = signal,
        timed_out = code == 124,
        out = read(prefix .. ".out"),
        err = read(prefix .. ".err"),
        seconds = seconds,
    }
    remove(prefix)
    return result
end

local Process = {}
Process.__index = Process

local function ended(self)
    if self.code then return self.code end
    self.code = tonumber(read(self.prefix .. ".rc") or "")
    if self.code then
        self.stdin:close() -- reaps the shell, which has nothing left to do
        self.stdin = nil
    end
    return self.code
end

local function await(seconds, fn)
    local deadline = system.monotime() + seconds
    while true do
        local value = fn()
        if value ~= nil and value ~= false then return value end
        if system.monotime() > deadline then return nil end
        system.sleep(0.005)
    end
end

--- The next line of standard output, nil when none came within `timeout` seconds (10) or the process ended without one.
--- The child must flush (io.stdout:setvbuf "no" or "line").
function Process:line(timeout)
    local found = await(timeout or 10, function()
        local over = ended(self) -- asked first: what was written before the end is complete then
        local text = read(self.prefix .. ".out") or ""
        local stop = text:find("\n", self.position, true)
        if stop then
            local line = text:sub(self.position, stop - 1)
            self.position = stop + 1
            return { line }
        end
        return over and {}
    end)
    return found and found[1]
end

--- Writes to the child's standard input.
function Process:send(text)
    assert(not ended(self), "the process has ended")
    assert(self.stdin:write(text))
    assert(self.stdin:flush())
end

--- Sends a signal by number or name ("KILL", 9).
function Process:kill(signal)
    os.execute(("kill -s %s %d 2>/dev/null"):format(tostring(signal), self.pid))
end

--- Waits for the end: → status, signal; nil, nil, "timeout" when the process still runs after `timeout` seconds (10).
function Process:wait(timeout)
    local code = await(timeout or 10, function() return ended(self) end)
    if not code then return nil, nil, "timeout" end
    return verdict(code)
end

--- All of standard output and standard error so far.
function Process:output()
    return read(self.prefix .. ".out") or "", read(self.prefix .. ".err") or ""
end

--- Ends the process if it still runs and removes its files.
function Process:destroy()
    if self.destroyed then return end
    self.destroyed = true
    if not ended(self) then
        self:kill("CONT")
        self:kill("KILL")
        assert(await(10, function() return ended(self) end), "the process survived SIGKILL")
    end
    remove(self.prefix)
end

--- Starts a Lua script that runs beside the caller. `pid` is the interpreter's own.
function child.start(script, options)
    local prefix = prepare(script)
    local inner = quote('echo $$ >"$0.new"; mv "$0.new" "$0.pid"; exec "$@"')
    local line = ("{ sh -c %s %s %s >%s 2>%s; echo $? >%s.new; mv %s.new %s; } 2>/dev/null"):format(inner, quote(prefix),
        command(prefix, options or {}), quote(prefix .. ".out"), quote(prefix .. ".err"), quote(prefix), quote(prefix),
        quote(prefix .. ".rc"))
    local self = setmetatable({ prefix = prefix, position = 1, stdin = assert(io.popen(line, "w")) }, Process)
    self.pid = assert(await(10, function() return tonumber(read(prefix .. ".pid") or "") end), "the child did not start")
    return self
end

return child
