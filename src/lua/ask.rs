//! Questions that only a blocking call can answer, from the call that puts one to the step that
//! finds its answer. The embedded Lua in between waits (`await` in forms/client.lua).

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use mlua::prelude::*;
use mlua::{IntoLuaMulti, MultiValue};

use super::class::{cold, Method};
use super::face::{Face, Leaves, Seat};
use super::stack::block::Class;
use super::stack::cold::{Accepts, Args};
use super::stack::push;
use super::stack::raise::{Raise, STEP};
use crate::client::clock;
use crate::client::patience::Patience;
use crate::client::question::{Question, Waiting};
use crate::model::error::KafkaError;
use crate::native::client::Client;

/// What a coroutine holds while it waits for an answer. When it is dropped in its wait, the collector
/// takes this with it, and nobody waits any more.
pub struct Ticket(Option<Box<dyn Asked>>);

pub trait Asked {
    fn is_answered(&self) -> bool;
    fn take(&self, lua: &Lua) -> Option<Result<MultiValue, Raise>>;
    fn give_up(&self);
    /// What it waits for has come: said by the Lua side, for tickets where that knows.
    fn end(&self) {}
}

struct Typed<T, F> {
    question: Arc<Question<T>>,
    convert: Cell<Option<F>>,
}

impl<T, R: IntoLuaMulti, F: FnOnce(&Lua, T) -> LuaResult<R>> Asked for Typed<T, F> {
    fn is_answered(&self) -> bool {
        self.question.is_answered()
    }

    fn take(&self, lua: &Lua) -> Option<Result<MultiValue, Raise>> {
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

impl Ticket {
    pub fn new(asked: impl Asked + 'static) -> Ticket {
        Ticket(Some(Box::new(asked)))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(asked) = &self.0 {
            asked.give_up();
        }
    }
}

impl IntoLua for Ticket {
    fn into_lua(self, lua: &Lua) -> LuaResult<LuaValue> {
        push::bare_object(lua, self)
    }
}

impl Class for Ticket {
    const NAME: &'static str = "kafka.Ticket";

    fn registry_key() -> &'static u8 {
        static KEY: u8 = 0;
        &KEY
    }

    fn is_closed(&self) -> bool {
        self.0.is_none()
    }

    fn make_husk() -> Option<Self> {
        Some(Ticket(None))
    }

    fn husk_of_thread() -> &'static std::thread::LocalKey<OnceCell<Option<&'static Self>>> {
        thread_local!(static HUSK: OnceCell<Option<&'static Ticket>> = const { OnceCell::new() });
        &HUSK
    }
}

/// Puts a question: `job` runs on a thread of its own and keeps to the patience it is told,
/// `convert` makes Lua values of its answer. Returns a ticket and when to give up, for `await`.
pub fn ask<C, T, R>(
    seat: &Seat<C>,
    timeout: i64,
    job: impl FnOnce(&Arc<Client>, &Patience) -> Result<T, KafkaError> + Send + 'static,
    convert: impl FnOnce(&Lua, T) -> LuaResult<R> + 'static,
) -> Result<(Ticket, f64), Raise>
where
    C: Leaves,
    T: Send + 'static,
    R: IntoLuaMulti + 'static,
{
    let deadline = clock::deadline_ms(timeout);
    let ms = i32::try_from(timeout).unwrap_or(i32::MAX);
    let job = move |client: &Arc<Client>, asked: &Question<T>| job(client, &Patience { ms, asked });
    let put = seat.if_open(|client| client.handle().ask(deadline, job));
    let question = put.unwrap_or_else(|| Err(destroyed())).map_err(Raise::Error)?;
    Ok((wait_for(question, convert), deadline))
}

/// A ticket for a question that was put already.
pub fn wait_for<T: Send + 'static, R: IntoLuaMulti + 'static>(
    question: Arc<Question<T>>,
    convert: impl FnOnce(&Lua, T) -> LuaResult<R> + 'static,
) -> Ticket {
    Ticket::new(Typed { question, convert: Cell::new(Some(convert)) })
}

fn destroyed() -> KafkaError {
    KafkaError::new(-197, "_DESTROY", "the client is closed")
}

/// `(ticket)` → whether its answer is there.
fn is_answered(_: &Lua, ticket: &Ticket, _: Args) -> Result<bool, Raise> {
    Ok(ticket.0.as_ref().is_some_and(|asked| asked.is_answered()))
}

/// `(ticket)` → true and the answer; nil and the error.
fn answer(lua: &Lua, ticket: &Ticket, _: Args) -> Result<MultiValue, Raise> {
    let answer = ticket.0.as_ref().and_then(|asked| asked.take(lua));
    let mut values = answer.unwrap_or_else(|| Err(Raise::Error(destroyed())))?;
    values.push_front(LuaValue::Boolean(true));
    Ok(values)
}

/// `(ticket)`: nobody waits for it any more.
fn forget(_: &Lua, ticket: &Ticket, _: Args) -> Result<(), Raise> {
    if let Some(asked) = &ticket.0 {
        asked.give_up();
    }
    Ok(())
}

/// `(ticket)`: what it waits for has come.
fn end(_: &Lua, ticket: &Ticket, _: Args) -> Result<(), Raise> {
    if let Some(asked) = &ticket.0 {
        asked.end();
    }
    Ok(())
}

pub fn steps() -> Vec<(&'static str, Method<Ticket>)> {
    vec![
        ("is_answered", cold(Accepts::Any, STEP, is_answered)),
        ("answer", cold(Accepts::Any, STEP, answer)),
        ("forget", cold(Accepts::Any, STEP, forget)),
        ("finish", cold(Accepts::Any, STEP, end)),
    ]
}

/// `(self, what)` → nil and the error of a question that got no answer in time.
pub fn unanswered<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(), Raise> {
    let reason = client.as_ref().last_error().map(|error| format!("; last error: {}: {}", error.name, error.message));
    Err(Raise::Error(KafkaError::timed_out(format!("{}: no answer in time{}", args.text(0)?, reason.unwrap_or_default()))))
}
