//! Handles that wait for their report: what forms/producing.lua stands on.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use mlua::prelude::*;

use super::ask::wait_for;
use super::class::{cold, Method};
use super::producer::Producer;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, STEP};
use crate::client::clock;
use crate::client::question::Question;

/// Handles that wait for their report, by ticket.
#[derive(Default)]
pub struct Waits(RefCell<HashMap<u64, Arc<Question<()>>>>);

/// `(self, timeout)` → a ticket that `wait_end` answers, and when to give up.
fn wait_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(f64, f64), Raise> {
    let deadline = clock::deadline_ms(args.timeout(0, 0)?);
    let question = producer.open()?.handle().open_question::<()>(deadline);
    let ticket = wait_for(producer.as_ref(), question.clone(), |_, ()| Ok(()));
    producer.waits.0.borrow_mut().insert(ticket as u64, question);
    Ok((ticket, deadline))
}

/// `(self, ticket)`: what it waits for has come.
fn wait_end(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    let ticket = args.integer(0, 0, i64::MAX)? as u64;
    let question = producer.waits.0.borrow_mut().remove(&ticket);
    if let Some(question) = question {
        question.settle(Ok(()));
    }
    Ok(())
}

/// `(self, topic)` → how long (ms) a message may take, 0 without limit.
fn message_timeout(_: &Lua, producer: &Producer, args: Args) -> Result<i64, Raise> {
    const DEFAULT: i64 = 300_000;
    let conf = producer.open()?.conf_of(&args.bytes(0)?).map_err(Raise::Caller)?;
    Ok(conf.property(&c"message.timeout.ms".to_owned()).and_then(|value| value.parse().ok()).unwrap_or(DEFAULT))
}

pub fn steps() -> Vec<(&'static str, Method<Producer>)> {
    vec![
        ("check", cold(Accepts::Open, STEP, |_, _, _| Ok(()))),
        ("wait_begin", cold(Accepts::Open, STEP, wait_begin)),
        ("wait_end", cold(Accepts::Any, STEP, wait_end)),
        ("message_timeout", cold(Accepts::Open, STEP, message_timeout)),
    ]
}
