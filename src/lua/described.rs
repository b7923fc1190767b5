//! What the cluster says of itself and of its groups, as Lua tables.

use mlua::prelude::*;

use super::error::Value;
use super::partitions::Partitions;
use crate::model::group::{Group, Member};
use crate::model::metadata::{Broker, Metadata, PartitionMetadata, TopicMetadata};

pub struct Cluster {
    pub id: Option<String>,
    pub controller: Option<i32>,
    pub metadata: Metadata,
}

impl IntoLua for Cluster {
    fn into_lua(self, lua: &Lua) -> LuaResult<LuaValue> {
        let cluster = lua.create_table()?;
        cluster.raw_set("cluster_id", self.id)?;
        cluster.raw_set("controller_id", self.controller)?;
        let brokers = lua.create_table_with_capacity(self.metadata.brokers.len(), 0)?;
        for one in self.metadata.brokers {
            brokers.raw_push(broker(lua, one)?)?;
        }
        cluster.raw_set("brokers", brokers)?;
        let topics = lua.create_table()?;
        for one in self.metadata.topics {
            topics.raw_set(one.name.clone(), topic(lua, one)?)?;
        }
        cluster.raw_set("topics", topics)?;
        Ok(LuaValue::Table(cluster))
    }
}

fn broker(lua: &Lua, broker: Broker) -> LuaResult<LuaTable> {
    let table = lua.create_table_with_capacity(0, 3)?;
    table.raw_set("id", broker.id)?;
    table.raw_set("host", broker.host)?;
    table.raw_set("port", broker.port)?;
    Ok(table)
}

fn topic(lua: &Lua, topic: TopicMetadata) -> LuaResult<LuaTable> {
    let partitions = lua.create_table_with_capacity(topic.partitions.len(), 1)?;
    for one in topic.partitions {
        partitions.raw_set(one.id, partition(lua, one)?)?;
    }
    let table = lua.create_table_with_capacity(0, 2)?;
    table.raw_set("partitions", partitions)?;
    table.raw_set("err", Value(topic.error))?;
    Ok(table)
}

fn partition(lua: &Lua, partition: PartitionMetadata) -> LuaResult<LuaTable> {
    let table = lua.create_table_with_capacity(0, 4)?;
    table.raw_set("leader", partition.leader)?;
    table.raw_set("replicas", partition.replicas)?;
    table.raw_set("isr", partition.isr)?;
    table.raw_set("err", Value(partition.error))?;
    Ok(table)
}

pub struct Groups(pub Vec<Group>);

impl IntoLua for Groups {
    fn into_lua(self, lua: &Lua) -> LuaResult<LuaValue> {
        let list = lua.create_table_with_capacity(self.0.len(), 0)?;
        for one in self.0 {
            list.raw_push(group(lua, one)?)?;
        }
        Ok(LuaValue::Table(list))
    }
}

fn group(lua: &Lua, group: Group) -> LuaResult<LuaTable> {
    let table = lua.create_table_with_capacity(0, 8)?;
    table.raw_set("group", group.group_id)?;
    table.raw_set("state", group.state)?;
    table.raw_set("protocol", group.protocol.to_lowercase())?;
    table.raw_set("simple", group.is_simple)?;
    table.raw_set("assignor", group.assignor)?;
    if let Some(node) = group.coordinator {
        table.raw_set("coordinator", broker(lua, node)?)?;
    }
    let members = lua.create_table_with_capacity(group.members.len(), 0)?;
    for one in group.members {
        members.raw_push(member(lua, one)?)?;
    }
    table.raw_set("members", members)?;
    table.raw_set("err", Value(group.error))?;
    Ok(table)
}

fn member(lua: &Lua, member: Member) -> LuaResult<LuaTable> {
    let table = lua.create_table_with_capacity(0, 5)?;
    table.raw_set("member_id", member.member_id)?;
    table.raw_set("group_instance_id", member.group_instance_id)?;
    table.raw_set("client_id", member.client_id)?;
    table.raw_set("host", member.host)?;
    table.raw_set("assignment", Partitions(member.assignment))?;
    Ok(table)
}
