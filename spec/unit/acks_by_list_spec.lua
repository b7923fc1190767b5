-- With ack="manual" and "required" what a program stores or commits by a list of its own is done, as if it were acked.
local h = require "spec.helper"

describe("with acks, what is stored or committed by a list", function()
    after_each(h.cleanup)
    local mock

    before_each(function()
        mock = h.mock { topics = { t = 1 } }
        local values = {}
        for i = 1, 10 do values[i] = { value = "v" .. i, partition = 0 } end
        h.fill(mock:bootstrap_servers(), "t", values)
    end)

    local function after(message) return { { topic = "t", partition = 0, offset = message.offset + 1 } } end
    local ways = {
        ["a list to commit"] = function(c, message) return c:commit(after(message)) end,
        ["a list to commit_async"] = function(c, message) return c:commit_async(after(message)) end,
        ["a list to store"] = function(c, message) return c:store(after(message)) end,
        ["a message to store"] = function(c, message) return c:store(message) end,
    }

    for name, done in pairs(ways) do
        it('lets the next one come with "required": ' .. name, function()
            local c = h.reader(mock, { ack = "required" })
            for offset = 0, 3 do
                local message = h.next_message(c)
                assert.are.equal(offset, message.offset)
                assert(done(c, message))
            end
        end)

        it("makes room under max_unacked: " .. name, function()
            local c = h.reader(mock, { ack = "manual", max_unacked = 2 })
            for _ = 1, 4 do
                h.next_message(c)
                assert(done(c, h.next_message(c)))
            end
        end)
    end

    it("is as much as the list says, and what was acked behind that", function()
        local c = h.reader(mock, { ack = "manual" })
        local m = {}
        for i = 1, 6 do m[i] = h.next_message(c) end
        assert.is_true(m[4]:ack())
        assert(c:store(m[2]))
        assert.is_false(m[1]:ack())
        assert(c:commit())
        assert.are.equal(2, c:committed({ "t:0" })[1].offset)
        assert(c:store(m[3]))
        assert(c:commit())
        assert.are.equal(4, c:committed({ "t:0" })[1].offset)
    end)
end)
