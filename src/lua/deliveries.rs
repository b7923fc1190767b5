//! Handles that wait for their report: what forms/deliveries.lua stands on.

use std::sync::Arc;

use mlua::prelude::*;
use mlua::MultiValue;

use super::ask::{Asked, Ticket};
use super::class::{cold, Method};
use super::producer::Producer;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, STEP};
use crate::client::clock;
use crate::client::question::{Question, Waiting};

/// Somebody who waits for a report, which the Lua side serves.
struct Report(Arc<Question<()>>);

impl Asked for Report {
    fn is_answered(&self) -> bool {
        self.0.is_answered()
    }

    fn take(&self, _: &Lua) -> Option<Result<MultiValue, Raise>> {
        self.0.take().map(|_| Ok(MultiValue::new()))
    }

    fn give_up(&self) {
        self.0.give_up();
    }

    fn end(&self) {
        self.0.settle(Ok(()));
    }
}

/// `(self, timeout)` → a ticket for the Lua side to finish, and when to give up.
fn wait_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(Ticket, f64), Raise> {
    let deadline = clock::deadline_ms(args.timeout(0, 0)?);
    let question = producer.open()?.handle().open_question(deadline);
    Ok((Ticket::new(Report(question)), deadline))
}

/// `(self, topic)` → how long (ms) a message may take, 0 without limit.
fn message_timeout(_: &Lua, producer: &Producer, args: Args) -> Result<i64, Raise> {
    const DEFAULT: i64 = 300_000;
    let conf = producer.open()?.conf_of(&args.bytes(0)?).map_err(Raise::Caller)?;
    Ok(conf.property(&c"message.timeout.ms".to_owned()).and_then(|value| value.parse().ok()).unwrap_or(DEFAULT))
}

/// `(self)`: a handle's message failed, and nobody waited → a number for `asked`; none if the client is closed.
fn not_asked(_: &Lua, producer: &Producer, _: Args) -> Result<Option<i64>, Raise> {
    Ok(producer.open().ok().map(|open| open.handle().client().shared().counts.not_asked() as i64))
}

/// `(self, number)`: somebody has asked the handle.
fn asked(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    let number = args.integer(0, 0, i64::MAX)?;
    if let Ok(open) = producer.open() {
        open.handle().client().shared().counts.asked(number as u64);
    }
    Ok(())
}

pub fn steps() -> Vec<(&'static str, Method<Producer>)> {
    vec![
        ("check", cold(Accepts::Open, STEP, |_, _, _| Ok(()))),
        ("not_asked", cold(Accepts::Any, STEP, not_asked)),
        ("asked", cold(Accepts::Any, STEP, asked)),
        ("wait_begin", cold(Accepts::Open, STEP, wait_begin)),
        ("message_timeout", cold(Accepts::Open, STEP, message_timeout)),
    ]
}
