--- Arguments as the C twins take them: `name=value` for the program, `-X property=value` for librdkafka.
local options = {}

local given, properties = {}, {}
local i = 1
while arg[i] do
    local into = given
    if arg[i] == "-X" then
        into, i = properties, i + 1
    end
    local name, value = (arg[i] or ""):match("^([^=]+)=(.*)$")
    if not name then error("name=value expected, got " .. tostring(arg[i]), 0) end
    into[name] = value
    i = i + 1
end

function options.text(name)
    return given[name] or error("missing argument " .. name, 0)
end

function options.number(name, otherwise)
    if given[name] == nil and otherwise then return otherwise end
    return tonumber(options.text(name)) or error("not a number: " .. name, 0)
end

--- A fresh table of the given properties, to be added to.
function options.conf()
    local conf = {}
    for name, value in pairs(properties) do conf[name] = value end
    return conf
end

--- One line of the result.
function options.result(name, value)
    print(("%s %.9g"):format(name, value))
end

return options
