-- What the demo shows: one line that changes on a terminal, a line now and then elsewhere, and the report.
local terminal = {}

local function thousands(n)
    local text = ("%d"):format(n)
    while true do
        local more
        text, more = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
        if more == 0 then return text end
    end
end

local on_tty
local function is_tty()
    if on_tty == nil then
        local status = os.execute("test -t 1")                  -- true on 5.2 and later, 0 before
        on_tty = status == true or status == 0
    end
    return on_tty
end

local shown_at, show_lines, open_line = os.time(), 1000, false

-- Every second; and at 1,000 lines, 2,000, 4,000, …, for files that take less than one. On a terminal every 1,000.
function terminal.progress(count, result)
    if os.time() == shown_at and result.lines < show_lines then return end
    shown_at = os.time()
    while show_lines <= result.lines do show_lines = is_tty() and show_lines + 1000 or show_lines * 2 end
    local text = ("  sent %s  confirmed %s  failed %s  read back %s"):format(
        thousands(count.sent), thousands(count.confirmed), thousands(count.failed), thousands(result.lines))
    if is_tty() then
        io.write("\r", text, "\27[K")
        open_line = true
    else
        io.write(text, "\n")
    end
    io.flush()
end

function terminal.end_progress()
    if open_line then io.write("\n") end
    open_line = false
end

function terminal.report(of)
    local count, result = of.count, of.result
    local function line(name, text, ...) print(("%-14s %s"):format(name, text:format(...))) end
    local rate = of.seconds > 0 and thousands(math.floor(result.lines / of.seconds)) or "-"
    line("sent", "%s lines, %s bytes", thousands(count.sent), thousands(count.bytes))
    line("confirmed", "%s lines", thousands(count.confirmed))
    line("failures", "%s", thousands(count.failed))
    if of.first_failure then line("", "the first was %s", of.first_failure) end
    line("read back", "%s lines, %s bytes", thousands(result.lines), thousands(result.bytes))
    if result.repeated > 0 then line("repeated", "%s lines", thousands(result.repeated)) end
    if count.full > 0 then line("queue full", "%s times", thousands(count.full)) end
    line("speed", "%s messages a second there and back, %.2f s", rate, of.seconds)
    line("SHA-256 sent", "%s", of.sent_sum)
    line("SHA-256 back", "%s", of.read_sum)
    print(of.equal and "equal: every line came back, in order" or "DIFFERENT: the file did not come back as it was sent")
end

return terminal
