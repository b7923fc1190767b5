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

/// Makes the module's table, or gives back the one this state already has.
pub fn module(lua: &Lua) -> LuaResult<LuaTable> {
    const MADE: &str = "lua-kafka.module";
    if let Ok(module) = lua.named_registry_value::<LuaTable>(MADE) {
        return Ok(module);
    }
    let module = build::module(lua)?;
    lua.set_named_registry_value(MADE, &module)?;
    Ok(module)
}
