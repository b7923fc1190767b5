-- The demo: any file comes back byte by byte, and its exit status tells when one does not.
local h = require "spec.helper"

local TOPIC = "lua-kafka-demo"
local files = {}

local function file_of(bytes)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    assert(file:write(bytes))
    file:close()
    files[#files + 1] = path
    return path
end

local function demo(...)
    return h.run("arg[0] = 'examples/demo.lua' dofile(arg[0])", { args = { ... }, timeout = 120 })
end

local function assert_equal_copy(result, lines, bytes)
    assert.equal(0, result.status, result.out .. result.err)
    assert.equal("", result.err)
    assert.is_truthy(result.out:find(("read back      %s lines, %s bytes\n"):format(lines, bytes), 1, true), result.out)
    local sent = result.out:match("SHA%-256 sent%s+(%x+)\n")
    local back = result.out:match("SHA%-256 back%s+(%x+)\n")
    assert.equal(64, #sent)
    assert.equal(sent, back)
end

describe("the demo", function()
    after_each(function()
        for i = #files, 1, -1 do os.remove(table.remove(files, i)) end
        h.cleanup()
    end)

    it("sends the logbook of the repository", function()
        local result = demo()
        assert_equal_copy(result, "4,000", "258,064")
        assert.is_truthy(result.out:find("\nfailures       0\n", 1, true))
        assert.is_truthy(result.out:find("messages a second", 1, true))
        assert.is_truthy(result.out:find("\n  sent [%d,]+  confirmed"), "no progress was shown")
    end)

    it("has the logbook its script writes", function()
        local written = h.run(assert(io.open("examples/data/generate.lua", "rb")):read("*a")).out
        local shipped = assert(io.open("examples/data/harbour.log", "rb")):read("*a")
        assert.is_true(written == shipped)
    end)

    for title, text in pairs{
        ["an empty file"] = "",
        ["a file without a last line feed"] = "one\ntwo\nthree",
        ["carriage returns"] = "one\r\n\r\ntwo\r\n",
        ["empty lines"] = "\n\n\nfour\n\n",
        ["one empty line"] = "\n",
        ["lines that look like the demo's own numbers"] = "1:2:3\nabc:1:\n:\n",
    } do
        it("brings back " .. title, function()
            local _, feeds = text:gsub("\n", "")
            local lines = feeds + (text:find("[^\n]$") and 1 or 0)
            assert_equal_copy(demo(file_of(text)), lines, #text)
        end)
    end

    it("brings back every byte there is", function()
        local bytes = {}
        for n = 0, 255 do bytes[n + 1] = string.char(n, 255 - n, n) end
        local text = table.concat(bytes)
        local _, feeds = text:gsub("\n", "")
        assert_equal_copy(demo(file_of(text)), feeds + 1, #text)
    end)

    it("brings back a line longer than a message may be", function()
        assert_equal_copy(demo(file_of(("x"):rep(1200000) .. "\nend\n")), 4, "1,200,005")
    end)

    it("brings back more than the mock cluster keeps", function()
        local line = ("x"):rep(999) .. "\n"
        assert_equal_copy(demo(file_of(line:rep(24000))), "24,000", "24,000,000")
    end)

    it("takes brokers, and leaves alone what an earlier run sent", function()
        local mock = h.mock{ topics = { [TOPIC] = 4 } }
        local path = file_of("one\ntwo\n")
        assert_equal_copy(demo(path, mock:bootstrap_servers()), 2, 8)
        assert_equal_copy(demo(path, mock:bootstrap_servers()), 2, 8)
    end)

    it("uses all four partitions", function()
        local mock = h.mock{ topics = { [TOPIC] = 4 } }
        demo(file_of("1\n2\n3\n4\n"), mock:bootstrap_servers())
        local partitions = {}
        for _, message in ipairs(h.drain(mock:bootstrap_servers(), TOPIC, { count = 4 })) do
            partitions[#partitions + 1] = message.partition
        end
        assert.same({ 0, 1, 2, 3 }, partitions)
    end)

    it("exits with 1 and the first reason when a broker refuses lines", function()
        local mock = h.mock{ topics = { [TOPIC] = 4 } }
        mock:push_errors("Produce", { "TOPIC_AUTHORIZATION_FAILED" })
        local result = demo(file_of("one\ntwo\nthree\nfour\nfive\n"), mock:bootstrap_servers())
        assert.equal(1, result.status)
        assert.is_truthy(result.out:find("DIFFERENT", 1, true), result.out)
        assert.is_truthy(result.out:find("the first was line %d+: "), result.out)
    end)

    it("exits with 1 when the topic has fewer than four partitions", function()
        local mock = h.mock{ topics = { [TOPIC] = 2 } }
        local result = demo(file_of("one\ntwo\nthree\nfour\nfive\n"), mock:bootstrap_servers())
        assert.equal(1, result.status, result.out)
    end)

    it("exits with 1 and says so when there is no such file", function()
        local result = demo("no/such/file")
        assert.equal(1, result.status)
        assert.is_truthy(result.out:find("demo failed: no/such/file", 1, true), result.out)
    end)

    it("exits with 1 and says so when the file cannot be read", function()
        local result = demo("examples") -- a directory opens, and then reads as nothing
        assert.equal(1, result.status, result.out)
        assert.is_truthy(result.out:find("demo failed: reading examples: Is a directory", 1, true), result.out)
    end)
end)
