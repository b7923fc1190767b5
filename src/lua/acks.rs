//! What a message's own methods stand on (forms/messages.lua).

use mlua::prelude::*;

use super::class::{cold, Method};
use super::consumer::Consumer;
use super::error::Value;
use super::partitions::read;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, STEP};

/// Of a message: topic, partition, offset, and the generation it was handed out in.
fn place(args: &Args) -> Result<(String, i32, i64, u64), Raise> {
    const MOST: i64 = (1 << 53) - 1;
    Ok((args.text(0)?, args.int32(1, 0)?, args.integer(2, 0, MOST)?, args.integer(3, 0, MOST)? as u64))
}

fn ack(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    let (topic, partition, offset, generation) = place(&args)?;
    consumer.open()?.ack(&topic, partition, offset, generation).map_err(Raise::Caller)
}

fn cancel(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    let (topic, partition, offset, generation) = place(&args)?;
    Ok(consumer.open()?.cancel(&topic, partition, offset, generation))
}

fn is_current(_: &Lua, consumer: &Consumer, args: Args) -> Result<bool, Raise> {
    let (topic, partition, _, generation) = place(&args)?;
    Ok(consumer.open()?.is_current(&topic, partition, generation))
}

/// The program has committed the message.
fn committed(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    let (topic, partition, offset, generation) = place(&args)?;
    consumer.as_ref().if_open(|client| {
        if client.is_current(&topic, partition, generation) {
            client.committed(&topic, partition, offset);
        }
    });
    Ok(())
}

/// `(self, flat list)`: the program is about to commit these offsets → a mark.
fn begin_list(_: &Lua, consumer: &Consumer, args: Args) -> Result<f64, Raise> {
    let list = read(args.table(0)?)?;
    Ok(consumer.as_ref().if_open(|client| client.begin_list(&list)).unwrap_or(0) as f64)
}

/// `(self, flat list, mark)`: it has committed them.
fn done_since(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    let list = read(args.table(0)?)?;
    let mark = args.integer(1, 0, 1 << 53)? as u64;
    consumer.as_ref().if_open(|client| client.done_since(&list, mark));
    Ok(())
}

/// Why nothing is handed out: too much is not acked.
fn full_error(_: &Lua, consumer: &Consumer, _: Args) -> Result<Value, Raise> {
    Ok(Value(consumer.as_ref().if_open(|client| client.full_error())))
}

/// Messages to come have the metatable of their generation.
fn renewed(_: &Lua, consumer: &Consumer, _: Args) -> Result<(), Raise> {
    consumer.as_ref().if_open(|client| client.known());
    Ok(())
}

pub fn steps() -> Vec<(&'static str, Method<Consumer>)> {
    vec![
        ("ack", cold(Accepts::Open, STEP, ack)),
        ("cancel", cold(Accepts::Open, STEP, cancel)),
        ("is_current", cold(Accepts::Open, STEP, is_current)),
        ("committed", cold(Accepts::Any, STEP, committed)),
        ("begin_list", cold(Accepts::Any, STEP, begin_list)),
        ("done_since", cold(Accepts::Any, STEP, done_since)),
        ("renewed", cold(Accepts::Any, STEP, renewed)),
        ("full_error", cold(Accepts::Any, STEP, full_error)),
    ]
}
