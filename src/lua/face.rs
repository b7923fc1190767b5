//! What producers and consumers have in common for Lua: a client until it is closed, and what
//! remains of it afterwards.

use std::cell::{Cell, Ref, RefCell};
use std::ffi::CString;
use std::sync::{Arc, Weak};
use std::time::Duration;

use mlua::prelude::*;

use super::ask;
use super::class::{cold, hot, step, Method};
use super::config;
use super::control;
use super::error::Value;
use super::fatal;
use super::partitioning;
use super::questions;
use super::stack::block::{closed, Class};
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD, STEP};
use super::stack::serve;
use crate::client::acks::Mode;
use crate::client::config::Settings;
use crate::client::handle::Handle;
use crate::client::leaving::{Departure, Tell};
use crate::model::error::KafkaError;
use crate::native::client::Client;
use crate::native::conf::{LogTarget, TopicConf};
use crate::native::metadata::Scope;
use crate::native::shared::{Shared, Wanted};

/// A client that leaves when told to.
pub trait Leaves: Sized {
    fn leave(self, patience: Duration, tell: Tell) -> Arc<Departure>;
    fn handle(&self) -> &Handle;
    /// The settings of a topic: the client's own, where a topic cannot have others.
    fn conf_of(&self, topic: &[u8]) -> Result<TopicConf, String>;
    /// How to ask for a topic's metadata.
    fn scope_of(&self, topic: &CString) -> Option<Scope>;
    fn export(&self) -> i32;

    fn last_error(&self) -> Option<KafkaError> {
        self.handle().last_error()
    }
}

/// The state behind one userdata.
pub struct Seat<C: Leaves> {
    client: RefCell<Option<C>>,
    closed: Cell<bool>,
    departure: RefCell<Option<Arc<Departure>>>,
    /// The client while it leaves: a connection may want a token even then.
    leaving: RefCell<Weak<Client>>,
    last_error: RefCell<Option<KafkaError>>,
    pub shared: Arc<Shared>,
    pub settings: Settings,
    pub name: String,
}

impl<C: Leaves> Seat<C> {
    pub fn new(client: C, shared: Arc<Shared>, settings: Settings, name: String) -> Seat<C> {
        Seat {
            client: RefCell::new(Some(client)),
            closed: Cell::new(false),
            departure: RefCell::default(),
            leaving: RefCell::default(),
            last_error: RefCell::default(),
            shared,
            settings,
            name,
        }
    }

    /// What is left of a client whose `__gc` was called by hand: closed, nameless.
    pub fn husk() -> Option<Seat<C>> {
        Some(Seat {
            client: RefCell::default(),
            closed: Cell::new(true),
            departure: RefCell::default(),
            leaving: RefCell::default(),
            last_error: RefCell::default(),
            shared: Arc::new(Shared::new(Wanted::default()).ok()?),
            settings: Settings {
                wanted: Wanted::default(),
                log: LogTarget::None,
                allow_unsafe: false,
                exit_timeout: 0,
                close_timeout: 0,
                ack: Mode::Auto,
                max_unacked: 0,
            },
            name: "collected".into(),
        })
    }

    /// The client; gone once it has left.
    pub fn open<T: Class>(&self) -> Result<Ref<'_, C>, Raise> {
        Ref::filter_map(self.client.borrow(), Option::as_ref).map_err(|_| closed::<T>())
    }

    pub fn if_open<R>(&self, body: impl FnOnce(&C) -> R) -> Option<R> {
        self.client.borrow().as_ref().map(body)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// A call of this client is under way below us: only a finalizer that it runs can ask.
    pub fn is_in_use(&self) -> bool {
        self.client.try_borrow_mut().is_err()
    }

    /// From here on the user's calls are refused.
    pub fn mark_closed(&self) {
        self.closed.set(true);
    }

    /// Sends the client on its way; the descriptor is readable for good once it is gone.
    pub fn leave(&self, patience: Duration, tell: Tell) {
        self.mark_closed();
        self.shared.begin_leaving();
        if let Some(client) = self.client.take() {
            client.handle().give_up_questions();
            *self.last_error.borrow_mut() = client.last_error();
            *self.leaving.borrow_mut() = Arc::downgrade(client.handle().client());
            *self.departure.borrow_mut() = Some(client.leave(patience, tell));
        }
    }

    /// librdkafka's client, also while it leaves.
    pub fn with_native<R>(&self, body: impl FnOnce(&Client) -> R) -> Option<R> {
        let native = self.if_open(|client| client.handle().client().clone());
        native.or_else(|| self.leaving.borrow().upgrade()).map(|client| body(&client))
    }

    pub fn departure(&self) -> Option<Arc<Departure>> {
        self.departure.borrow().clone()
    }

    pub fn last_error(&self) -> Option<KafkaError> {
        self.if_open(Leaves::last_error).unwrap_or_else(|| self.last_error.borrow().clone())
    }

    fn exit_patience(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.settings.exit_timeout).unwrap_or(u64::from(u32::MAX)))
    }
}

