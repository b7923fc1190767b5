//! `kafka.Error` and the table of names and codes.

use mlua::prelude::*;

use super::stack::push;
use crate::model::error::{KafkaError, FORKED};
use crate::native::error::table;

/// An error, or nil, on its way to Lua.
pub struct Value(pub Option<KafkaError>);

impl IntoLua for Value {
    fn into_lua(self, lua: &Lua) -> LuaResult<LuaValue> {
        match self.0 {
            Some(error) => push::error_value(lua, &error),
            None => Ok(LuaValue::Nil),
        }
    }
}

/// The metatable of error values: what they print as.
pub fn class(lua: &Lua) -> LuaResult<LuaTable> {
    let metatable = lua.create_table()?;
    metatable.raw_set("__name", "kafka.Error")?;
    metatable.raw_set(
        "__tostring",
        lua.create_function(|_, error: LuaTable| {
            let part = |name: &str| error.raw_get::<Option<String>>(name).map(Option::unwrap_or_default);
            Ok(format!("kafka: {}: {}", part("name")?, part("message")?))
        })?,
    )?;
    push::register(lua, &push::ERROR_CLASS, &metatable)?;
    Ok(metatable)
}

/// `kafka.errors`: name → code and code → name.
pub fn names(lua: &Lua) -> LuaResult<LuaTable> {
    let names = lua.create_table()?;
    for (code, name, _) in table().iter().copied().chain([(FORKED, "_FORKED", "")]) {
        names.raw_set(name, code)?;
        names.raw_set(code, name)?;
    }
    Ok(names)
}
