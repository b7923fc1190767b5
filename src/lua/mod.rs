//! The Lua face: one file per class users see, and the embedded Lua that waits and dispatches.

mod acks;
mod args;
mod ask;
mod build;
mod class;
mod config;
pub mod consumer;
mod control;
mod deliveries;
mod described;
mod error;
pub mod face;
mod fatal;
mod forms;
mod group_metadata;
mod groups;
mod input;
mod mock;
mod partitioning;
mod partitions;
mod positions;
pub mod producer;
mod properties;
mod questions;
pub mod queue;
mod settings;
mod simple;
mod stack;
mod stats;
mod transactions;

use mlua::prelude::*;

/// The module's table, or a string that says in a line why there is none: an error of mlua's would reach
/// the program as a userdata with stack traces in it.
pub fn open(lua: &Lua) -> LuaResult<LuaValue> {
    match module(lua) {
        Ok(module) => Ok(LuaValue::Table(module)),
        Err(error) => lua.create_string(format!("kafka cannot be loaded: {}", reason(&error))).map(LuaValue::String),
    }
}

fn reason(error: &LuaError) -> String {
    if let LuaError::CallbackError { cause, .. } = error {
        return reason(cause);
    }
    let text = error.to_string();
    let text = text.split("\nstack traceback:").next().unwrap_or_default();
    text.trim_start_matches("runtime error: ").to_string()
}

/// Makes the module's table, or gives back the one this state already has.
fn module(lua: &Lua) -> LuaResult<LuaTable> {
    const MADE: &str = "lua-kafka.module";
    if let Ok(module) = lua.named_registry_value::<LuaTable>(MADE) {
        return Ok(module);
    }
    let module = build::module(lua)?;
    lua.set_named_registry_value(MADE, &module)?;
    Ok(module)
}
