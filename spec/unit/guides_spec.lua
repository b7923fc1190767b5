-- The Lua blocks of the guides are programs: those of a guide run one after the other, and print what they say they do.
-- `--> text` at the end of a line is what the program prints next; `<!-- needs name -->` names a library a block uses.
local h = require "spec.helper"

local GUIDES = {
    "coming-from-the-old-module", "nothing-lost", "errors", "event-loops", "testing-your-program", "configuration",
    "forking", "partitioning", "producing",
    "groups-and-offsets", "consuming", "transactions", "security", "asking-the-cluster", "logs-and-statistics",
    "simple-consumer-and-queues", "reading-a-window",
}

-- → array of {needs=, text=} in order.
local function blocks_of(guide)
    local blocks, needs, open = {}, nil, nil
    for line in io.lines("docs/guides/" .. guide .. ".md") do
        if open and line == "```" then
            blocks[#blocks + 1] = { needs = open.needs, text = table.concat(open, "\n") .. "\n" }
            open = nil
        elseif open then
            open[#open + 1] = line
        elseif line == "```lua" then
            open, needs = { needs = needs }, nil
        elseif line:match("^```") then
            error(guide .. ".md has a block that is not Lua: " .. line)
        end
        needs = line:match("^<!%-%- needs ([%w_.]+) %-%->$") or needs
    end
    assert(not open, guide .. ".md has a block without an end")
    return blocks
end

local function present(library) return not library or (pcall(require, library)) end

-- The program of a guide, and what it must print. The blocks share nothing but what they declare outside functions.
local function program_of(guide, brokers)
    local texts, expected = {}, {}
    for _, block in ipairs(blocks_of(guide)) do
        if present(block.needs) then
            texts[#texts + 1] = block.text
            for said in block.text:gmatch("%-%-> ([^\n]*)") do expected[#expected + 1] = said end
        end
    end
    return (table.concat(texts):gsub("localhost:9092", brokers)), expected
end

local function lines_of(text)
    local lines = {}
    for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
    return lines
end

describe("guides", function()
    after_each(h.cleanup)

    it("are the ones that are known here", function()
        local found, pipe = {}, assert(io.popen("ls docs/guides"))
        for name in pipe:lines() do found[#found + 1] = name:match("^(.*)%.md$") end
        pipe:close()
        local known = { (table.unpack or unpack)(GUIDES) }
        table.sort(known)
        assert.same(known, found)
    end)

    for _, guide in ipairs(GUIDES) do
        it(guide .. " prints what it says", function()
            local mock = h.mock()
            local program, expected = program_of(guide, mock:bootstrap_servers())
            local result = h.run(program, { timeout = 60 })
            assert.equal("", result.err)
            assert.equal(0, result.status)
            assert.same(expected, lines_of(result.out))
        end)
    end

    it("list the calls a mock cluster has, all of them", function()
        local text = assert(io.open("docs/guides/testing-your-program.md")):read("*a")
        local listed, live = {}, {}
        for name in assert(text:match("The calls: `(.-)`")):gmatch("[%w_]+") do listed[#listed + 1] = name end
        for name in pairs(getmetatable(h.mock()).__index) do live[#live + 1] = name end
        table.sort(listed)
        table.sort(live)
        assert.same(live, listed)
    end)

    it("link to files that exist", function()
        for _, guide in ipairs(GUIDES) do
            local text = assert(io.open("docs/guides/" .. guide .. ".md")):read("*a")
            for target in text:gmatch("%]%(([%w%-_./]+)%)") do
                assert.is_truthy(io.open("docs/guides/" .. target), guide .. " links to " .. target)
            end
            for path in text:gmatch("`(examples/[%w_/.]+)`") do
                assert.is_truthy(io.open(path), guide .. " names " .. path)
            end
            for path in text:gmatch("`(types/[%w_/.]+)`") do
                assert.is_truthy(io.open(path), guide .. " names " .. path)
            end
        end
    end)
end)
