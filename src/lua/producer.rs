//! `kafka.Producer`.

use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use mlua::prelude::*;
use mlua::MultiValue;

use super::args::entries;
use super::ask::{ask, Asked, Ticket};
use super::class::{cold, hot, making_step, pushing_step, step, Method};
use super::deliveries;
use super::face::{Face, Leaves, Seat};
use super::partitioning;
use super::stack::block::Class;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, CLASSIC, METHOD, STEP};
use super::stack::{batch, event, produce, send, serve};
use super::transactions;
use crate::client::clock;
use crate::client::config::Settings;
use crate::client::handle::Handle;
use crate::client::leaving::{Departure, Tell};
use crate::client::patience::Patience;
use crate::client::producer::{FlushWait, Producer as Client, Refusal};
use crate::model::config::Entries;
use crate::native::conf::TopicConf;
use crate::native::metadata::Scope;
use crate::native::producer::purge_now;
use crate::native::shared::Shared;

pub struct Producer {
    seat: Seat<Client>,
    pub slots: Slots,
}

/// Numbers of the callbacks and opaques that wait in Lua for their reports.
#[derive(Default)]
pub struct Slots {
    free: RefCell<Vec<u32>>,
    highest: Cell<u32>,
}

impl Slots {
    pub fn take(&self, client: &Client) -> u32 {
        client.slot_taken();
        self.free.borrow_mut().pop().unwrap_or_else(|| {
            self.highest.set(self.highest.get() + 1);
            self.highest.get()
        })
    }

    /// True when none is in use any more after many were.
    pub fn free(&self, client: &Client, slot: u32) -> bool {
        const MANY: u32 = 64;
        client.slot_freed();
        if client.slots_in_use() > 0 || self.highest.get() < MANY {
            self.free.borrow_mut().push(slot);
            return false;
        }
        self.highest.set(0);
        *self.free.borrow_mut() = Vec::new();
        true
    }
}

impl Producer {
    /// Classic with `brokers`, modern without: then they are in `entries`.
    pub fn create(brokers: Option<&[u8]>, conf: &Entries, settings: Settings) -> Result<Producer, Raise> {
        let client = Client::create(conf, settings).map_err(Raise::Plain)?;
        let handle = client.handle();
        let (shared, name) = (handle.shared().clone(), handle.name.clone());
        let understood = brokers.is_none_or(|brokers| handle.add_brokers(brokers));
        let seat = Seat::new(client, shared, settings, name);
        if !understood {
            seat.leave(Duration::ZERO, Tell::Caller);
            return Err(Raise::Caller("invalid broker list".into()));
        }
        Ok(Producer { seat, slots: Slots::default() })
    }

    #[inline]
    pub fn open(&self) -> Result<Ref<'_, Client>, Raise> {
        self.seat.open::<Self>()
    }
}

impl Leaves for Client {
    fn leave(self, patience: Duration, tell: Tell) -> Arc<Departure> {
        Client::leave(self, patience, tell)
    }

    fn export(&self) -> i32 {
        self.handle().export(false)
    }

    fn handle(&self) -> &Handle {
        Client::handle(self)
    }

    fn conf_of(&self, topic: &[u8]) -> Result<TopicConf, String> {
        Client::conf_of(self, topic)
    }

    fn scope_of(&self, topic: &CString) -> Option<Scope> {
        Client::scope_of(self, topic)
    }
}

impl Class for Producer {
    const NAME: &'static str = "kafka.Producer";

    fn registry_key() -> &'static u8 {
        static KEY: u8 = 0;
        &KEY
    }

    fn is_closed(&self) -> bool {
        self.seat.is_closed()
    }

    fn make_husk() -> Option<Self> {
        Some(Producer { seat: Seat::husk()?, slots: Slots::default() })
    }

    fn husk_of_thread() -> &'static std::thread::LocalKey<OnceCell<Option<&'static Self>>> {
        thread_local!(static HUSK: OnceCell<Option<&'static Producer>> = const { OnceCell::new() });
        &HUSK
    }
}

impl Face for Producer {
    fn shared(&self) -> &Arc<Shared> {
        &self.seat.shared
    }

