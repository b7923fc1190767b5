//! Reading single partitions without a group: what forms/simple.lua stands on.

use mlua::prelude::*;

use super::ask::{ask, Ticket};
use super::class::{cold, Method};
use super::consumer::Consumer;
use super::queue::Queue;
use super::stack::cold::{Accepts, Args};
use super::stack::push;
use super::stack::raise::{Raise, STEP};
use crate::client::receiving::Next;

/// How long (ms) a stop may take: it may have to commit.
const STOP_PATIENCE: i64 = 10_000;

/// How long (ms) a call waits where the program is silent.
const PATIENCE: i64 = 1_000;

/// From here on this consumer reads simply.
fn begin(consumer: &Consumer) -> Result<(), Raise> {
    consumer.open()?.feeds.read_simply().map_err(|why| Raise::Caller(why.into()))
}

/// A partition as Lua has it.
fn place(args: &Args) -> Result<(String, i32), Raise> {
    Ok((args.topic(0)?.to_string_lossy().into_owned(), args.int32(1, 0)?))
}

/// `(self)`.
fn queue_args(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    args.count(0, 0)?;
    begin(consumer)
}

/// `(self, topic, partition, offset [, queue])` → topic, partition, whether there is a group.
fn start_args(_: &Lua, consumer: &Consumer, args: Args) -> Result<(String, i32, bool), Raise> {
    args.count(3, 4)?;
    let (topic, partition) = place(&args)?;
    begin(consumer)?;
    Ok((topic, partition, consumer.open()?.has_group))
}

/// `(self, topic, partition [, timeout])` → topic, partition, timeout.
fn one_args(_: &Lua, consumer: &Consumer, args: Args) -> Result<(String, i32, i64), Raise> {
    args.count(2, 3)?;
    let ((topic, partition), timeout) = (place(&args)?, args.timeout(2, PATIENCE)?);
    begin(consumer)?;
    Ok((topic, partition, timeout))
}

/// `(self, topic, partition, timeout, count [, function])` → topic, partition, timeout, count.
fn batch_args(_: &Lua, consumer: &Consumer, args: Args) -> Result<(String, i32, i64, i64), Raise> {
    args.count(4, 5)?;
    let ((topic, partition), timeout) = (place(&args)?, args.timeout(2, PATIENCE)?);
    let most = args.integer(3, 1, i64::from(i32::MAX))?;
    begin(consumer)?;
    Ok((topic, partition, timeout, most))
}

/// `(self, topic, partition, timeout, function)` → topic, partition, timeout.
fn callback_args(_: &Lua, consumer: &Consumer, args: Args) -> Result<(String, i32, i64), Raise> {
    args.count(4, 4)?;
    let ((topic, partition), timeout) = (place(&args)?, args.timeout(2, PATIENCE)?);
    begin(consumer)?;
    Ok((topic, partition, timeout))
}

/// `(self, topic, partition)` → whether it leads to a queue.
fn is_started(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    let (topic, partition) = place(&args)?;
    Ok(consumer.open()?.feeds.feed_of(&topic, partition).is_some())
}

/// `(self, table)` → a queue with that table.
fn open_queue(lua: &Lua, consumer: &Consumer, args: Args) -> Result<LuaValue, Raise> {
    let feeds = consumer.open()?.feeds.clone();
    let feed = feeds.open_queue().map_err(Raise::Caller)?;
    Ok(push::object(lua, Queue::new(feed, feeds), args.table(0)?)?)
}

/// `(self, topic, partition)` → ticket, deadline, topic, partition.
fn stop_begin(_: &Lua, consumer: &Consumer, args: Args) -> Result<(Ticket, f64, String, i32), Raise> {
    args.count(2, 2)?;
    let (topic, partition) = place(&args)?;
    begin(consumer)?;
    let stopping = consumer.open()?.feeds.stop(&topic, partition).map_err(Raise::Caller)?;
    let (ticket, deadline) =
        ask(consumer.as_ref(), STOP_PATIENCE, move |client, _| stopping.finish(client, STOP_PATIENCE), |_, ()| Ok(true))?;
    Ok((ticket, deadline, topic, partition))
}

/// `(self)` → true, or nil and what is wrong with the client as a whole.
fn simple_error(_: &Lua, consumer: &Consumer, _: Args) -> Result<bool, Raise> {
    match consumer.open()?.next(false) {
        Next::Error(error) | Next::Local(error, _) => Err(Raise::Error(error)),
        _ => Ok(true),
    }
}

pub fn steps() -> Vec<(&'static str, Method<Consumer>)> {
    vec![
        ("queue_args", cold(Accepts::Open, STEP, queue_args)),
        ("start_args", cold(Accepts::Open, STEP, start_args)),
        ("one_args", cold(Accepts::Open, STEP, one_args)),
        ("batch_args", cold(Accepts::Open, STEP, batch_args)),
        ("callback_args", cold(Accepts::Open, STEP, callback_args)),
        ("is_started", cold(Accepts::Open, STEP, is_started)),
        ("open_queue", cold(Accepts::Open, STEP, open_queue)),
        ("stop_begin", cold(Accepts::Open, STEP, stop_begin)),
        ("simple_error", cold(Accepts::Open, STEP, simple_error)),
    ]
}
