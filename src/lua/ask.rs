//! Questions that only a blocking call can answer, from the call that puts one to the step that
//! finds its answer. The embedded Lua in between waits (`await` in forms/client.lua).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use mlua::prelude::*;
use mlua::{IntoLuaMulti, MultiValue};

use super::face::{Face, Leaves, Seat};
use super::stack::cold::Args;
use super::stack::raise::Raise;
use crate::client::clock;
use crate::client::question::{Question, Waiting};
use crate::model::error::KafkaError;
use crate::native::client::Client;

/// The questions of one client that wait for an answer, or for somebody to take it.
#[derive(Default)]
pub struct Tickets {
    open: RefCell<HashMap<u64, Box<dyn Asked>>>,
    last: Cell<u64>,
}

trait Asked {
    fn is_answered(&self) -> bool;
    fn take(&mut self, lua: &Lua) -> Option<Result<MultiValue, Raise>>;
    fn give_up(&self);
}

struct Typed<T, F> {
    question: Arc<Question<T>>,
    convert: Option<F>,
}

impl<T, R: IntoLuaMulti, F: FnOnce(&Lua, T) -> LuaResult<R>> Asked for Typed<T, F> {
    fn is_answered(&self) -> bool {
        self.question.is_answered()
    }

    fn take(&mut self, lua: &Lua) -> Option<Result<MultiValue, Raise>> {
        let answer = self.question.take()?;
        let convert = self.convert.take()?;
        Some(match answer {
            Ok(value) => convert(lua, value).and_then(|results| results.into_lua_multi(lua)).map_err(Raise::from),
            Err(error) => Err(Raise::Error(error)),
        })
    }

    fn give_up(&self) {
        self.question.give_up();
    }
}

impl Tickets {
    fn add(&self, question: Box<dyn Asked>) -> u64 {
        let id = self.last.get() + 1;
        self.last.set(id);
        self.open.borrow_mut().insert(id, question);
        id
    }

    fn take(&self, lua: &Lua, id: u64) -> Option<Result<MultiValue, Raise>> {
        // Out of the table while Lua values are made: that may run a finalizer which asks.
        let mut ticket = self.open.borrow_mut().remove(&id)?;
        let answer = ticket.take(lua);
        if answer.is_none() {
            self.open.borrow_mut().insert(id, ticket);
        }
        answer
    }

    fn is_answered(&self, id: u64) -> bool {
        self.open.borrow().get(&id).is_none_or(|ticket| ticket.is_answered())
    }

    fn forget(&self, id: u64) {
        if let Some(ticket) = self.open.borrow_mut().remove(&id) {
            ticket.give_up();
        }
    }

    /// The client leaves: nobody hears an answer.
    pub fn clear(&self) {
        for (_, ticket) in self.open.borrow_mut().drain() {
            ticket.give_up();
        }
    }
}

/// Puts a question: `job` runs on a thread of its own and keeps to the milliseconds it is given,
/// `convert` makes Lua values of its answer. Returns a ticket and when to give up, for `await`.
pub fn ask<C, T, R>(
    seat: &Seat<C>,
    timeout: i64,
    job: impl FnOnce(&Arc<Client>, i32) -> Result<T, KafkaError> + Send + 'static,
    convert: impl FnOnce(&Lua, T) -> LuaResult<R> + 'static,
) -> Result<(f64, f64), Raise>
where
    C: Leaves,
    T: Send + 'static,
    R: IntoLuaMulti + 'static,
{
    let deadline = clock::deadline_ms(timeout);
    let ms = i32::try_from(timeout).unwrap_or(i32::MAX);
    let put = seat.if_open(|client| client.handle().ask(deadline, move |client| job(client, ms)));
    let question = put.unwrap_or_else(|| Err(destroyed())).map_err(Raise::Error)?;
    Ok((wait_for(seat, question, convert), deadline))
}

/// A ticket for a question that was put already.
pub fn wait_for<C, T, R>(
    seat: &Seat<C>,
    question: Arc<Question<T>>,
    convert: impl FnOnce(&Lua, T) -> LuaResult<R> + 'static,
) -> f64
where
    C: Leaves,
    T: Send + 'static,
    R: IntoLuaMulti + 'static,
{
    seat.tickets.add(Box::new(Typed { question, convert: Some(convert) })) as f64
}

fn destroyed() -> KafkaError {
    KafkaError::new(-197, "_DESTROY", "the client is closed")
}

fn ticket_of(args: &Args) -> Result<u64, Raise> {
    Ok(args.integer(0, 0, i64::MAX)? as u64)
}

/// `(self, ticket)` → whether its answer is there.
pub fn is_answered<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<bool, Raise> {
    Ok(client.as_ref().tickets.is_answered(ticket_of(&args)?))
}

/// `(self, ticket)` → true and the answer; nil and the error.
pub fn answer<T: Face + AsRef<Seat<C>>, C: Leaves>(lua: &Lua, client: &T, args: Args) -> Result<MultiValue, Raise> {
    let answer = client.as_ref().tickets.take(lua, ticket_of(&args)?);
    client.settle();
    let mut values = answer.unwrap_or_else(|| Err(Raise::Error(destroyed())))?;
    values.push_front(LuaValue::Boolean(true));
    Ok(values)
}

/// `(self, ticket)`: nobody waits for it any more.
pub fn forget<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(), Raise> {
    client.as_ref().tickets.forget(ticket_of(&args)?);
    client.settle();
    Ok(())
}

/// `(self, what)` → nil and the error of a question that got no answer in time.
pub fn unanswered<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(), Raise> {
    let reason = client.as_ref().last_error().map(|error| format!("; last error: {}: {}", error.name, error.message));
    Err(Raise::Error(KafkaError::timed_out(format!("{}: no answer in time{}", args.text(0)?, reason.unwrap_or_default()))))
}
