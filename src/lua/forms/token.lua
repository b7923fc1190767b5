-- Tokens for SASL/OAUTHBEARER: librdkafka wants one, the user's function fetches it. Compiled at the
-- first one.
local native = ...
local call, type, pairs, tostring = native.call_form, type, pairs, tostring

local function expect(found, name, kind)
    local value = found[name]
    if type(value) ~= kind then error(("%s: a %s expected, got %s"):format(name, kind, type(value)), 0) end
    return value
end

-- What the function returned → value, expiry, principal, extensions as name, value, name, value, …
local function read(found)
    if type(found) ~= "table" then
        error("{token=, expires_at=, principal=} expected, or nil and why there is none; got " .. type(found), 0)
    end
    local value, expires_at = expect(found, "token", "string"), expect(found, "expires_at", "number")
    if expires_at ~= math.floor(expires_at) or expires_at < 0 or expires_at > 2 ^ 53 then
        error(("expires_at: milliseconds since 1970 expected, got %s"):format(tostring(expires_at)), 0)
    end
    local principal, extensions, n = found.principal, {}, 0
    if principal == nil then principal = "" end
    if type(principal) ~= "string" then error("principal: a string expected, got " .. type(principal), 0) end
    local given = found.extensions
    if given ~= nil and type(given) ~= "table" then error("extensions: a table expected, got " .. type(given), 0) end
    for name, text in pairs(given or {}) do
        if type(name) ~= "string" or type(text) ~= "string" then
            error("extensions: strings by name expected", 0)
        end
        extensions[n + 1], extensions[n + 2] = name, text
        n = n + 2
    end
    return value, expires_at, principal, extensions
end

-- An error of the user's own may not even be printable.
local function text(value)
    local ok, printed = pcall(tostring, value)
    return ok and type(printed) == "string" and printed or "an error that cannot be printed"
end

local function cure(why, expires_at)
    if why:find("unexpired", 1, true) and expires_at < 1e11 then
        return why .. "; expires_at counts milliseconds, os.time() seconds"
    end
    return why
end

-- Without a token there is an error of the client (`_AUTHENTICATION`), and librdkafka asks again
-- after ten seconds: nothing is raised where the program happened to wait.
function native.serve_token(self, step, fetch, config)
    if not fetch then return end
    local ok, found, why = call(fetch, config)
    if not ok then return step.refuse_token(self, "on_oauth_token raised: " .. text(found)) end
    if not found then
        return step.refuse_token(self, why == nil and "on_oauth_token returned nothing" or text(why))
    end
    local good, value, expires_at, principal, extensions = pcall(read, found)
    if not good then return step.refuse_token(self, "on_oauth_token: " .. text(value)) end
    local wrong = step.set_token(self, value, expires_at, principal, extensions)
    if wrong then step.refuse_token(self, "on_oauth_token: " .. cure(wrong, expires_at)) end
end
