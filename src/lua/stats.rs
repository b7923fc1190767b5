//! librdkafka's statistics as a Lua table.

use mlua::prelude::*;
use serde_json::Value;

use super::stack::cold::Args;
use super::stack::raise::Raise;

pub fn decode(lua: &Lua, args: Args) -> Result<LuaValue, Raise> {
    table(lua, &args.bytes(0)?)
}

pub fn table(lua: &Lua, json: &[u8]) -> Result<LuaValue, Raise> {
    let json: Value =
        serde_json::from_slice(json).map_err(|error| Raise::Caller(format!("statistics not understood: {error}")))?;
    Ok(value(lua, &json)?)
}

fn value(lua: &Lua, json: &Value) -> LuaResult<LuaValue> {
    match json {
        Value::Null => Ok(LuaValue::Nil),
        Value::Bool(flag) => Ok(LuaValue::Boolean(*flag)),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into_lua(lua),
            None => number.as_f64().into_lua(lua),
        },
        Value::String(text) => text.as_str().into_lua(lua),
        Value::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for item in items {
                table.raw_push(value(lua, item)?)?;
            }
            Ok(LuaValue::Table(table))
        }
        Value::Object(fields) => {
            let table = lua.create_table_with_capacity(0, fields.len())?;
            for (name, field) in fields {
                table.raw_set(name.as_str(), value(lua, field)?)?;
            }
            Ok(LuaValue::Table(table))
        }
    }
}
