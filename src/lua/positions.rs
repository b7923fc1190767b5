//! A consumer's partitions and offsets: assigning, seeking, pausing, committing. Lists arrive flat
//! from forms/positions.lua and forms/commits.lua.

use mlua::prelude::*;

use super::ask::{ask, Ticket};
use super::class::{cold, Method};
use super::consumer::Consumer;
use super::partitions::{read, Partitions};
use super::questions::PATIENCE;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, STEP};
use crate::client::consumer::Consumer as Client;
use crate::model::error::KafkaError;
use crate::model::partition::TopicPartition;
use crate::native::commits;

fn list_or_none(args: &Args, index: usize) -> Result<Option<Vec<TopicPartition>>, Raise> {
    args.optional_table(index)?.map(read).transpose()
}

/// A call that does something with a list and says whether it worked.
fn on_list(
    consumer: &Consumer,
    args: &Args,
    call: fn(&Client, &[TopicPartition]) -> Result<(), KafkaError>,
) -> Result<bool, Raise> {
    let list = read(args.table(0)?)?;
    call(&*consumer.member()?, &list).map_err(Raise::Error)?;
    Ok(true)
}

fn assign(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    on_list(consumer, &args, Client::assign)
}

fn incremental_assign(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    on_list(consumer, &args, Client::incremental_assign)
}

fn incremental_unassign(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    on_list(consumer, &args, Client::incremental_unassign)
}

fn store(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    on_list(consumer, &args, Client::store_offsets)
}

fn unassign(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    args.count(0, 0)?;
    consumer.member()?.unassign().map_err(Raise::Error)?;
    Ok(true)
}

/// `(self, list of one)`.
fn seek(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    if let Some(to) = read(args.table(0)?)?.into_iter().next() {
        consumer.member()?.seek(to).map_err(Raise::Error)?;
    }
    Ok(true)
}

fn pause(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    consumer.member()?.set_paused(list_or_none(&args, 0)?, true).map_err(Raise::Error)?;
    Ok(true)
}

fn resume(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    consumer.member()?.set_paused(list_or_none(&args, 0)?, false).map_err(Raise::Error)?;
    Ok(true)
}

fn position(_: &Lua, consumer: &Consumer, args: Args) -> Result<Partitions, Raise> {
    Ok(Partitions(consumer.member()?.position(list_or_none(&args, 0)?).map_err(Raise::Error)?))
}

/// An array of {topic, partition, lag}; lag is absent where it is not known yet.
fn lag(lua: &Lua, consumer: &Consumer, args: Args) -> Result<LuaTable, Raise> {
    args.count(0, 0)?;
    let list = lua.create_table()?;
    for (place, lag) in consumer.member()?.lag().map_err(Raise::Error)? {
        let item = lua.create_table_with_capacity(0, 3)?;
        item.raw_set("topic", place.topic)?;
        item.raw_set("partition", place.partition)?;
        item.raw_set("lag", lag)?;
        list.raw_push(item)?;
    }
    Ok(list)
}

/// `(self, list or nil, timeout)` → a ticket.
fn committed_begin(_: &Lua, consumer: &Consumer, args: Args) -> Result<(Ticket, f64), Raise> {
    let timeout = args.timeout(1, PATIENCE)?;
    let list = consumer.member()?.or_assigned(list_or_none(&args, 0)?).map_err(Raise::Error)?;
    ask(
        consumer.as_ref(),
        timeout,
        move |client, patience| if list.is_empty() { Ok(list) } else { commits::committed(client, &list, patience.ms) },
        |_, list| Ok(Partitions(list)),
    )
}

/// `(self, list or nil, timeout)` → a ticket.
fn commit_begin(_: &Lua, consumer: &Consumer, args: Args) -> Result<(Ticket, f64), Raise> {
    let timeout = args.timeout(1, PATIENCE)?;
    let list = list_or_none(&args, 0)?;
    let commit = consumer.member()?.commit(list.as_deref()).map_err(Raise::Error)?;
    ask(consumer.as_ref(), timeout, move |_, patience| commit.wait(patience.ms), |_, _| Ok(true))
}

/// `(self, list or nil, number of the call)`.
fn commit_async(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    let list = list_or_none(&args, 0)?;
    let call = args.integer(1, 0, i64::MAX)? as usize;
    consumer.member()?.commit_async(list.as_deref(), call).map_err(Raise::Error)?;
    Ok(true)
}

/// What forms/positions.lua and forms/commits.lua stand on.
pub fn steps() -> Vec<(&'static str, Method<Consumer>)> {
    vec![
        ("assign", cold(Accepts::Open, STEP, assign)),
        ("unassign", cold(Accepts::Open, STEP, unassign)),
        ("incremental_assign", cold(Accepts::Open, STEP, incremental_assign)),
        ("incremental_unassign", cold(Accepts::Open, STEP, incremental_unassign)),
        ("seek", cold(Accepts::Open, STEP, seek)),
        ("pause", cold(Accepts::Open, STEP, pause)),
        ("resume", cold(Accepts::Open, STEP, resume)),
        ("position", cold(Accepts::Open, STEP, position)),
        ("lag", cold(Accepts::Open, STEP, lag)),
        ("store", cold(Accepts::Open, STEP, store)),
        ("committed_begin", cold(Accepts::Open, STEP, committed_begin)),
        ("commit_begin", cold(Accepts::Open, STEP, commit_begin)),
        ("commit_async", cold(Accepts::Open, STEP, commit_async)),
    ]
}
