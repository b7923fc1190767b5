-- The exit matrix: ways to leave × broker live or dead × plaintext or TLS, run by pool and judged by what the broker
-- counted.
local pool = require "spec.lifetime.pool"
local broker = require "spec.lifetime.broker"
local tls = require "spec.lifetime.tls"

local matrix = {}

matrix.messages = 1000

local ways = {
    { id = "return", title = "the end of the script" },
    { id = "error", title = "error()" },
    { id = "exit", title = "os.exit(0)" },
    { id = "exit_close", title = "os.exit(0, true)" },
    { id = "sigterm", title = "SIGTERM" },
}
local manners = { "warm", "cold", "member" }

--- All cells: {name, title, way, state, wire}. A shorter exit_timeout for the dead broker, else its default.
function matrix.cells()
    local cells = {}
    for _, way in ipairs(ways) do
        for _, state in ipairs { "live", "dead" } do
            for _, wire in ipairs { "plaintext", "tls" } do
                cells[#cells + 1] = {
                    name = ("%s-%s-%s"):format(way.id, state, wire),
                    title = ("%s, %s broker, %s"):format(way.title, state, wire),
                    way = way.id,
                    state = state,
                    wire = wire,
                    exit_timeout = state == "live" and 5000 or 1000,
                }
            end
        end
    end
    return cells
end

-- A dead broker has more than one face: nobody listens, or the server has stopped answering after TCP's or after
-- TLS's hello.
local function address(cell, index, cluster, proxy)
    if cell.wire == "tls" then
        if cell.state == "live" then return proxy.live end
        return index % 3 == 0 and proxy.deaf or proxy.hole
    end
    if cell.state == "live" then return cluster.servers end
    return index % 3 == 0 and proxy.deaf or tls.refused()
end

local function job(cell, index, cluster, proxy, topic)
    local manner = manners[(index - 1) % #manners + 1]
    local tag = ("%s-%d"):format(cell.name, index)
    return {
        file = "spec/lifetime/leave.lua",
        args = { cell.way, manner, address(cell, index, cluster, proxy), topic, tag, matrix.messages, cell.exit_timeout,
            cell.wire == "tls" and proxy.ca or "-", cell.state },
        timeout = 30,
        on_line = cell.way == "sigterm" and function(line, kill)
            if line == "leaving" then kill "sigterm" end
        end or nil,
        cell = cell,
        tag = tag,
    }
end

--- Runs each cell `runs(cell)` times, four children at a time. → {[cell.name] = array of runs}, each with `count`
-- from the broker.
function matrix.run(cells, runs)
    local cluster = broker.start(1)
    local proxy = tls.start(cluster.servers)
    local topic = cluster:topic("exits", 4)
    local jobs = {}
    for _, cell in ipairs(cells) do
        for index = 1, runs(cell) do
            jobs[#jobs + 1] = job(cell, index, cluster, proxy, topic)
        end
    end
    local results = {}
    local done = pool.run(jobs, 4)
    local counts = cluster:count(topic)
    for i, run in ipairs(done) do
        local cell = jobs[i].cell
        run.count = counts[jobs[i].tag]
        results[cell.name] = results[cell.name] or {}
        table.insert(results[cell.name], run)
    end
    proxy:close()
    cluster:close()
    return results
end

-- Standard error without what the interpreter itself says about error().
local function own_lines(run)
    local lines = {}
    for line in run.err:gmatch("[^\n]+") do
        if not (line:find("leave.lua:%d+: on purpose") or line == "stack traceback:" or line:find("^\t")) then
            lines[#lines + 1] = line
        end
    end
    return lines
end

--- What is wrong with a run, in words; nil when it is as it must be.
function matrix.fault(cell, run)
    local terminated = cell.way == "sigterm"
    local lines = own_lines(run)
    local told = table.concat(lines, " | ")
    if run.timed_out then return "hung, and was killed; stderr: " .. told end
    if not run.marks.leaving then return "failed before it left: " .. run.err end
    if terminated then
        if run.signal ~= 15 then
            return ("status %s, signal %s instead of SIGTERM"):format(run.status, tostring(run.signal))
        end
    elseif run.signal then
        return ("died by signal %d; stderr: %s"):format(run.signal, told)
    elseif run.status ~= (cell.way == "error" and 1 or 0) then
        return ("exit status %d; stderr: %s"):format(run.status, told)
    end
    local seconds, limit = run.ended - run.marks.leaving, cell.exit_timeout / 1000 + 1
    if seconds > limit then return ("took %.2f s of %g s to exit"):format(seconds, limit) end
    if run.count.messages ~= run.count.distinct then
        return ("%d messages in the broker, %d of them distinct"):format(run.count.messages, run.count.distinct)
    end
    if terminated then return #lines > 0 and "stderr: " .. told or nil end
    if cell.state == "live" then
        if run.count.distinct ~= matrix.messages then
            return ("%d of %d messages delivered; stderr: %s"):format(run.count.distinct, matrix.messages, told)
        end
        return #lines > 0 and "stderr: " .. told or nil
    end
    if #lines ~= 1 or not lines[1]:find("%f[%d]" .. matrix.messages .. "%f[%D]") then
        return "stderr is not one line with the count: " .. told
    end
    return nil
end

return matrix
