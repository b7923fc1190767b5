-- Unsigned tokens for SASL/OAUTHBEARER, as a token server would give them.
local token = {}

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64(text)
    local out = {}
    for at = 1, #text, 3 do
        local a, b, c = text:byte(at, at + 2)
        local bits = a * 65536 + (b or 0) * 256 + (c or 0)
        for place = 1, c and 4 or b and 3 or 2 do
            local index = math.floor(bits / 64 ^ (4 - place)) % 64
            out[#out + 1] = LETTERS:sub(index + 1, index + 1)
        end
    end
    return table.concat(out)
end

--- What on_oauth_token returns: a token for `subject` that is good for `seconds` from now on. With `lasts` the
--- client believes it lasts that long, whatever the token says.
function token.new(subject, seconds, lasts)
    local now = os.time()
    local claims = ('{"sub":"%s","iat":%d,"exp":%d}'):format(subject, now - 5, now + seconds)
    return {
        token = ("%s.%s."):format(base64('{"alg":"none"}'), base64(claims)),
        expires_at = (now + (lasts or seconds)) * 1000,
        principal = subject,
    }
end

return token
