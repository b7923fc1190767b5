-- `luarocks make` into an empty tree, for the Lua version under test. It shares the checkout's build, so it takes seconds.
local h = require "spec.helper"

local function shell(command)
    local pipe = assert(io.popen(command .. "; echo $?"))
    local output = pipe:read("*a")
    pipe:close()
    local text, status = output:match("^(.-)(%d+)\n$")
    return tonumber(status), text
end

describe("The rock", function()
    local version = _VERSION:match("%d+%.%d+")
    local tree, module

    lazy_setup(function()
        local _, name = shell("mktemp -d")
        tree = name:match("^(%S+)\n$")
        module = ("%s/lib/lua/%s/kafka.so"):format(tree, version)
        local status, log = shell(("timeout 600 luarocks --lua-version=%s --tree='%s' make 2>&1"):format(version, tree))
        assert.are.equal(0, status, log)
    end)

    lazy_teardown(function() shell("rm -rf '" .. tree .. "'") end)

    it("is required from the tree it was installed to", function()
        local child = h.run([[
            local file = ...
            assert(not package.preload.kafka)
            local kafka = require "kafka"
            if package.searchpath then assert(package.searchpath("kafka", package.cpath) == file) end
            local maps = io.open("/proc/self/maps")
            if maps then
                assert(maps:read("*a"):find(file, 1, true), "another file was loaded")
                maps:close()
            end
            io.write(kafka.version(), " ", kafka.librdkafka_version())
        ]], { args = { module }, env = { LUA_PATH = "", LUA_CPATH = module:gsub("kafka%.so$", "?.so"), LUA_INIT = "" } })
        assert.are.equal("", child.err)
        assert.are.equal(0, child.status)
        assert.are.equal(h.kafka.version() .. " " .. h.kafka.librdkafka_version(), child.out)
    end)

    it("brings the stubs and the documents along", function()
        local rock = ("%s/lib/luarocks/rocks-%s/lua-kafka/scm-1/"):format(tree, version)
        for _, path in ipairs { "types/kafka.lua", "docs/architecture.md" } do
            assert(io.open(rock .. path)):close()
        end
    end)

    it("is known to luarocks as lua-kafka", function()
        local _, listing = shell(("luarocks --lua-version=%s --tree='%s' list --porcelain"):format(version, tree))
        assert.matches("^lua%-kafka\tscm%-1\tinstalled", listing)
    end)
end)
