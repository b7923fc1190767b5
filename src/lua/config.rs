//! What a client is configured to, read back.

use mlua::prelude::*;

use super::class::{cold, Method};
use super::face::{Face, Leaves, Seat};
use super::properties::to_lua;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD, STEP};
use crate::client::effective::topic_config as of_topic;
use crate::model::config::Value;
use crate::model::property::Property;

fn table(lua: &Lua, values: &[(&Property, Value)]) -> Result<LuaTable, Raise> {
    let table = lua.create_table_with_capacity(0, values.len())?;
    for (property, value) in values {
        table.raw_set(property.name.as_str(), to_lua(lua, value)?)?;
    }
    Ok(table)
}

/// The properties alone; forms/config.lua adds this module's options.
fn config<T: Face + AsRef<Seat<C>>, C: Leaves>(lua: &Lua, client: &T, args: Args) -> Result<LuaTable, Raise> {
    args.count(0, 0)?;
    let values = client.as_ref().open::<T>()?.handle().config();
    table(lua, &values)
}

fn topic_config<T: Face + AsRef<Seat<C>>, C: Leaves>(lua: &Lua, client: &T, args: Args) -> Result<LuaTable, Raise> {
    args.count(0, 1)?;
    let topic = if args.get(0).is_nil() { Vec::new() } else { args.topic(0)?.into_bytes() };
    let conf = client.as_ref().open::<T>()?.conf_of(&topic).map_err(Raise::Caller)?;
    table(lua, &of_topic(&conf))
}

pub fn methods<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![("topic_config", cold(Accepts::Open, METHOD, topic_config::<T, C>))]
}

/// What forms/config.lua stands on.
pub fn steps<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![("config", cold(Accepts::Open, STEP, config::<T, C>))]
}
