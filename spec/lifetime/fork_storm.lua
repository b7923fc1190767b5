-- Child script: forks ROUNDS times while another thread makes and drops clients. Arguments: ROUNDS BROKERS TOPIC.
-- The parent goes on producing ("parent:N") and consuming; every tenth child makes a client of its own and sends
-- "child:ROUND". Prints "NAME VALUE" lines: what happened, counted, and "fault …" for each thing that was not as it
-- must be.
local rounds, brokers, topic = tonumber((...)), select(2, ...)
local kafka = require "kafka"
local uv = require "luv"
local unistd, wait = require "posix.unistd", require "posix.sys.wait"
local poll, signal = require "posix.poll", require "posix.signal"

local PER_ROUND, OWN_CLIENT_EVERY = 10, 10
io.stdout:setvbuf "no"

local function now() return uv.hrtime() / 1e9 end

local stop = os.tmpname()
local storm = uv.new_thread(function(servers, flag)
    local k, loop = require "kafka", require "luv"
    local made = 0
    while true do
        local file = io.open(flag)
        if not file then break end
        file:close()
        local conf = { exit_timeout = 200 }
        if made % 3 == 0 then
            conf["group.id"] = "storm"
            k.consumer(servers, { "storm" }, conf)
        else
            local producer = k.producer(servers, conf)
            producer:create_topic "storm"
            producer:send("storm", -1, nil, "x")
        end
        made = made + 1
        collectgarbage() -- dropped, never closed
        loop.sleep(1)
    end
    print("made", made)
end, brokers, stop)

local producer = kafka.producer(brokers, { ["linger.ms"] = 0 })
producer:create_topic(topic)
local consumer = kafka.consumer(brokers, { topic .. ":0" }, { ["group.id"] = "parent", ["fetch.wait.max.ms"] = 10 },
    { ["auto.offset.reset"] = "earliest" })
local tallies, received = { forks = 0, own_clients = 0 }, 0

local function receive()
    local value = consumer:receive()
    if value and value:find "^parent:" then received = received + 1 end
    return value
end

-- What an inherited client must answer, and at once. → text of what is wrong, or "".
local function inherited_clients()
    local faults = {}
    local function fault(...) faults[#faults + 1] = (("%s "):rep(select("#", ...))):format(...) end
    local function raises(name, client, ...)
        local ok, err = pcall(client[name], client, ...)
        if ok or type(err) ~= "string" or not err:lower():find "fork" then fault(name, tostring(ok), tostring(err)) end
    end
    local function refuses(name, client, ...)
        local called, first, err = pcall(client[name], client, ...)
        local structured = type(err) == "table" or type(err) == "userdata"
        if not called or first ~= nil or not structured or err.name ~= "_FORKED" or err.code ~= -1001 then
            fault(name, tostring(first), tostring(err))
        end
    end
    local started = now()
    raises("send", producer, topic, 0, 1, "child")
    raises("poll", producer, -1)
    raises("receive", consumer)
    refuses("produce", producer, topic, "child")
    refuses("flush", producer, -1)
    refuses("close", producer, -1)
    refuses("close", consumer, -1)
    for _, client in ipairs { producer, consumer } do
        if type(client:name()) ~= "string" or not tostring(client):find "^kafka%." then
            fault("name", tostring(client))
        end
    end
    if now() - started > 0.2 then fault("answers took", now() - started, "s") end
    return table.concat(faults, "; ")
end

-- A client of the child's own, closed or left to the exit guard in turn.
local function own_client(round)
    local own = kafka.producer(brokers, { ["linger.ms"] = 0 })
    own:create_topic(topic)
    if own:send(topic, 0, round, "child:" .. round) ~= 0 then return "own send refused" end
    if round % (2 * OWN_CLIENT_EVERY) == 0 then
        local ok, err = own:close(5000)
        if not ok then return "own close: " .. tostring(err) end
    end
    _G.own = own
    return ""
end

local function in_child(round, pipe)
    local ok, text = pcall(inherited_clients)
    text = ok and text or "error: " .. tostring(text)
    if round % OWN_CLIENT_EVERY == 0 then
        local done, more = pcall(own_client, round)
        text = text .. tostring(more) .. (done and "" or " (error)")
    end
    unistd.write(pipe, text .. "\n")
    os.exit(5, round % 2 == 0)
end

-- What the threads of a process wait for, by their names.
local function threads_of(pid)
    local list = io.popen(("cd /proc/%d/task && for t in *; do echo $(cat $t/comm $t/wchan) $(awk '{print $3}' $t/stat); done 2>&1"):format(pid))
    local text = list:read "*a"
    list:close()
    local stacks = io.popen(("gdb -p %d -batch -ex 'thread apply all bt 12' 2>/dev/null | grep '^[#T]'"):format(pid))
    text = text .. stacks:read "*a"
    stacks:close()
    return (text:gsub("\n", " | "))
end

-- The child's word, then its end within a second; it is killed when it does not keep to that.
local function judge(round, pid, pipe)
    local said = poll.rpoll(pipe, 10000) == 1
    if said then
        local text = unistd.read(pipe, 4096):gsub("\n", "")
        if text ~= "" then print("fault", "round " .. round .. ": " .. text) end
    else
        print("fault", "round " .. round .. ": the child's calls hang")
    end
    local deadline = now() + (said and 1 or 0)
    while true do
        local ended, how, status = wait.wait(pid, wait.WNOHANG)
        if ended == pid then
            if how ~= "exited" or status ~= 5 then
                print("fault", ("round %d: child %s %d"):format(round, how, status))
            end
            return
        elseif now() > deadline then
            if said then print("fault", "round " .. round .. ": the child does not exit within 1 s: " .. threads_of(pid)) end
            signal.kill(pid, signal.SIGKILL)
            return wait.wait(pid)
        end
        uv.sleep(1)
    end
end

local number = 0
for round = 1, rounds do
    for _ = 1, PER_ROUND do
        number = number + 1
        assert(producer:send(topic, 0, number, "parent:" .. number) == 0)
    end
    local from, to = unistd.pipe()
    local pid = assert(unistd.fork())
    if pid == 0 then
        unistd.close(from)
        in_child(round, to)
    end
    unistd.close(to)
    tallies.forks = tallies.forks + 1
    if round % OWN_CLIENT_EVERY == 0 then tallies.own_clients = tallies.own_clients + 1 end
    judge(round, pid, from)
    unistd.close(from)
    producer:poll(0)
    if round % 50 == 0 then receive() end
end

assert(producer:flush(20000))
local deadline = now() + 20
while received < number and now() < deadline do receive() end
assert(producer:close(10000))
assert(consumer:close(10000))
os.remove(stop)
storm:join()
print("forks", tallies.forks)
print("own_clients", tallies.own_clients)
print("sent", number)
print("received", received)
