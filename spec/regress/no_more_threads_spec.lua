-- librdkafka crashes or hangs when the system gives it no thread for a part of a client: assertions it was built without.
-- Red when a client is begun without seeing first that there are threads for it.
local h = require "spec.helper"

-- Each thread takes room for its stack from this limit. macOS has none.
if not io.open "/proc/self/status" then return end

local script = [[
ulimit -v 1500000
exec "$1" - <<'END'
local kafka = require "kafka"
local function make()
    return kafka.%s
end
local clients, why = {}, nil
while #clients < 1000 and not why do
    local ok, made = pcall(make)
    if ok then clients[#clients + 1] = made else why = made end
end
print(why)
for i = 1, #clients do clients[i]:close(0) end
print(pcall(make))
END
]]

describe("A system out of threads makes an error, not a crash, of", function()
    for name, call in pairs {
        producer = 'producer("127.0.0.1:1", { exit_timeout = 0 })',
        consumer = 'consumer("127.0.0.1:1", { "t" }, { ["group.id"] = "g", exit_timeout = 0 })',
    } do
        it("a " .. name .. " too many, and the others go on", function()
            local run = h.run(script:format(call), { lua = "sh", args = { h.lua }, timeout = 60 })
            assert.is_nil(run.signal, run.out .. run.err)
            assert.are.equal(0, run.status, run.err)
            assert.matches("^rd_kafka_new failed: the system gives it no threads: [^\n]+\ntrue\tkafka%.", run.out)
        end)
    end
end)

-- Red when a client that no thread can close is given up without its count.
describe("Messages that no thread can deliver", function()
    it("are counted on stderr, each once", function()
        local run = h.run([[
ulimit -v 1500000
exec "$1" - <<'END'
local kafka = require "kafka"
CLIENTS = {}
while #CLIENTS < 1000 do
    local ok, made = pcall(kafka.producer, "127.0.0.1:1", { exit_timeout = 100 })
    if not ok then break end
    CLIENTS[#CLIENTS + 1] = made
    made:produce("t", "x")
end
print(#CLIENTS)
END
]], { lua = "sh", args = { h.lua }, timeout = 60 })
        assert.are.equal(0, run.status, run.err)
        local lost = 0
        for count in run.err:gmatch "kafka: (%d+) message" do lost = lost + tonumber(count) end
        assert.are.equal(tonumber(run.out), lost, run.err)
    end)
end)
