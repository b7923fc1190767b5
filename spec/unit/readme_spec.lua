-- Every Lua block of the README is a program that runs. Where a text block follows, that is what it prints.
local h = require "spec.helper"

-- { {line=, code=, prints=text or nil}, … }
local function blocks_of(path)
    local blocks, language, lines, start = {}, nil, nil, nil
    local number = 0
    for line in io.lines(path) do
        number = number + 1
        local fence = line:match("^```(%w*)")
        if fence and not language then
            language, lines, start = fence, {}, number
        elseif fence then
            local text = table.concat(lines, "\n")
            if language == "lua" then
                blocks[#blocks + 1] = { line = start, code = text }
            elseif language == "text" and #blocks > 0 then
                blocks[#blocks].prints = text
            end
            language = nil
        elseif language then
            lines[#lines + 1] = line
        end
    end
    return blocks
end

-- print separates by tabs, which nobody can see in a document.
local function spaced(text)
    return (text:gsub("[ \t]+", " "):gsub("%s+$", ""))
end

describe("The README", function()
    after_each(h.cleanup)
    local blocks = blocks_of("README.md")

    it("shows a producer and a consumer", function()
        local all = {}
        for _, block in ipairs(blocks) do all[#all + 1] = block.code end
        local text = table.concat(all, "\n")
        assert.matches("kafka%.producer", text)
        assert.matches("kafka%.consumer", text)
    end)

    for _, block in ipairs(blocks) do
        it(("runs as it stands in line %d"):format(block.line), function()
            local mock = h.mock { brokers = 1 }
            local code = block.code:gsub("localhost:9092", (mock:bootstrap_servers():gsub("%%", "%%%%")))
            local child = h.run(code, { timeout = 30 })
            assert.are.equal("", child.err)
            assert.are.equal(0, child.status)
            if block.prints then assert.are.equal(spaced(block.prints), spaced(child.out)) end
        end)
    end
end)
