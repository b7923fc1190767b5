-- The topics array of a classic consumer: names, regular expressions, and "topic:partition".
local h = require "spec.helper"
local kafka = h.kafka

local group = { ["group.id"] = "g" }

local function refusal(topics, brokers)
    return h.error_of(h.chunk("local kafka, brokers, topics, conf = ...\nlocal c = kafka.consumer(brokers, topics, conf)"),
        kafka, brokers or h.nowhere, topics, group)
end

-- The old document leaves open whether these carry a position.
local function text(topics) return (refusal(topics):gsub("^user%.lua:2: ", "")) end

local function consumer(mock, topics)
    return h.track(kafka.consumer(mock:bootstrap_servers(), topics, { ["group.id"] = h.topic("g") },
        { ["auto.offset.reset"] = "earliest" }))
end

local function values(c, count)
    local found = {}
    for i = 1, count do
        local got = h.receive(c)
        found[i] = ("%s/%d=%s"):format(got[2], got[3], got[1])
    end
    table.sort(found)
    return found
end

describe("the topics of a consumer", function()
    after_each(h.cleanup)

    it("must not be empty [11]", function()
        assert.are.equal("user.lua:2: bad argument #2 to 'consumer' (the topics array is empty)", refusal({}))
    end)

    it("must be an array of strings, or the refusal comes without a position [13]", function()
        for _, topics in ipairs { { "one", item = "x" }, { 1 }, { true }, { "one", {} }, { "one", [io.stdout] = "two" } } do
            assert.are.equal("topics must be an array of strings", refusal(topics))
        end
    end)

    it("are subscribed to when they are plain names [15]", function()
        local mock = h.mock { topics = { one = 1, two = 1 } }
        h.fill(mock:bootstrap_servers(), "one", { "a" })
        h.fill(mock:bootstrap_servers(), "two", { "b" })
        assert.are.same({ "one/0=a", "two/0=b" }, values(consumer(mock, { "one", "two" }), 2))
        local joined = false
        for _, request in ipairs(mock:requests()) do joined = joined or request.api == "JoinGroup" end
        assert.is_true(joined)
    end)

    it("are assigned when they have partitions, and no group is joined [15]", function()
        local mock = h.mock { topics = { one = 3, two = 1 } }
        local brokers = mock:bootstrap_servers()
        h.fill(brokers, "one", { { value = "a", partition = 0 }, { value = "b", partition = 1 }, { value = "c", partition = 2 } })
        h.fill(brokers, "two", { "d" })
        local c = consumer(mock, { "one:2", "two:0" })
        assert.are.same({ "one/2=c", "two/0=d" }, values(c, 2))
        assert.is_nil((c:receive())) -- nothing of partitions 0 and 1
        for _, request in ipairs(mock:requests()) do assert.are_not.equal("JoinGroup", request.api) end
    end)

    it("may be regular expressions [16]", function()
        local mock = h.mock { topics = { ["red-1"] = 1, ["red-2"] = 1, blue = 1 } }
        for _, topic in ipairs { "red-1", "red-2", "blue" } do h.fill(mock:bootstrap_servers(), topic, { "in " .. topic }) end
        assert.are.same({ "red-1/0=in red-1", "red-2/0=in red-2" }, values(consumer(mock, { "^red-.*" }), 2))
    end)

    it("have their colon read as part of a regular expression, not as a partition [16]", function()
        local mock = h.mock { topics = { ["red-1"] = 1 } }
        h.fill(mock:bootstrap_servers(), "red-1", { "m" })
        assert.are.same({ "red-1/0=m" }, values(consumer(mock, { "^[[:alpha:]]+-1$|^red-[0-9]" }), 1))
    end)

    it("are refused with a partition above INT32_MAX [14]", function()
        assert.are.equal("invalid topic partition > INT32_MAX", text { "test:9000000000" })
        assert.are.equal("invalid topic partition > INT32_MAX", text { "test:2147483648" })
        assert.are.equal("invalid topic partition > INT32_MAX", text { "test:99999999999999999999999999" })
    end)

    it("are refused with a partition below 0 [14]", function()
        assert.are.equal("invalid topic partition < 0", text { "test:-1" })
        assert.are.equal("invalid topic partition < 0", text { "fine:0", "test:-5" })
    end)

    it("that librdkafka will not subscribe to are refused without a position [15]", function()
        local refused = "rd_kafka_subscribe failed: Local: Invalid argument or configuration: "
        assert.are.equal(refused .. "'twice' stands there twice; name each topic once", refusal { "twice", "twice" })
        local broken = refusal { "^[" }
        assert.are.equal(refused .. "'^[' is not a valid regular expression: ", (broken:match "^.*expression: "))
        assert.matches("; after %^ a POSIX extended one is accepted$", broken)
    end)

    it("that librdkafka will not assign are refused without a position [15]", function()
        assert.are.equal("rd_kafka_assign failed: Local: Invalid argument or configuration: "
            .. "'twice:0' stands there twice; name each topic once", refusal { "twice:0", "twice:0" })
    end)
end)
