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

    -- What the group has, once the consumer is closed.
    local function left_by(c)
        assert(c:close())
        local asker = h.track(h.kafka.consumer { ["bootstrap.servers"] = mock:bootstrap_servers(), ["group.id"] = "g" })
        local place = asker:committed({ "t:0" })[1]
        asker:close()
        return place.offset, place.metadata
    end

    local function read(c, count)
        local m = {}
        for i = 1, count do m[i] = h.next_message(c) end
        return m
    end

    local function list(offset, metadata) return { { topic = "t", partition = 0, offset = offset, metadata = metadata } } end

    for _, call in ipairs { "commit", "commit_async" } do
        it("stays committed when the partition goes: " .. call, function()
            local c = h.reader(mock, { ack = "manual" })
            local m = read(c, 10)
            for i = 1, 5 do m[i]:ack() end
            assert(c[call](c, list(10, "mine")))
            assert.are.same({ 10, "mine" }, { left_by(c) })
        end)

        it("stays committed ahead of what was handed out, whatever is acked before it: " .. call, function()
            local c = h.reader(mock, { ack = "manual" })
            local m = read(c, 4)
            assert(c[call](c, list(8)))
            read(c, 1)[1]:ack()
            assert.is_false(m[1]:ack())
            assert.are.equal(8, (left_by(c)))
        end)

        it("stays committed behind what is acked, until the next ack: " .. call, function()
            local c = h.reader(mock, { ack = "manual" })
            for _, message in ipairs(read(c, 6)) do message:ack() end
            assert(c[call](c, list(2)))
            assert.are.equal(2, (left_by(c)))
            c = h.reader(mock, { ack = "manual" })
            local m = read(c, 6)
            for i = 1, 4 do m[i]:ack() end
            assert(c[call](c, list(3)))
            m[5]:ack()
            assert.are.equal(7, (left_by(c)))
        end)
    end

    it("does not take back what was acked while the commit was on its way", function()
        local c = h.reader(mock, { ack = "manual" })
        local m = read(c, 6)
        mock:set_rtt(1, 300)
        h.kafka.wrap(c, function() coroutine.yield() end)
        local co = coroutine.create(function() return c:commit(list(2)) end)
        assert(coroutine.resume(co))
        assert.are.equal("suspended", coroutine.status(co))
        for i = 1, 6 do m[i]:ack() end
        local ok, done, err
        h.wait_until(function()
            ok, done, err = coroutine.resume(co)
            return coroutine.status(co) == "dead"
        end, 20, "the answer")
        h.kafka.wrap(c, nil)
        assert(ok and done, err or done)
        assert.are.equal(6, (left_by(c)))
    end)

    it("stays committed ahead of what is read without acks", function()
        local c = h.reader(mock, {})
        read(c, 3)
        assert(c:commit(list(8)))
        read(c, 2)
        assert.are.equal(8, (left_by(c)))
    end)
end)