impl<C: Leaves> Drop for Seat<C> {
    /// The collector's way: in the background, and what is lost is told.
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            client.leave(self.exit_patience(), Tell::Stderr);
        }
    }
}

/// What the steps under the embedded Lua need of a class.
pub trait Face: Class {
    fn shared(&self) -> &Arc<Shared>;
    fn serve(&self);
    fn settle(&self);
    fn departure(&self) -> Option<Arc<Departure>>;
    /// Gives a slot back; true when none is in use any more and its tables may be renewed.
    fn free_slot(&self, slot: u32) -> bool;
}

fn name<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<String, Raise> {
    args.count(0, 0)?;
    Ok(client.as_ref().name.clone())
}

fn last_error<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<Value, Raise> {
    args.count(0, 0)?;
    Ok(Value(client.as_ref().last_error()))
}

fn pollfd<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<i32, Raise> {
    args.count(0, 0)?;
    let seat = client.as_ref();
    Ok(seat.if_open(Leaves::export).unwrap_or_else(|| seat.shared.wake.fd()))
}

fn events<T>(_: &Lua, _: &T, args: Args) -> Result<&'static str, Raise> {
    args.count(0, 0)?;
    Ok("r")
}

/// The descriptor tells all: no client has to be served by the clock.
fn timeout<T>(_: &Lua, _: &T, args: Args) -> Result<Option<f64>, Raise> {
    args.count(0, 0)?;
    Ok(None)
}

/// The methods every client has, besides its own.
pub fn client_methods<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>(
    mut own: Vec<(&'static str, Method<T>)>,
) -> Vec<(&'static str, Method<T>)> {
    own.extend(partitioning::methods());
    own.extend(config::methods());
    own.extend(control::methods());
    own.extend(questions::methods());
    own.extend(fatal::methods());
    own.extend([
        ("closed", hot(serve::closed::<T>)),
        ("name", cold(Accepts::EvenForked, METHOD, name::<T, C>)),
        ("last_error", cold(Accepts::Open, METHOD, last_error::<T, C>)),
        ("pollfd", cold(Accepts::Any, METHOD, pollfd::<T, C>)),
        ("events", cold(Accepts::Any, METHOD, events::<T>)),
        ("timeout", cold(Accepts::Any, METHOD, timeout::<T>)),
    ]);
    own
}

/// The steps every client has, besides its own.
pub fn client_steps<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>(
    mut own: Vec<(&'static str, Method<T>)>,
) -> Vec<(&'static str, Method<T>)> {
    own.extend(questions::steps());
    own.extend(config::steps());
    own.extend(control::steps());
    own.extend([
        ("serve", step(serve::serve::<T>)),
        ("settle", step(serve::settle::<T>)),
        ("pending", step(serve::pending::<T>)),
        ("is_closed", step(serve::is_closed::<T>)),
        ("callbacks", step(serve::callbacks::<T>)),
        ("wait_slice", step(serve::wait_slice::<T>)),
        ("is_gone", step(serve::is_gone::<T>)),
        ("unanswered", cold(Accepts::Any, STEP, ask::unanswered::<T, C>)),
    ]);
    own
}
