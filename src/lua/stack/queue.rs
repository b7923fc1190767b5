//! The steps under a queue's calls.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;

use super::message::{light, MESSAGE_CLASS};
use super::raise::{lua_function, protected, Raise, STEP};
use super::receive::{batch_arguments, TIMEOUT};
use super::serve::SLICE;
use super::{args, block};
use crate::client::clock;
use crate::client::receiving::Next;
use crate::lua::consumer::Consumer;
use crate::lua::queue::Queue;

/// Where a queue's table keeps its consumer.
const OWNER: l::lua_Integer = 1;

lua_function!(poll_step, STEP, poll_step_body);
lua_function!(poll_batch_step, STEP, poll_batch_step_body);
lua_function!(owner, STEP, owner_body);
lua_function!(wait_slice, STEP, wait_slice_body);

/// Pushes the class of the consumer's messages and returns where it lies.
///
/// # Safety
/// A queue lies at stack place 1, checked before.
unsafe fn push_class(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: raw gets on tables, which are checked, as the owner is.
    unsafe {
        push_owner(L)?;
        block::into_callbacks::<Consumer>(L)?;
        let kept = l::lua_gettop(L);
        block::push_kept(L, kept, MESSAGE_CLASS, l::LUA_TTABLE)?;
        Ok(kept + 1)
    }
}

/// Pushes the queue's consumer.
///
/// # Safety
/// As [`push_class`].
unsafe fn push_owner(L: *mut lua_State) -> Result<(), Raise> {
    // SAFETY: a raw get on a table.
    unsafe {
        block::push_callbacks(L)?;
        let kept = l::lua_gettop(L);
        block::push_kept(L, kept, OWNER, l::LUA_TUSERDATA)
    }
}

/// `(self [, timeout])` → message; or false and the deadline when waiting or the client's events are
/// due; or nil and the error.
unsafe fn poll_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the queue's metatable as upvalue 1 and `push_table` as 2; the
    // message stays in this frame while its table is made.
    unsafe {
        let state = block::any::<Queue>(L)?;
        args::count(L, 1, 2)?;
        let timeout = args::timeout(L, 2, TIMEOUT)?;
        let feed = state.open()?;
        match feed.next(1) {
            Next::Some(messages) => {
                let pushed = push_class(L).and_then(|class| match messages.first() {
                    Some(message) => protected(L, light(message), Some(class), 1),
                    None => Ok(()),
                });
                feed.handed_out(messages, pushed.is_ok());
                pushed.map(|()| 1)
            }
            other => push_later(L, other, timeout),
        }
    }
}

/// `(self, max [, timeout])` → array of messages; else as [`poll_step`].
unsafe fn poll_batch_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: as `poll_step_body`, with `push_tables`.
    unsafe {
        let state = block::any::<Queue>(L)?;
        let (most, timeout) = batch_arguments(L)?;
        let feed = state.open()?;
        match feed.next(most) {
            Next::Some(messages) => {
                let pushed = push_class(L).and_then(|class| protected(L, light(&messages), Some(class), 1));
                feed.handed_out(messages, pushed.is_ok());
                pushed.map(|()| 1)
            }
            other => push_later(L, other, timeout),
        }
    }
}

/// # Safety
/// As [`poll_step_body`].
unsafe fn push_later<T>(L: *mut lua_State, next: Next<T>, timeout: i64) -> Result<c_int, Raise> {
    match next {
        Next::Error(error) | Next::Local(error, _) => Err(Raise::Error(error)),
        Next::Some(_) | Next::Nothing | Next::Events => {
            // SAFETY: two pushes.
            unsafe {
                l::lua_pushboolean(L, 0);
                l::lua_pushnumber(L, clock::deadline_ms(timeout));
            }
            Ok(2)
        }
    }
}

/// `(self)` → its consumer.
unsafe fn owner_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the queue's metatable as upvalue 1; a raw get on a table of ours.
    unsafe {
        block::any::<Queue>(L)?;
        push_owner(L)?;
        Ok(1)
    }
}

/// `(self, ms)`: sleeps until something arrives, ms or a slice have passed, or a signal comes.
unsafe fn wait_slice_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the queue's metatable as upvalue 1.
    unsafe {
        let state = block::any::<Queue>(L)?;
        let ms = l::lua_tonumber(L, 2).min(SLICE);
        if let (Some(feed), true) = (&state.feed, ms > 0.0) {
            feed.wait(ms.ceil() as i32);
        }
        Ok(0)
    }
}