    fn serve(&self) {
        self.seat.if_open(Client::serve);
    }

    fn settle(&self) {
        self.seat.if_open(Client::settle);
    }

    fn departure(&self) -> Option<Arc<Departure>> {
        self.seat.departure()
    }

    fn free_slot(&self, slot: u32) -> bool {
        self.seat.if_open(|client| self.slots.free(client, slot)).unwrap_or(false)
    }
}

impl AsRef<Seat<Client>> for Producer {
    fn as_ref(&self) -> &Seat<Client> {
        &self.seat
    }
}

fn create_topic(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    args.count(1, 2)?;
    let topic = args.bytes(0)?;
    // The form in front has flattened and checked the options.
    let conf = args.optional_table(1)?.map(entries).transpose()?.unwrap_or_default();
    producer.open()?.create_topic(&topic, &conf).map_err(|refusal| match refusal {
        Refusal::Property(why) => Raise::Plain(why),
        Refusal::Topic(why) => Raise::Caller(why),
    })
}

fn has_topic(_: &Lua, producer: &Producer, args: Args) -> Result<bool, Raise> {
    args.count(1, 1)?;
    Ok(producer.open()?.has_topic(&args.bytes(0)?))
}

fn destroy_topic(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    args.count(1, 1)?;
    producer.open()?.destroy_topic(&args.bytes(0)?);
    Ok(())
}

fn topics(lua: &Lua, producer: &Producer, args: Args) -> Result<LuaTable, Raise> {
    args.count(0, 0)?;
    let mut names = producer.open()?.topics();
    names.sort();
    let list = lua.create_table()?;
    for name in names {
        list.raw_push(lua.create_string(&name)?)?;
    }
    Ok(list)
}

fn describe(_: &Lua, producer: &Producer, _: Args) -> Result<String, Raise> {
    let seat = &producer.seat;
    let state = if seat.is_closed() { "closed".into() } else { format!("open, {} queued", seat.shared.unreported()) };
    Ok(format!("{}: {} ({state})", Producer::NAME, seat.name))
}

/// `(self, queued, in_flight)` → a ticket.
fn purge_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(Ticket, f64), Raise> {
    let is = |index: usize| matches!(args.get(index), LuaValue::Boolean(true));
    let (queued, in_flight) = (is(0), is(1));
    let job = move |client: &Arc<crate::native::client::Client>, _: &Patience| purge_now(client, queued, in_flight);
    ask(producer.as_ref(), 10_000, job, |_, ()| Ok(true))
}

/// `(topic [, partition])` → the highest offset this producer has written there; nil before the first.
fn last_offset(_: &Lua, producer: &Producer, args: Args) -> Result<Option<i64>, Raise> {
    args.count(1, 2)?;
    let topic = args.topic(0)?;
    let partition = args.optional_int32(1, 0)?;
    let offsets = producer.seat.shared.progress.last_offsets(topic.as_bytes());
    let wanted = offsets.into_iter().filter(|(at, _)| partition.is_none_or(|partition| partition == *at));
    Ok(wanted.map(|(_, offset)| offset).max())
}

/// A flush that a coroutine waits for: its ticket goes with it.
struct Flushing(Cell<Option<FlushWait>>);

impl Asked for Flushing {
    fn is_answered(&self) -> bool {
        false
    }

    fn take(&self, _: &Lua) -> Option<Result<MultiValue, Raise>> {
        None
    }

    fn give_up(&self) {
        self.0.take();
    }
}

/// Begins to wait for a flush; returns when to give up, and a ticket to be forgotten at its end.
fn flush_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(f64, Ticket), Raise> {
    args.count(0, 1)?;
    let deadline = clock::deadline_ms(args.timeout(0, 10_000)?);
    let client = producer.open()?;
    client.serve();
    let wait = client.begin_flush(deadline);
    Ok((deadline, Ticket::new(Flushing(Cell::new(Some(wait))))))
}

/// Whether nothing is left to wait for.
fn flush_done(_: &Lua, producer: &Producer, _: Args) -> Result<bool, Raise> {
    producer.seat.if_open(Client::is_flushed).unwrap_or(Ok(true)).map_err(Raise::Error)
}

