-- Random numbers that are the same for a seed on every Lua, so that a failure can be run again on another one.
-- Park and Miller's generator: its products stay below 2^53, exact in doubles and in integers alike.
local random = {}
random.__index = random

function random.new(seed)
    seed = math.floor(seed) % 2147483647
    return setmetatable({ state = seed == 0 and 1 or seed }, random)
end

--- An integer from low to high, both possible.
function random:int(low, high)
    self.state = (self.state * 16807) % 2147483647
    return low + math.floor((self.state - 1) / 2147483646 * (high - low + 1))
end

--- True once in n times.
function random:one_in(n)
    return self:int(1, n) == 1
end

--- One of a list.
function random:pick(list)
    return list[self:int(1, #list)]
end

--- A string of n bytes, all 256 values among them when n allows.
function random:bytes(n)
    local block = {}
    for i = 1, 1024 do block[i] = string.char(i <= 256 and i - 1 or self:int(0, 255)) end
    local text = table.concat(block)
    return text:rep(math.floor(n / 1024)) .. text:sub(1, n % 1024)
end

return random
