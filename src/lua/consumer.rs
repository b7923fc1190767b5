//! `kafka.Consumer`.

use std::cell::{OnceCell, Ref};
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use mlua::prelude::*;

use super::acks;
use super::class::{cold, making_step, pushing_step, Method};
use super::face::{Face, Leaves, Seat};
use super::input;
use super::producer::in_use;
use super::stack::block::Class;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD, STEP};
use super::stack::{event, message, receive};
use super::{groups, positions};
use crate::client::assignment::refusal;
use crate::client::clock;
use crate::client::config::Settings;
use crate::client::consumer::Consumer as Client;
use crate::client::handle::Handle;
use crate::client::leaving::{Departure, Tell};
use crate::model::config::Entries;
use crate::model::error::KafkaError;
use crate::native::conf::TopicConf;
use crate::native::metadata::Scope;
use crate::native::shared::Shared;
use crate::native::topic::Topic;

pub struct Consumer {
    seat: Seat<Client>,
}

/// The topics array: gathered by the embedded Lua, or refused by it.
pub enum Topics {
    Names(Vec<Vec<u8>>),
    NotStrings,
}

impl Consumer {
    /// Classic with `brokers`, modern without: then they are in `entries`.
    pub fn create(
        brokers: Option<&[u8]>,
        topics: &Topics,
        conf: &Entries,
        topic_conf: &Entries,
        settings: Settings,
    ) -> Result<Consumer, Raise> {
        let needs_group = brokers.is_some() || !matches!(topics, Topics::Names(names) if names.is_empty());
        let client = Client::create(conf, topic_conf, settings, needs_group).map_err(Raise::Plain)?;
        let handle = client.handle();
        let (shared, name) = (handle.shared().clone(), handle.name.clone());
        let refused = if brokers.is_some_and(|brokers| !handle.add_brokers(brokers)) {
            Some(Raise::Caller("invalid broker list".into()))
        } else {
            match topics {
                Topics::NotStrings => Some(Raise::Plain("topics must be an array of strings".into())),
                Topics::Names(names) if names.is_empty() => None,
                Topics::Names(names) => {
                    let started = client.feeds.join().map_err(Into::into).and_then(|()| client.start(names));
                    let explain = |why| match refusal(names) {
                        None => why,
                        Some(reason) if brokers.is_none() => format!("option topics: {reason}"),
                        // The classic call's words, which are librdkafka's, and what they mean.
                        Some(reason) => format!("{why}: {reason}"),
                    };
                    started.map_err(|why| Raise::Plain(explain(why))).err()
                }
            }
        };
        let seat = Seat::new(client, shared, settings, name);
        match refused {
            None => Ok(Consumer { seat }),
            Some(raise) => {
                seat.leave(Duration::from_millis(100), Tell::Caller);
                Err(raise)
            }
        }
    }

    #[inline]
    pub fn open(&self) -> Result<Ref<'_, Client>, Raise> {
        self.seat.open::<Self>()
    }

    /// As [`Consumer::open`], for a call of a group's member.
    #[inline]
    pub fn member(&self) -> Result<Ref<'_, Client>, Raise> {
        let client = self.in_group()?;
        client.feeds.join().map_err(|why| Raise::Caller(why.into()))?;
        Ok(client)
    }

    /// As [`Consumer::open`], for a question that has an answer where there is a group.
    pub fn in_group(&self) -> Result<Ref<'_, Client>, Raise> {
        let client = self.open()?;
        if !client.has_group {
            let why = "this consumer has no group.id, so it can only read partitions with consume_start and consume_one; \
                       set group.id to subscribe or assign";
            return Err(Raise::Caller(why.into()));
        }
        Ok(client)
    }
}

impl Leaves for Client {
    fn leave(self, patience: Duration, tell: Tell) -> Arc<Departure> {
        Client::leave(self, patience, tell)
    }

    fn export(&self) -> i32 {
        Client::export(self)
    }

    fn handle(&self) -> &Handle {
        Client::handle(self)
    }

    fn conf_of(&self, _: &[u8]) -> Result<TopicConf, String> {
        Ok(TopicConf::of(self.handle().client()))
    }

    fn scope_of(&self, topic: &CString) -> Option<Scope> {
        Topic::open(self.handle().client(), topic, None).ok().map(Scope::Topic)
    }
}

impl Class for Consumer {
    const NAME: &'static str = "kafka.Consumer";

    fn registry_key() -> &'static u8 {
        static KEY: u8 = 0;
        &KEY
    }

    fn is_closed(&self) -> bool {
        self.seat.is_closed()
    }

    fn make_husk() -> Option<Self> {
        Some(Consumer { seat: Seat::husk()? })
    }

    fn husk_of_thread() -> &'static std::thread::LocalKey<OnceCell<Option<&'static Self>>> {
        thread_local!(static HUSK: OnceCell<Option<&'static Consumer>> = const { OnceCell::new() });
        &HUSK
    }
}

impl Face for Consumer {
    fn shared(&self) -> &Arc<Shared> {
        &self.seat.shared
    }