/// How many messages are left.
fn flush_left(_: &Lua, producer: &Producer, _: Args) -> Result<i64, Raise> {
    Ok(i64::try_from(producer.seat.shared.unreported()).unwrap_or(i64::MAX))
}

/// Why not everything was delivered, as `nil, err`.
fn flush_error(_: &Lua, producer: &Producer, _: Args) -> Result<(), Raise> {
    Err(Raise::Error(producer.open()?.flush_error()))
}

/// When closing gives up; nil when it is closed.
fn close_begin(_: &Lua, producer: &Producer, args: Args) -> Result<Option<f64>, Raise> {
    args.count(0, 1)?;
    let timeout = args.timeout(0, producer.seat.settings.close_timeout)?;
    if producer.seat.is_in_use() {
        return Err(in_use());
    }
    Ok((!producer.seat.is_closed()).then(|| clock::deadline_ms(timeout)))
}

pub fn in_use() -> Raise {
    Raise::Caller("a client cannot be closed by a finalizer that runs inside one of its own calls".into())
}

/// How many messages were not delivered.
fn undelivered(_: &Lua, producer: &Producer, _: Args) -> Result<i64, Raise> {
    Ok(producer.seat.if_open(Client::undelivered).map_or(0, |count| i64::try_from(count).unwrap_or(i64::MAX)))
}

/// Refuses further calls, fails what is undelivered, and takes its reports in.
fn close_purge(_: &Lua, producer: &Producer, _: Args) -> Result<(), Raise> {
    producer.seat.mark_closed();
    producer.seat.if_open(Client::purge);
    Ok(())
}

fn close_leave(_: &Lua, producer: &Producer, _: Args) -> Result<(), Raise> {
    if producer.seat.is_in_use() {
        return Err(in_use());
    }
    producer.seat.leave(Duration::ZERO, Tell::Caller);
    Ok(())
}

pub fn methods() -> Vec<(&'static str, Method<Producer>)> {
    let mut methods = transactions::methods();
    methods.extend([
        ("send", hot(send::send)),
        ("produce", hot(produce::produce)),
        ("has_topic", cold(Accepts::Open, CLASSIC, has_topic)),
        ("destroy_topic", cold(Accepts::Open, CLASSIC, destroy_topic)),
        ("topics", cold(Accepts::Open, METHOD, topics)),
        ("last_offset", cold(Accepts::Open, METHOD, last_offset)),
    ]);
    methods
}

pub fn metamethods() -> Vec<(&'static str, Method<Producer>)> {
    vec![("__len", hot(serve::length)), ("__tostring", cold(Accepts::EvenForked, METHOD, describe))]
}

/// What forms/producer.lua stands on.
pub fn steps() -> Vec<(&'static str, Method<Producer>)> {
    let mut steps = partitioning::producer_steps();
    steps.extend(transactions::steps());
    steps.extend(deliveries::steps());
    steps.extend([
        ("create_topic", cold(Accepts::Open, super::stack::raise::CLASSIC_STEP, create_topic)),
        ("produce_batch", pushing_step(batch::produce_batch_step, batch::push_refused)),
        ("poll", step(serve::poll_step)),
        ("poll_take", step(serve::poll_take)),
        ("next_event", making_step(event::next_event::<Producer>, event::push_event, event::RECORD)),
        ("purge_begin", cold(Accepts::Open, STEP, purge_begin)),
        ("flush_begin", cold(Accepts::Open, STEP, flush_begin)),
        ("flush_done", cold(Accepts::Any, STEP, flush_done)),
        ("flush_left", cold(Accepts::Any, STEP, flush_left)),
        ("flush_error", cold(Accepts::Any, STEP, flush_error)),
        ("close_begin", cold(Accepts::Any, STEP, close_begin)),
        ("undelivered", cold(Accepts::Any, STEP, undelivered)),
        ("close_purge", cold(Accepts::Any, STEP, close_purge)),
        ("close_leave", cold(Accepts::Any, STEP, close_leave)),
    ]);
    steps
}
