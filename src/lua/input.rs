//! A consumer as the input of transactions: what forms/transactions.lua needs of it.

use mlua::prelude::*;

use super::class::{cold, Method};
use super::consumer::Consumer;
use super::group_metadata::group_metadata;
use super::partitions;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, STEP};

/// `(self)` → what the consumer lacks to be one, or nothing.
fn input_fault(_: &Lua, consumer: &Consumer, _: Args) -> Result<Option<&'static str>, Raise> {
    let client = consumer.open()?;
    Ok(if !client.has_group {
        Some("one with group.id is needed, as the transaction commits the offsets of its group")
    } else if !client.input().is_noted() {
        Some("one with enable.auto.commit=false is needed, as the transaction commits its offsets")
    } else {
        None
    })
}

/// `(self)` → an array of `{topic, partition, first, next, is_assigned}`, the group's generation,
/// whether the consumer is subscribed.
fn input(lua: &Lua, consumer: &Consumer, _: Args) -> Result<(LuaTable, i32, bool), Raise> {
    let client = consumer.open()?;
    let taken = client.input_taken().map_err(Raise::Error)?;
    drop(client);
    let list = lua.create_table_with_capacity(taken.spans.len(), 0)?;
    for (span, is_assigned) in taken.spans {
        let item = lua.create_table_with_capacity(0, 5)?;
        item.raw_set("topic", lua.create_string(span.topic)?)?;
        item.raw_set("partition", span.partition)?;
        item.raw_set("first", span.first)?;
        item.raw_set("next", span.next)?;
        item.raw_set("is_assigned", is_assigned)?;
        list.raw_push(item)?;
    }
    Ok((list, taken.generation, taken.is_subscribed))
}

/// `(self, flat list)`: these offsets went with a transaction.
fn input_sent(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    let places = partitions::read(args.table(0)?)?;
    consumer.as_ref().if_open(|client| client.input().sent(&places));
    Ok(())
}

/// `(self, flat list)`: hands out again from these offsets.
fn rewind(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    let places = partitions::read(args.table(0)?)?;
    consumer.as_ref().if_open(|client| client.rewind(&places)).unwrap_or(Ok(())).map_err(Raise::Error)?;
    Ok(true)
}

pub fn steps() -> Vec<(&'static str, Method<Consumer>)> {
    vec![
        ("group_metadata", cold(Accepts::Open, STEP, group_metadata)),
        ("input_fault", cold(Accepts::Open, STEP, input_fault)),
        ("input", cold(Accepts::Open, STEP, input)),
        ("input_sent", cold(Accepts::Any, STEP, input_sent)),
        ("rewind", cold(Accepts::Any, STEP, rewind)),
    ]
}
