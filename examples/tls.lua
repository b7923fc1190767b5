-- A connection that is encrypted and checked.       lua examples/tls.lua [BROKERS [CA_FILE]]
-- The mock cluster speaks no TLS: without brokers this only prints its configuration.
local kafka = require "kafka"

local conf = {
    ["bootstrap.servers"] = arg[1],
    ["security.protocol"] = "ssl",              -- "sasl_ssl" together with sasl.mechanism, sasl.username, sasl.password
    ["ssl.ca.location"] = arg[2],               -- left out: the system's own list of authorities ("probe")
    -- ["ssl.certificate.location"] = …, ["ssl.key.location"] = …,           for brokers that want to know the client
    ["message.timeout.ms"] = 20000,
    on_error = function(err) print("trouble: " .. tostring(err)) end,       -- a certificate that does not fit
}

if not arg[1] then
    for key, value in pairs(conf) do
        if type(value) ~= "function" then print(("%-20s %s"):format(key, tostring(value))) end
    end
    print("no brokers given: nothing sent")
    os.exit(0)
end

local producer = kafka.producer(conf)
local answer
assert(producer:produce("tls-example", "nobody else can read this", nil, {
    on_delivery = function(err, report) answer = { err = err, report = report } end,
}))
assert(producer:flush(30000))
assert(not answer.err, tostring(answer.err))
print("delivered over TLS to offset " .. answer.report.offset)
assert(producer:close())
