//! The steps under the calls that receive.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;

use super::message::{light, MESSAGE_CLASS};
use super::raise::{lua_function, protected, Raise, CLASSIC_STEP, STEP};
use super::{args, block};
use crate::client::clock;
use crate::client::consumer::Consumer as Client;
use crate::client::receiving::Next;
use crate::lua::consumer::Consumer;

/// How long the modern calls wait where the program is silent (ms).
pub const TIMEOUT: i64 = 1_000;

lua_function!(receive_step, CLASSIC_STEP, receive_step_body);
lua_function!(poll_step, STEP, poll_step_body);
lua_function!(poll_batch_step, STEP, poll_batch_step_body);
lua_function!(receive_batch_step, STEP, receive_batch_step_body);

/// `(self)` → true, payload, topic, partition, key; or false when events or waiting are due, and
/// why ([`push_state`]); or nil and the error.
unsafe fn receive_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the consumer's metatable as upvalue 1 and `push_classic` as 2;
    // the message stays in this frame while its parts are pushed.
    unsafe {
        let state = block::open::<Consumer>(L)?;
        args::count(L, 1, 1)?;
        let consumer = state.member()?;
        let message = match consumer.next(false) {
            Next::Some(message) => message,
            Next::Nothing | Next::Events => {
                l::lua_pushboolean(L, 0);
                push_state(L, &consumer);
                return Ok(2);
            }
            Next::Error(error) => return Err(Raise::Error(error)),
            Next::Local(_, text) => return Err(Raise::Plain(text)),
        };
        let pushed = protected(L, light(&message), None, 5);
        consumer.handed_out(message, pushed.is_ok());
        pushed.map(|()| 5)
    }
}

/// `(self [, timeout])` → message; or false, the deadline and why ([`push_state`]) when events or waiting
/// are due; or nil and the error.
unsafe fn poll_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the consumer's metatable as upvalue 1 and `push_table` as 2; the
    // message stays in this frame while its table is made.
    unsafe {
        let state = block::open::<Consumer>(L)?;
        args::count(L, 1, 2)?;
        let timeout = args::timeout(L, 2, TIMEOUT)?;
        let consumer = state.member()?;
        match consumer.next(true) {
            Next::Some(message) => {
                let pushed = push_class(L).and_then(|class| protected(L, light(&message), Some(class), 1));
                consumer.handed_out(message, pushed.is_ok());
                pushed.map(|()| 1)
            }
            other => push_later(L, &consumer, other, timeout),
        }
    }
}

/// `(self, max [, timeout])` → array of messages; else as [`poll_step`].
unsafe fn poll_batch_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: as `poll_step_body`, with `push_tables`.
    unsafe {
        let state = block::open::<Consumer>(L)?;
        let (most, timeout) = batch_arguments(L)?;
        let consumer = state.member()?;
        match consumer.next_batch(most, true) {
            Next::Some(messages) => {
                let pushed = push_class(L).and_then(|class| protected(L, light(&messages), Some(class), 1));
                consumer.handed_out_all(messages, pushed.is_ok());
                pushed.map(|()| 1)
            }
            other => push_later(L, &consumer, other, timeout),
        }
    }
}

/// `(self, max [, timeout])` → count, payloads, topics, partitions, keys, offsets; else as
/// [`poll_step`].
unsafe fn receive_batch_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: as `poll_step_body`, with `push_arrays`.
    unsafe {
        let state = block::open::<Consumer>(L)?;
        let (most, timeout) = batch_arguments(L)?;
        let consumer = state.member()?;
        match consumer.next_batch(most, false) {
            Next::Some(messages) => {
                let pushed = protected(L, light(&messages), None, 6);
                consumer.handed_out_all(messages, pushed.is_ok());
                pushed.map(|()| 6)
            }
            other => push_later(L, &consumer, other, timeout),
        }
    }
}

/// # Safety
/// As [`poll_batch_step_body`].
pub unsafe fn batch_arguments(L: *mut lua_State) -> Result<(usize, i64), Raise> {
    // SAFETY: reads arguments.
    unsafe {
        args::count(L, 2, 3)?;
        let most = args::integer(L, 2, 1, i64::from(i32::MAX))?;
        Ok((usize::try_from(most).unwrap_or(1), args::timeout(L, 3, TIMEOUT)?))
    }
}

/// Pushes the class of the client's messages and returns where it lies.
///
/// # Safety
/// The consumer lies at stack place 1.
unsafe fn push_class(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: raw gets on tables, which are checked.
    unsafe {
        block::push_callbacks(L)?;
        let kept = l::lua_gettop(L);
        block::push_kept(L, kept, MESSAGE_CLASS, l::LUA_TTABLE)?;
        Ok(kept + 1)
    }
}

/// # Safety
/// As [`poll_step_body`].
unsafe fn push_later<T>(L: *mut lua_State, consumer: &Client, next: Next<T>, timeout: i64) -> Result<c_int, Raise> {
    match next {
        Next::Error(error) | Next::Local(error, _) => Err(Raise::Error(error)),
        Next::Some(_) | Next::Nothing | Next::Events => {
            // SAFETY: three pushes.
            unsafe {
                l::lua_pushboolean(L, 0);
                l::lua_pushnumber(L, clock::deadline_ms(timeout));
                push_state(L, consumer);
            }
            Ok(3)
        }
    }
}

/// Pushes the generation of messages to come when that is new and their metatable wants renewing; true
/// when too much is not acked; else nil.
///
/// # Safety
/// One stack slot is free.
unsafe fn push_state(L: *mut lua_State, consumer: &Client) {
    // SAFETY: one push.
    unsafe {
        match consumer.renewed() {
            Some(generation) => l::lua_pushnumber(L, generation as f64),
            None if consumer.room() == 0 => l::lua_pushboolean(L, 1),
            None => l::lua_pushnil(L),
        }
    }
}
