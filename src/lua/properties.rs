//! `kafka.properties([name])`.

use mlua::prelude::*;

use super::stack::cold::Args;
use super::stack::raise::Raise;
use crate::client::config::property_suggestion;
use crate::model::config::{is_secret, Value};
use crate::model::number::EXACT;
use crate::model::property::Property;
use crate::native::library;

pub fn properties(lua: &Lua, args: Args) -> Result<LuaTable, Raise> {
    args.count(0, 1)?;
    if args.get(0).is_nil() {
        let all = lua.create_table()?;
        for property in library::properties() {
            // An alias at topic level does not hide the property it stands for.
            if !all.contains_key(property.name.as_str())? {
                all.raw_set(property.name.as_str(), describe(lua, property)?)?;
            }
        }
        return Ok(all);
    }
    let name = args.text(0)?;
    match library::properties().iter().find(|property| property.name == name) {
        Some(property) => Ok(describe(lua, property)?),
        None => Err(args.fault(0, format!("no property is called \"{name}\"{}", property_suggestion(&name)))),
    }
}

/// Whole numbers are integers where Lua has them.
pub fn to_lua(lua: &Lua, value: &Value) -> LuaResult<LuaValue> {
    match value {
        Value::Flag(flag) => Ok(LuaValue::Boolean(*flag)),
        Value::Integer(number) => number.into_lua(lua),
        Value::Number(number) if number.fract() == 0.0 && number.abs() <= EXACT => (*number as i64).into_lua(lua),
        Value::Number(number) => number.into_lua(lua),
        Value::Text(text) => lua.create_string(text).map(LuaValue::String),
    }
}

fn describe(lua: &Lua, property: &Property) -> LuaResult<LuaTable> {
    let table = lua.create_table()?;
    table.raw_set("name", property.name.as_str())?;
    table.raw_set("type", property.kind.as_str())?;
    table.raw_set("scope", property.scope)?;
    table.raw_set("topic_level", property.topic_level)?;
    table.raw_set("range", property.range.as_str())?;
    if let Some((low, high)) = property.limits() {
        table.raw_set("low", to_lua(lua, &Value::Number(low))?)?;
        table.raw_set("high", to_lua(lua, &Value::Number(high))?)?;
    }
    if let Some(words) = property.words() {
        table.raw_set("values", lua.create_sequence_from(words)?)?;
    }
    if !property.default.is_empty() {
        table.raw_set("default", to_lua(lua, &property.value(&property.default))?)?;
    }
    table.raw_set("alias_of", property.alias_of())?;
    table.raw_set("secret", is_secret(&property.name))?;
    table.raw_set("importance", property.importance.as_str())?;
    table.raw_set("description", property.description.as_str())?;
    match library::property(&property.name, true) {
        Some(topics) if topics.topic_level && !property.topic_level => table.raw_set("at_topic_level", describe(lua, topics)?)?,
        _ => {}
    }
    Ok(table)
}
