//! A group's member between Lua and the floors below: a plain table, which can be handed back.

use mlua::prelude::*;

use super::consumer::Consumer;
use super::stack::cold::Args;
use super::stack::raise::Raise;
use crate::model::group::GroupMetadata;
use crate::native::group_metadata::GroupMetadata as Native;

impl IntoLua for GroupMetadata {
    fn into_lua(self, lua: &Lua) -> LuaResult<LuaValue> {
        let table = lua.create_table_with_capacity(0, 4)?;
        table.raw_set("group_id", self.group_id)?;
        table.raw_set("generation_id", self.generation_id)?;
        table.raw_set("member_id", self.member_id)?;
        table.raw_set("group_instance_id", self.group_instance_id)?;
        Ok(LuaValue::Table(table))
    }
}

/// `(self)` → the table; nil without a group.
pub fn group_metadata(_: &Lua, consumer: &Consumer, args: Args) -> Result<Option<GroupMetadata>, Raise> {
    args.count(0, 0)?;
    Ok(Native::of(consumer.open()?.handle().client()).map(|found| found.parts()))
}
