-- Many children at once, each with the exact moment of its end: luv reports exits as they happen, so what one child
-- does never blurs the time of another. (One child at a time: spec.support.child.)
local uv = require "luv"
local child = require "spec.support.child"

local pool = {}

local function now() return uv.hrtime() / 1e9 end

-- Collects a pipe's text; calls on_line for each complete line.
local function collect(pipe, on_line, on_end)
    local parts, rest = {}, ""
    pipe:read_start(function(_, chunk)
        if not chunk then
            pipe:close()
            return on_end(table.concat(parts))
        end
        parts[#parts + 1] = chunk
        rest = rest .. chunk
        for line in rest:gmatch("([^\n]*)\n") do on_line(line) end
        rest = rest:match("[^\n]*$")
    end)
end

-- job: {file=, args={…}, timeout=30, on_line=function(line, kill)}. Fills in the run when the child is gone.
local function launch(job, finished)
    local run = { job = job, marks = {} }
    local out, err, timer = uv.new_pipe(false), uv.new_pipe(false), uv.new_timer()
    local handle, left = nil, 3
    local function part_done()
        left = left - 1
        if left == 0 then finished(run) end
    end
    local args = { job.file }
    for _, word in ipairs(job.args) do args[#args + 1] = tostring(word) end
    handle, run.pid = uv.spawn(child.lua, { args = args, stdio = { nil, out, err } }, function(status, signal)
        run.ended = now()
        run.status, run.signal = status, signal ~= 0 and signal or nil
        timer:close()
        handle:close()
        part_done()
    end)
    assert(handle, run.pid)
    collect(out, function(line)
        run.marks[line] = run.marks[line] or now()
        if job.on_line then job.on_line(line, function(signal) handle:kill(signal) end) end
    end, function(text) run.out = text; part_done() end)
    collect(err, function() end, function(text) run.err = text; part_done() end)
    uv.update_time()
    timer:start((job.timeout or 30) * 1000, 0, function()
        run.timed_out = true
        handle:kill("sigkill")
    end)
end

--- Runs all jobs, `width` at a time. → array of runs in the order of the jobs:
--- {status, signal, timed_out, out, err, ended (seconds), marks = first time each line of stdout was seen (seconds)}.
function pool.run(jobs, width)
    local runs, next_job, alive = {}, 1, 0
    local function start_next()
        local index = next_job
        next_job, alive = next_job + 1, alive + 1
        launch(jobs[index], function(run)
            runs[index] = run
            alive = alive - 1
        end)
    end
    repeat
        while alive < width and jobs[next_job] do start_next() end
        uv.run("once")
    until alive == 0 and not jobs[next_job]
    return runs
end

return pool
