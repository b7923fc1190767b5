-- What the shared object promises the dynamic linker. Linux only: elsewhere the module pins itself at run time.
local h = require "spec.helper"

local function lines_of(command)
    local pipe = assert(io.popen(command))
    local lines = {}
    for line in pipe:lines() do lines[#lines + 1] = line end
    pipe:close()
    return lines
end

if lines_of("uname -s")[1] ~= "Linux" then return end

describe("The shared object", function()
    local path

    lazy_setup(function()
        local version = h.is_jit and "5.1" or h.version
        local cpath = assert(os.getenv "LUA_CPATH", "LUA_CPATH is set by the runner")
        path = cpath:match("([^;]*build/" .. version:gsub("%.", "%%.") .. "/)%?") .. "kafka.so"
        assert(io.open(path, "rb")):close()
    end)

    it("is never unloaded: its threads outlive the Lua state that loaded it", function()
        assert.matches("NODELETE", table.concat(lines_of("readelf -d '" .. path .. "'"), "\n"))
    end)

    it("exports luaopen_kafka and nothing but names that begin so", function()
        local found = false
        for _, line in ipairs(lines_of("nm -D --defined-only '" .. path .. "'")) do
            local name = line:match("(%S+)$")
            assert.matches("^luaopen_kafka", name)
            found = found or name == "luaopen_kafka"
        end
        assert.is_true(found)
    end)
end)
