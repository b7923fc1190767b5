-- Which partition a message goes to: librdkafka's partitioners by name, kafka.partitioner.
local h = require "spec.helper"
local places = require "spec.support.places"
local kafka = h.kafka

-- What Utils.murmur2 of Kafka's Java client gives, and its partition among 12 and among 7.
local JAVA = {
    { "", 275646681, 9, 2 }, { "a", -1563381124, 4, 5 }, { "ab", 316155434, 2, 0 }, { "abc", 479470107, 3, 4 },
    { "abcd", -1323649548, 8, 5 }, { "21", -973932308, 0, 3 }, { "kafka", -798503068, 4, 3 }, { "foobar", -790332482, 6, 0 },
    { "1234", -1614185708, 0, 0 }, { "giberish123456789", -1890243828, 8, 5 }, { "a-little-bit-long-string", -985981536, 8, 1 },
    { "a-little-bit-longer-string", -1486304829, 11, 0 }, { "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, 5, 3 },
    { "order-1", 1221710326, 10, 4 }, { "order-2", -1055499005, 3, 1 }, { "user:42", -1493546323, 1, 6 },
    { "Gr\195\188\195\159e", 1190824359, 3, 4 }, { "\230\151\165\230\156\172\232\170\158", 1431860170, 10, 6 },
    { "\0", 375494588, 8, 0 }, { "\255\255\255\255\255", -363838622, 6, 2 },
}

local KEYS = { "", "a", "b", "abc", "order-1", "order-2", "\0", "\255\254", ("long"):rep(1000) }
for i = 1, 40 do KEYS[#KEYS + 1] = "key-" .. i end

local noting = places.noting

describe("kafka.partitioner", function()
    after_each(h.cleanup)

    it("has the Java client's murmur2", function()
        for _, known in ipairs(JAVA) do
            local key, hash = known[1], known[2] % 2 ^ 31
            assert.equal(hash % 12, known[3])
            assert.equal(known[3], kafka.partitioner.murmur2(key, 12), key)
            assert.equal(known[4], kafka.partitioner.murmur2(key, 7), key)
            assert.equal(0, kafka.partitioner.murmur2(key, 1))
        end
    end)

    it("has CRC32 and FNV-1a as other clients have them", function()
        -- zlib's crc32; Sarama's hash partitioner.
        assert.equal(3421780262 % 1000, kafka.partitioner.crc32("123456789", 1000))
        assert.equal(0, kafka.partitioner.crc32("", 1000))
        assert.equal(0xd33c4e1 % 1000, kafka.partitioner.fnv1a("kafka", 1000))
        assert.equal(0x77a58295 % 1000, kafka.partitioner.fnv1a("giberish123456789", 1000))
    end)

    it("takes no key as the empty key", function()
        for name, partition_of in pairs(kafka.partitioner) do
            assert.equal(partition_of("", 97), partition_of(nil, 97), name)
        end
    end)

    it("chooses what a producer with that partitioner chooses", function()
        local mock = h.mock{ topics = { t = 7 } }
        for name, hash in pairs{
            murmur2 = "murmur2", murmur2_random = "murmur2", consistent = "crc32", consistent_random = "crc32", fnv1a = "fnv1a",
            fnv1a_random = "fnv1a",
        } do
            local p, went = noting(mock:bootstrap_servers(), { partitioner = name })
            for i, key in ipairs(KEYS) do p:produce("t", "k" .. i, key) end
            if not name:find "random" then p:produce("t", "no key", nil) end
            assert.is_true(p:flush())
            for i, key in ipairs(KEYS) do
                -- consistent_random takes an empty key for none.
                if not (name == "consistent_random" and key == "") then
                    assert.equal(kafka.partitioner[hash](key, 7), went["k" .. i], name .. " " .. key:sub(1, 20))
                end
            end
            if not name:find "random" then assert.equal(kafka.partitioner[hash](nil, 7), went["no key"], name) end
        end
    end)

    it("does not bind a producer whose partitioner is random", function()
        local mock = h.mock{ topics = { t = 7 } }
        local p, went = noting(mock:bootstrap_servers(), { partitioner = "random" })
        for i = 1, 200 do assert(p:produce("t", "v" .. i, "one key")) end
        assert.is_true(p:flush())
        local used, count = {}, 0
        for i = 1, 200 do
            local partition = went["v" .. i]
            if not used[partition] then used[partition], count = true, count + 1 end
        end
        assert.is_true(count > 1, "all of one key went to one partition")
    end)

    it("refuses anything but a key and a count", function()
        local use = h.chunk("local f, key, n = ...\nlocal p = f(key, n)")
        for _, bad in ipairs{ { {}, 3 }, { true, 3 }, { "k", 0 }, { "k", -1 }, { "k", 1.5 }, { "k", "x" }, { "k", 2 ^ 31 }, { "k", 0 / 0 } } do
            local err = h.error_of(use, kafka.partitioner.murmur2, bad[1], bad[2])
            assert.matches("^user%.lua:2: bad argument #%d", err)
        end
        assert.matches("incorrect number of arguments", h.error_of(kafka.partitioner.crc32, "k"), 1, true)
        assert.equal(kafka.partitioner.fnv1a("7", 5), kafka.partitioner.fnv1a(7, 5))
    end)
end)

describe("The option partitioner", function()
    after_each(h.cleanup)

    it("refuses a name librdkafka does not know, and what is neither a name nor a function", function()
        assert.matches("no_such", h.error_of(kafka.producer, { ["bootstrap.servers"] = h.nowhere, partitioner = "no_such" }), 1, true)
        for _, bad in ipairs{ {}, true, 7, io.stdout } do
            local err = h.error_of(kafka.producer, { ["bootstrap.servers"] = h.nowhere, partitioner = bad })
            assert.matches("option partitioner: a function, or the name of one of librdkafka's, expected", err, 1, true)
        end
        assert.matches("a producer's option", h.error_of(kafka.consumer, h.nowhere, { "t" }, { ["group.id"] = "g", partitioner = print }), 1, true)
    end)

    it("is inherited from a metatable, as other options are", function()
        local mock = h.mock{ topics = { t = 3 } }
        local p, went = noting(mock:bootstrap_servers(), setmetatable({}, { __index = { partitioner = function() return 2 end } }))
        assert.is_true(p:produce("t", "v"))
        assert.is_true(p:flush())
        assert.equal(2, went.v)
    end)
end)
