//! A consumer's membership: subscription, assignment, the rebalance under way.

use mlua::prelude::*;

use super::args::strings;
use super::class::{cold, Method};
use super::consumer::Consumer;
use super::face::Seat;
use super::group_metadata::group_metadata;
use super::partitions::{read, Partitions};
use super::producer::in_use;
use super::queue::Queue;
use super::stack::cold::{Accepts, Args};
use super::stack::push;
use super::stack::raise::{Raise, METHOD, STEP};
use crate::client::assignment::refusal;
use crate::client::consumer::Consumer as Client;
use crate::model::error::INVALID_ARG;
use crate::model::partition::{TopicPartition, INVALID};
use crate::model::topic::parse_entry;
use crate::native::group;

/// `(self, topics)`, an array of strings.
fn subscribe(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    let entries = strings(args.table(0)?)?;
    let mut topics = Vec::new();
    for entry in &entries {
        let parsed = parse_entry(entry).map_err(|why| Raise::Caller(format!("subscribe: {why}")))?;
        if parsed.partition.is_some() {
            let why = format!("subscribe: '{}' names a partition; use assign for partitions", entry.escape_ascii());
            return Err(Raise::Caller(why));
        }
        topics.push(TopicPartition::new(parsed.topic, -1, INVALID));
    }
    consumer.member()?.subscribe(&topics).map_err(|error| match refusal(&entries) {
        Some(why) if error.code == INVALID_ARG => Raise::Caller(format!("subscribe: {why}")),
        _ => Raise::Error(error),
    })?;
    Ok(true)
}

fn unsubscribe(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    args.count(0, 0)?;
    consumer.member()?.unsubscribe().map_err(Raise::Error)?;
    Ok(true)
}

fn subscription(_: &Lua, consumer: &Consumer, args: Args) -> Result<Vec<String>, Raise> {
    args.count(0, 0)?;
    let topics = group::subscription(consumer.in_group()?.handle().client()).map_err(Raise::Error)?;
    Ok(topics.into_iter().map(|entry| entry.topic).collect())
}

fn assignment(_: &Lua, consumer: &Consumer, args: Args) -> Result<Partitions, Raise> {
    args.count(0, 0)?;
    let mut list = consumer.in_group()?.assignment().map_err(Raise::Error)?;
    list.iter_mut().for_each(|entry| entry.offset = INVALID);
    Ok(Partitions(list))
}

fn assignment_lost(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    args.count(0, 0)?;
    Ok(group::is_assignment_lost(consumer.open()?.handle().client()))
}

/// "eager", "cooperative", or nil before there is a group.
fn rebalance_protocol(_: &Lua, consumer: &Consumer, args: Args) -> Result<Option<&'static str>, Raise> {
    args.count(0, 0)?;
    Ok(match group::rebalance_protocol(consumer.open()?.handle().client()).as_str() {
        "EAGER" => Some("eager"),
        "COOPERATIVE" => Some("cooperative"),
        _ => None,
    })
}

fn member_id(_: &Lua, consumer: &Consumer, args: Args) -> Result<Option<String>, Raise> {
    args.count(0, 0)?;
    Ok(group::member_id(consumer.open()?.handle().client()))
}

/// `(self)` → "assign", "revoke" or "lost" and the partitions; nothing when no rebalance waits.
fn rebalance_begin(_: &Lua, consumer: &Consumer, _: Args) -> Result<(Option<&'static str>, Option<Partitions>), Raise> {
    Ok(match consumer.open()?.rebalance_begin() {
        Some((kind, list)) => (Some(kind.name()), Some(Partitions(list))),
        None => (None, None),
    })
}

/// `(self)` → whether callbacks of a rebalance run.
fn is_rebalancing(_: &Lua, consumer: &Consumer, _: Args) -> Result<bool, Raise> {
    Ok(consumer.open().is_ok_and(|consumer| consumer.is_rebalancing()))
}

/// `(self, list or nil)`: does what the rebalance asks, with the list instead of its partitions.
fn rebalance_end(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    let instead = args.optional_table(0)?.map(read).transpose()?;
    // A callback may have closed the client.
    if let Ok(client) = consumer.open() {
        client.rebalance_end(instead);
    }
    Ok(())
}

/// `(self, topic, partition)`: what partition_queue was given.
fn partition_queue_args(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    args.count(2, 2)?;
    args.topic(0)?;
    args.int32(1, 0)?;
    consumer.member().map(drop)
}

/// `(self, topic, partition, table)` → the partition's queue with that table.
fn partition_queue(lua: &Lua, consumer: &Consumer, args: Args) -> Result<LuaValue, Raise> {
    let client = consumer.member()?;
    let feed = client.partition_queue(&args.topic(0)?, args.int32(1, 0)?).map_err(Raise::Caller)?;
    let feeds = client.feeds.clone();
    drop(client);
    Ok(push::object(lua, Queue::new(feed, feeds), args.table(2)?)?)
}

/// `(self)` → the generation of messages to come, if that is news.
fn renewal(_: &Lua, consumer: &Consumer, _: Args) -> Result<Option<f64>, Raise> {
    Ok(consumer.open()?.renewed().map(|generation| generation as f64))
}

/// `(self, timeout)` as for `close` → what is assigned, if callbacks are to hear of it first.
fn last_revoke(_: &Lua, consumer: &Consumer, args: Args) -> Result<Option<Partitions>, Raise> {
    args.count(0, 1)?;
    args.timeout(0, 0)?;
    let seat: &Seat<Client> = consumer.as_ref();
    if seat.is_in_use() {
        return Err(in_use());
    }
    let mut list = seat.if_open(Client::last_revoke).flatten();
    list.iter_mut().flatten().for_each(|entry| entry.offset = INVALID);
    Ok(list.map(Partitions))
}

pub fn methods() -> Vec<(&'static str, Method<Consumer>)> {
    vec![
        ("unsubscribe", cold(Accepts::Open, METHOD, unsubscribe)),
        ("subscription", cold(Accepts::Open, METHOD, subscription)),
        ("assignment", cold(Accepts::Open, METHOD, assignment)),
        ("assignment_lost", cold(Accepts::Open, METHOD, assignment_lost)),
        ("rebalance_protocol", cold(Accepts::Open, METHOD, rebalance_protocol)),
        ("group_metadata", cold(Accepts::Open, METHOD, group_metadata)),
        ("member_id", cold(Accepts::Open, METHOD, member_id)),
    ]
}

/// What forms/groups.lua stands on.
pub fn steps() -> Vec<(&'static str, Method<Consumer>)> {
    vec![
        ("subscribe", cold(Accepts::Open, STEP, subscribe)),
        ("partition_queue_args", cold(Accepts::Open, STEP, partition_queue_args)),
        ("partition_queue", cold(Accepts::Open, STEP, partition_queue)),
        ("renewal", cold(Accepts::Open, STEP, renewal)),
        ("last_revoke", cold(Accepts::Any, STEP, last_revoke)),
        ("rebalance_begin", cold(Accepts::Any, STEP, rebalance_begin)),
        ("is_rebalancing", cold(Accepts::Any, STEP, is_rebalancing)),
        ("rebalance_end", cold(Accepts::Any, STEP, rebalance_end)),
    ]
}
