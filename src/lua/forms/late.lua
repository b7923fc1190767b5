-- Methods of rarer forms: a method that is not there yet is looked up here, once, and its form then
-- puts all of its own in place. No stub stands in between, so errors name the user's call.
local native = ...

-- The `names` of a class ("producer") come with `form`. What is still to come is listed in the
-- metatable of the class's methods.
return function(class, form, names)
    local methods = native[class].class.__index
    local late = getmetatable(methods)
    if not late then
        late = { form_of = {} }
        function late.__index(_, name)
            local of = name ~= nil and late.form_of[name]
            if not of then return nil end
            local _ = native[of .. "_form"]
            return rawget(methods, name)
        end
        setmetatable(methods, late)
    end
    for _, name in ipairs(names) do late.form_of[name] = form end
end
