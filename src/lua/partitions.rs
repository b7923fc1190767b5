//! Lists of partitions between Lua and the floors below. forms/partitions.lua reads what users
//! write; here is what it made of it.

use mlua::prelude::*;

use super::error::Value;
use super::stack::raise::Raise;
use crate::model::partition::{TopicPartition, INVALID};
use crate::model::topic::check_name;

/// Values an entry has in the flat array.
const STRIDE: usize = 5;

/// Reads a flat array: topic, partition, offset, metadata, leader epoch, and so on.
pub fn read(flat: &LuaTable) -> Result<Vec<TopicPartition>, Raise> {
    let mut found = Vec::with_capacity(flat.raw_len() / STRIDE);
    for first in (1..=flat.raw_len()).step_by(STRIDE) {
        let topic = flat.raw_get::<LuaString>(first)?.as_bytes().to_vec();
        if topic.first() != Some(&b'^') {
            check_name(&topic).map_err(Raise::Caller)?;
        }
        let topic = String::from_utf8(topic).map_err(|_| Raise::Caller("invalid topic: not UTF-8".into()))?;
        if topic.contains('\0') {
            return Err(Raise::Caller("invalid topic pattern: it contains a NUL byte".into()));
        }
        let number = |index: usize, absent: i64| -> LuaResult<i64> {
            Ok(match flat.raw_get::<LuaValue>(index)? {
                LuaValue::Integer(value) => value,
                LuaValue::Number(value) => value as i64,
                _ => absent,
            })
        };
        let mut entry = TopicPartition::new(topic, number(first + 1, -1)? as i32, number(first + 2, INVALID)?);
        if let LuaValue::String(metadata) = flat.raw_get(first + 3)? {
            entry.metadata = Some(metadata.as_bytes().to_vec());
        }
        entry.leader_epoch = number(first + 4, -1)? as i32;
        found.push(entry);
    }
    Ok(found)
}

/// A list users can hand back: `{topic, partition, offset?, metadata?, leader_epoch?, err?}` an entry.
pub struct Partitions(pub Vec<TopicPartition>);

impl IntoLua for Partitions {
    fn into_lua(self, lua: &Lua) -> LuaResult<LuaValue> {
        let list = lua.create_table_with_capacity(self.0.len(), 0)?;
        for entry in self.0 {
            let item = lua.create_table_with_capacity(0, 4)?;
            item.raw_set("topic", entry.topic)?;
            if entry.partition >= 0 {
                item.raw_set("partition", entry.partition)?;
            }
            if entry.offset != INVALID {
                item.raw_set("offset", entry.offset)?;
            }
            if let Some(metadata) = entry.metadata {
                item.raw_set("metadata", lua.create_string(metadata)?)?;
            }
            if entry.leader_epoch >= 0 {
                item.raw_set("leader_epoch", entry.leader_epoch)?;
            }
            if entry.error.is_some() {
                item.raw_set("err", Value(entry.error))?;
            }
            list.raw_push(item)?;
        }
        Ok(LuaValue::Table(list))
    }
}
