-- Forking beside threads that hold a lock of the C library's: the child would find it locked for ever. The chance is
-- small, so the library is made slow (spec/support/locks.c). Without luaposix (Lua 5.4) or a C compiler: nothing.
if not pcall(require, "posix.unistd") or not io.open "/proc/self/status" then return end

local h = require "spec.helper"

describe("A child forked while its parent's threads", function()
    local library

    setup(function()
        library = os.tmpname()
        local built = os.execute(("cc -shared -fPIC -o %s spec/support/locks.c -ldl 2>/dev/null"):format(library))
        if built ~= 0 and built ~= true then library = nil end
    end)
    teardown(function()
        if library then os.remove(library) end
    end)

    -- What `child` exits with, 20 times, beside what `beside` does.
    local function fork(beside, child)
        if not library then return pending "no C compiler" end
        local run = h.run([[
            local kafka = require "kafka"
            local uv = require "luv"
            local unistd, wait, signal = require "posix.unistd", require "posix.sys.wait", require "posix.signal"
            local answers = setmetatable({}, { __index = function() return 0 end })
            ]] .. beside .. [[
            for _ = 1, 20 do
                uv.sleep(7)
                local pid = unistd.fork()
                if pid == 0 then
                    ]] .. child .. [[
                end
                local limit = uv.hrtime() + 5e9
                local ended, how, status
                repeat
                    uv.sleep(1)
                    ended, how, status = wait.wait(pid, wait.WNOHANG)
                until ended == pid or uv.hrtime() > limit
                if ended ~= pid then
                    signal.kill(pid, signal.SIGKILL)
                    wait.wait(pid)
                    print "the child hangs"
                    os.exit(1)
                end
                answers[how .. " " .. status] = answers[how .. " " .. status] + 1
            end
            for answer, count in pairs(answers) do print(answer, count) end
            io.stdout:flush()
            unistd._exit(0)
        ]], { env = { LD_PRELOAD = library }, timeout = 60 })
        assert.equal("exited 7\t20\n", run.out, run.err)
    end

    -- Red when a fork does not wait for those who make clients (`wait_for_none(&GUARDED, …)` in native/process.rs).
    it("make and drop clients makes clients of its own", function()
        fork([[
            uv.new_thread(function(cpath)
                package.cpath = cpath
                local k = require "kafka"
                while true do k.producer("127.0.0.1:1", { exit_timeout = 0 }):close(0) end
            end, package.cpath)
        ]], [[
            kafka.producer("127.0.0.1:1", { exit_timeout = 0 })
            unistd._exit(7)
        ]])
    end)

    -- Red when a fork does not wait for the resolver (`wait_for_none(&RESOLVING, …)`), or librdkafka resolves names by
    -- itself (`resolve::install` in native/conf.rs).
    it("look names up looks up names of its own", function()
        fork([[
            local restless = {}
            for i = 1, 2 do
                restless[i] = kafka.producer("localhost:1", { ["reconnect.backoff.ms"] = 0,
                    ["reconnect.backoff.max.ms"] = 1, ["broker.address.ttl"] = 0, ["broker.address.family"] = "v4" })
            end
        ]], [[
            local own = kafka.producer("localhost:1", { ["broker.address.family"] = "v4", exit_timeout = 0 })
            repeat own:poll(20) until own:last_error()
            unistd._exit(7)
        ]])
    end)
end)
