//! `kafka.Queue`: messages of one partition, or of many merged.

use std::cell::OnceCell;
use std::rc::Rc;

use mlua::prelude::*;

use super::class::{cold, hot, making_step, Method};
use super::stack::block::Class;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD, STEP};
use super::stack::{message, queue};
use crate::client::feed::{End, Feed, Of};
use crate::client::feeds::Feeds;

/// The object's environment or user value holds its consumer at 1.
pub struct Queue {
    pub feed: Option<Rc<Feed>>,
    feeds: Option<Rc<Feeds>>,
}

impl Queue {
    pub fn new(feed: Rc<Feed>, feeds: Rc<Feeds>) -> Queue {
        Queue { feed: Some(feed), feeds: Some(feeds) }
    }

    /// The queue itself. That of a closed consumer is misused, as the consumer would be.
    pub fn open(&self) -> Result<&Rc<Feed>, Raise> {
        match &self.feed {
            Some(feed) if feed.end() != Some(End::ConsumerClosed) => Ok(feed),
            _ => Err(Raise::Caller("attempt to use a queue of a closed kafka.Consumer".into())),
        }
    }

    fn is_over(&self) -> bool {
        self.feed.as_ref().is_none_or(|feed| feed.end().is_some())
    }
}

impl Class for Queue {
    const NAME: &'static str = "kafka.Queue";

    fn registry_key() -> &'static u8 {
        static KEY: u8 = 0;
        &KEY
    }

    fn is_closed(&self) -> bool {
        self.is_over()
    }

    fn make_husk() -> Option<Self> {
        Some(Queue { feed: None, feeds: None })
    }

    fn husk_of_thread() -> &'static std::thread::LocalKey<OnceCell<Option<&'static Self>>> {
        thread_local!(static HUSK: OnceCell<Option<&'static Queue>> = const { OnceCell::new() });
        &HUSK
    }
}

fn closed(_: &Lua, queue: &Queue, args: Args) -> Result<bool, Raise> {
    args.count(0, 0)?;
    Ok(queue.is_over())
}

fn pollfd(_: &Lua, queue: &Queue, args: Args) -> Result<i32, Raise> {
    args.count(0, 0)?;
    match &queue.feed {
        Some(feed) => Ok(feed.export()),
        None => queue.open().map(|feed| feed.export()),
    }
}

fn events(_: &Lua, _: &Queue, args: Args) -> Result<&'static str, Raise> {
    args.count(0, 0)?;
    Ok("r")
}

/// The descriptor tells all: no queue has to be served by the clock.
fn timeout(_: &Lua, _: &Queue, args: Args) -> Result<Option<f64>, Raise> {
    args.count(0, 0)?;
    Ok(None)
}

fn describe(_: &Lua, queue: &Queue, _: Args) -> Result<String, Raise> {
    let what = match queue.feed.as_ref().map(|feed| &feed.of) {
        Some(Of::Assigned { topic, partition }) => format!("{topic} [{partition}]"),
        _ => "of started partitions".into(),
    };
    Ok(format!("{}: {what} ({})", Queue::NAME, if queue.is_over() { "closed" } else { "open" }))
}

/// `(self, topic, partition, offset)`: leads a partition here.
fn start(_: &Lua, queue: &Queue, args: Args) -> Result<bool, Raise> {
    let (topic, partition, offset) = (args.topic(0)?, args.int32(1, 0)?, args.integer(2, i64::MIN, i64::MAX)?);
    let feed = queue.open()?;
    let Some(feeds) = &queue.feeds else { return Ok(false) };
    feeds.start(feed, &topic, partition, offset).map_err(Raise::Caller)?.map_err(Raise::Error)?;
    Ok(true)
}

/// `(self)` → whether the client has to be served along with it.
fn is_simple(_: &Lua, queue: &Queue, _: Args) -> Result<bool, Raise> {
    Ok(queue.feed.as_ref().is_some_and(|feed| feed.of == Of::Started))
}

/// A loop has ended after its last body: what that was given is done.
fn finish_last(_: &Lua, queue: &Queue, _: Args) -> Result<(), Raise> {
    if let Some(feed) = &queue.feed {
        feed.finish_last();
    }
    Ok(())
}

/// `(self)` → whether a message was cancelled since this was asked.
fn cancels(_: &Lua, queue: &Queue, _: Args) -> Result<u64, Raise> {
    Ok(queue.feed.as_ref().map_or(0, |feed| feed.cancels()))
}

/// Before a loop over messages: the consumer must be open.
fn messages_begin(_: &Lua, queue: &Queue, args: Args) -> Result<(), Raise> {
    args.count(0, 1)?;
    queue.open().map(drop)
}

fn each_begin(_: &Lua, queue: &Queue, args: Args) -> Result<(), Raise> {
    args.count(1, 2)?;
    queue.open().map(drop)
}

pub fn methods() -> Vec<(&'static str, Method<Queue>)> {
    vec![
        ("closed", cold(Accepts::EvenForked, METHOD, closed)),
        ("pollfd", cold(Accepts::Any, METHOD, pollfd)),
        ("events", cold(Accepts::Any, METHOD, events)),
        ("timeout", cold(Accepts::Any, METHOD, timeout)),
    ]
}

pub fn metamethods() -> Vec<(&'static str, Method<Queue>)> {
    vec![("__tostring", cold(Accepts::EvenForked, METHOD, describe))]
}

/// What forms/queue.lua stands on.
pub fn steps() -> Vec<(&'static str, Method<Queue>)> {
    vec![
        ("poll", making_step(queue::poll_step, message::push_table, message::RECORD)),
        ("poll_batch", making_step(queue::poll_batch_step, message::push_tables, message::RECORD)),
        ("owner", hot(queue::owner)),
        ("wait_slice", hot(queue::wait_slice)),
        ("start", cold(Accepts::Any, STEP, start)),
        ("is_simple", cold(Accepts::Any, STEP, is_simple)),
        ("cancels", cold(Accepts::Any, STEP, cancels)),
        ("finish_last", cold(Accepts::Any, STEP, finish_last)),
        ("messages_begin", cold(Accepts::Any, STEP, messages_begin)),
        ("each_begin", cold(Accepts::Any, STEP, each_begin)),
    ]
}
