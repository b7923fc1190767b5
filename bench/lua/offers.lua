-- Whether the module (an older one may be measured, too) and the interpreter offer `what`; prints yes or no.
--   what=luv               a module that can be loaded
--   what=kafka.Producer:produce_batch   a method
--   what=one-table         produce with one table for each message
local kafka = require "kafka"
local options = require "options"

local function producer()
    return kafka.producer { ["bootstrap.servers"] = "127.0.0.1:1", on_log = "none" }
end

local what = options.text("what")
local method = what:match("^kafka%.Producer:(.*)$")
local offered
if method then
    offered = producer()[method] ~= nil
elseif what == "one-table" then
    -- Refused for what is in the table, or for being one?
    local one = producer()
    local _, err = pcall(one.produce, one, {})
    offered = not tostring(err):find("incorrect number of arguments", 1, true)
else
    offered = pcall(require, what)
end
print(offered and "yes" or "no")
