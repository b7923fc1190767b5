-- Logging in with a name and a password, and with a new one while running.
--     lua examples/sasl_password.lua [BROKERS NAME PASSWORD [MECHANISM [NEW_PASSWORD]]]
-- The mock cluster has no logins: without brokers this shows what is told of secrets, and changes one.
local kafka = require "kafka"
local brokers, name, password, mechanism, new_password = arg[1], arg[2] or "shop", arg[3] or "first", arg[4], arg[5]

local refused
local producer = kafka.producer{
    ["bootstrap.servers"] = brokers or "127.0.0.1:1",
    ["security.protocol"] = "sasl_plaintext",               -- "sasl_ssl" anywhere but on a network of your own
    ["sasl.mechanism"] = mechanism or "SCRAM-SHA-256",      -- or PLAIN, SCRAM-SHA-512
    ["sasl.username"] = name,
    ["sasl.password"] = password,
    on_error = function(err)
        if err.name == "_AUTHENTICATION" then refused = err end
    end,
}
print("config() shows the password as " .. producer:config()["sasl.password"])

-- Connections that stand stay; those to come, and logins that the broker asks to repeat, use the new one.
assert(producer:set_sasl_credentials(name, new_password or password))

if brokers then
    local answer
    assert(producer:produce("sasl-example", "from somebody known", nil, { on_delivery = function(err) answer = { err } end }))
    local give_up = os.time() + 15
    while not answer and not refused and os.time() < give_up do producer:poll(100) end
    assert(not refused, tostring(refused))
    assert(answer and not answer[1], answer and tostring(answer[1]) or "no answer within 15 s")
    print("delivered by " .. name)
    assert(producer:close())
else
    print("no brokers given: nothing sent")
    producer:close(0)
end
