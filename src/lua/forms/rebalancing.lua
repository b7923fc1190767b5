-- Who runs the callbacks of a consumer's rebalance. A coroutine may be dropped in the middle of one, and
-- an error of a debug hook (Ctrl-C, a limit of time) ends even our own code: nobody would answer the group.
local running, status = coroutine.running, coroutine.status
local getinfo = debug.getinfo

local MAIN = {} -- where Lua has no name for the main coroutine
local runners = setmetatable({}, { __mode = "kv" }) -- consumer → coroutine
local owners = {} -- the functions that answer a rebalance once its callbacks have ended

local function runs_an_owner(thread, is_current)
    local level = 0
    while true do
        local info
        if is_current then info = getinfo(level, "f") else info = getinfo(thread, level, "f") end
        if not info then return false end
        if owners[info.func] then return true end
        level = level + 1
    end
end

local rebalancing = {}

--- `owner`, which is running, answers what it begins.
function rebalancing.begin(self, owner)
    owners[owner] = true
    runners[self] = running() or MAIN
end

--- Whether whoever began is gone without an answer.
function rebalancing.is_abandoned(self)
    local runner = runners[self]
    if runner == nil then return true end
    local current = running() or MAIN
    if runner ~= MAIN and runner ~= current and status(runner) == "dead" then return true end
    if not getinfo or runner == MAIN and current ~= MAIN then return false end
    return not runs_an_owner(runner, runner == current)
end

return rebalancing
