-- Logging in with a token that a Lua function fetches.       lua examples/oauth_token.lua [BROKERS]
-- The mock cluster has no logins: without brokers only the function is shown at work, and its failure.
local kafka = require "kafka"

local calls = 0
local function fetch(config)
    calls = calls + 1
    print(("token wanted (%d), sasl.oauthbearer.config is %q"):format(calls, config))
    if calls == 1 and not arg[1] then return nil, "the token server is closed on Mondays" end
    return {
        -- A real program asks its token server here; this one is unsigned, which only test brokers accept.
        token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzaG9wIiwiaWF0IjoxNjAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDB9.",
        expires_at = (os.time() + 3600) * 1000,
        principal = "shop",
    }
end

local trouble
local producer = kafka.producer{
    ["bootstrap.servers"] = arg[1] or "127.0.0.1:1",
    ["security.protocol"] = "sasl_plaintext",
    ["sasl.mechanisms"] = "OAUTHBEARER",
    ["sasl.oauthbearer.config"] = "realm=harbour",
    on_oauth_token = fetch,
    on_error = function(err)
        if err.name == "_AUTHENTICATION" then trouble = err end
    end,
}

if arg[1] then
    assert(producer:produce("oauth-example", "hello"))
    assert(producer:flush(15000))
    print("delivered by who has a token")
    assert(producer:close())
else
    local give_up = os.time() + 10
    while not trouble and os.time() < give_up do producer:poll(100) end
    print("without one: " .. tostring(trouble))      -- and librdkafka asks again ten seconds later
    assert(trouble and trouble.message:find("Mondays", 1, true))
    producer:close(0)
end
