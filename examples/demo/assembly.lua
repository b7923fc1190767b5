-- Puts numbered lines back in order into a temporary file; what came too early waits in memory.
local assembly = {}
assembly.__index = assembly

function assembly.new()
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    local self = { path = path, file = file, next = 1, early = {}, lines = 0, bytes = 0, repeated = 0 }
    return setmetatable(self, assembly)
end

function assembly:add(number, line)
    if number < self.next or self.early[number] then
        self.repeated = self.repeated + 1                       -- a retry may store a message twice; once is enough
        return
    end
    self.early[number] = line
    self.lines, self.bytes = self.lines + 1, self.bytes + #line
    while self.early[self.next] do
        assert(self.file:write(self.early[self.next]))
        self.early[self.next] = nil
        self.next = self.next + 1
    end
end

function assembly:discard()
    self.file:close()
    os.remove(self.path)
end

-- The checksum of all lines up to the first one that is missing.
function assembly:finish(checksum)
    assert(self.file:close())
    local sum = checksum(self.path)
    os.remove(self.path)
    return sum
end

return assembly
