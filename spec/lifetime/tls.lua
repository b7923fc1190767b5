-- A TLS terminator in front of a mock cluster (which speaks plaintext only), with a certificate made for the occasion.
local child = require "spec.support.child"
local uv = require "luv"

local tls = {}
tls.__index = tls

local function shell(text)
    local first, _, code = os.execute(text)
    assert(first == 0 or (first == true and code == 0), "failed: " .. text)
end

local script
do
    local file = assert(io.open("spec/lifetime/tls_proxy.py", "rb"))
    script = file:read("*a")
    file:close()
end

--- `servers` = the plaintext bootstrap list. → {live=, hole=, deaf= (bootstrap lists), ca= (path of the certificate)}
function tls.start(servers)
    local directory = os.tmpname()
    os.remove(directory)
    directory = directory .. ".tls"
    shell("mkdir -m 700 " .. directory)
    local certificate, key = directory .. "/cert.pem", directory .. "/key.pem"
    shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
        .. ("-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>%s/log"):format(key, certificate, directory))
    local process = child.start(script, { lua = "python3", args = { certificate, key, servers } })
    local self = setmetatable({ directory = directory, process = process, ca = certificate }, tls)
    for _ = 1, 3 do
        local line = process:line(20)
        if not line then
            local _, err = process:output()
            self:close()
            error("the TLS proxy did not start: " .. err, 2)
        end
        local name, list = line:match("^(%a+) (.*)$")
        self[name] = list
    end
    return self
end

function tls:close()
    self.process:destroy()
    shell("rm -r " .. self.directory)
end

-- A port that is given back may be the next one's who listens: another spec's broker, which takes the messages.
local held = {}

--- A loopback port at which nobody listens, nor will for as long as this process lives.
function tls.refused()
    local socket = uv.new_tcp()
    assert(socket:bind("127.0.0.1", 0))
    held[#held + 1] = socket
    return "127.0.0.1:" .. socket:getsockname().port
end

return tls
