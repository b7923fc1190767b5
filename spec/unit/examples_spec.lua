-- Every file in examples/ runs to its end, alone and, where it takes brokers, on brokers it is given.
local h = require "spec.helper"

local BRING_THEIR_OWN = { ["logging_and_errors"] = true, ["mock_cluster_in_tests"] = true, ["properties"] = true }   -- take no brokers
local WANT_SECURITY = { ["tls"] = true, ["oauth_token"] = true }                              -- no mock speaks it

local function example_names()
    local names, pipe = {}, assert(io.popen("ls examples/*.lua"))
    for path in pipe:lines() do names[#names + 1] = path:match("([%w_]+)%.lua$") end
    pipe:close()
    return names
end

-- As if called by hand in the checkout: arg[0] is the example's own path.
local function run(name, ...)
    local script = ("arg[0] = 'examples/%s.lua' dofile(arg[0])"):format(name)
    return h.run(script, { args = { ... }, timeout = 90 })
end

local function assert_success(name, result)
    local said = ("%s: status %s, signal %s\n%s\n%s"):format(
        name, tostring(result.status), tostring(result.signal), result.out, result.err)
    assert.equal(0, result.status, said)
    assert.equal("", result.err, said)
    assert.is_truthy(result.out:find("%S"), name .. " showed nothing")
end

describe("examples", function()
    after_each(h.cleanup)

    it("say in their first line what they show, and how to run them unless a verb does", function()
        for _, name in ipairs(example_names()) do
            local first = io.lines("examples/" .. name .. ".lua")()
            assert.is_truthy(first:find("^%-%- %u.*%.") and (name == "demo" or first:find("lua examples/" .. name .. ".lua", 1, true)), name)
        end
    end)

    for _, name in ipairs(example_names()) do
        it(name .. " runs by itself", function()
            assert_success(name, run(name))
        end)
        if name ~= "demo" and not BRING_THEIR_OWN[name] and not WANT_SECURITY[name] then
            it(name .. " runs on the brokers it is given", function()
                local mock = h.mock()
                assert_success(name, run(name, mock:bootstrap_servers()))
                assert.is_true(#mock:requests() > 0, name .. " did not use the brokers")
            end)
        end
    end

    it("show TLS without a broker to show it on", function()
        assert.is_truthy(run("tls").out:find("security.protocol%s+ssl"))
    end)
end)