    fn serve(&self) {
        self.seat.if_open(Client::look);
    }

    fn settle(&self) {
        self.seat.if_open(Client::settle);
    }

    fn departure(&self) -> Option<Arc<Departure>> {
        self.seat.departure()
    }

    fn free_slot(&self, _: u32) -> bool {
        false
    }
}

impl AsRef<Seat<Client>> for Consumer {
    fn as_ref(&self) -> &Seat<Client> {
        &self.seat
    }
}

fn describe(_: &Lua, consumer: &Consumer, _: Args) -> Result<String, Raise> {
    let seat = &consumer.seat;
    let state = if seat.is_closed() { "closed" } else { "open" };
    Ok(format!("{}: {} ({state})", Consumer::NAME, seat.name))
}

/// Counts the last message as done and starts leaving the group; returns when to give up, or nil
/// when it is closed already.
fn close_begin(_: &Lua, consumer: &Consumer, args: Args) -> Result<Option<f64>, Raise> {
    args.count(0, 1)?;
    let timeout = args.timeout(0, consumer.seat.settings.close_timeout)?;
    if consumer.seat.is_in_use() {
        return Err(in_use());
    }
    let deadline = clock::deadline_ms(timeout);
    if consumer.seat.is_closed() {
        // Whoever closed it may still be waiting: then so do we.
        let leaving = consumer.seat.departure().is_some_and(|departure| !departure.is_gone());
        return Ok(leaving.then_some(deadline));
    }
    consumer.open()?.finish();
    consumer.seat.leave(clock::left(deadline), Tell::Caller);
    Ok(Some(deadline))
}

/// Whether the group was left in time; else `nil, err`.
fn close_result(_: &Lua, consumer: &Consumer, _: Args) -> Result<bool, Raise> {
    let Some(departure) = consumer.seat.departure() else { return Ok(true) };
    let late = || KafkaError::timed_out("the group was not left in time");
    let failure = if departure.is_gone() { departure.failure() } else { Some(late()) };
    let Some(mut error) = failure else { return Ok(true) };
    let last = consumer.seat.last_error().map(|error| format!("; last error: {}: {}", error.name, error.message));
    error.message += &format!("; its offsets may not be committed{}", last.unwrap_or_default());
    Err(Raise::Error(error))
}

/// The last message shall come again: a block left by an error has not handled it.
fn forget_last(_: &Lua, consumer: &Consumer, _: Args) -> Result<(), Raise> {
    consumer.seat.if_open(Client::forget_last);
    Ok(())
}

/// `(self, given, least, most)`: a call of a group's member got `given` arguments, self counted.
fn member(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    let (given, least, most) = (args.int32(0, 0)?, args.int32(1, 0)?, args.int32(2, 0)?);
    if given < least || given > most {
        return Err(Raise::Arg(given, "incorrect number of arguments".into()));
    }
    consumer.member().map(drop)
}

/// Before a loop over messages: the consumer must be open.
fn messages_begin(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    args.count(0, 1)?;
    consumer.member().map(drop)
}

fn each_begin(_: &Lua, consumer: &Consumer, args: Args) -> Result<(), Raise> {
    args.count(1, 2)?;
    consumer.member().map(drop)
}

/// A loop has ended after its last body: what that was given is done.
fn finish_last(_: &Lua, consumer: &Consumer, _: Args) -> Result<(), Raise> {
    consumer.seat.if_open(Client::finish_last);
    Ok(())
}

pub fn methods() -> Vec<(&'static str, Method<Consumer>)> {
    groups::methods()
}

pub fn metamethods() -> Vec<(&'static str, Method<Consumer>)> {
    vec![("__tostring", cold(Accepts::EvenForked, METHOD, describe))]
}

/// What forms/consumer.lua stands on.
pub fn steps() -> Vec<(&'static str, Method<Consumer>)> {
    let mut steps = input::steps();
    steps.extend(groups::steps());
    steps.extend(positions::steps());
    steps.extend(super::simple::steps());
    steps.extend([
        ("receive", pushing_step(receive::receive_step, message::push_classic)),
        ("poll", making_step(receive::poll_step, message::push_table, message::RECORD)),
        ("poll_batch", making_step(receive::poll_batch_step, message::push_tables, message::RECORD)),
        ("receive_batch", pushing_step(receive::receive_batch_step, message::push_arrays)),
        ("next_event", making_step(event::next_event::<Consumer>, event::push_event, event::RECORD)),
        ("close_begin", cold(Accepts::Any, STEP, close_begin)),
        ("close_result", cold(Accepts::Any, STEP, close_result)),
        ("member", cold(Accepts::Open, STEP, member)),
        ("messages_begin", cold(Accepts::Open, STEP, messages_begin)),
        ("each_begin", cold(Accepts::Open, STEP, each_begin)),
        ("finish_last", cold(Accepts::Any, STEP, finish_last)),
        ("forget_last", cold(Accepts::Any, STEP, forget_last)),
    ]);
    steps.extend(acks::steps());
    steps
}
