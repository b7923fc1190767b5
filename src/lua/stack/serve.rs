//! Steps under the embedded Lua functions that serve and wait. A step never waits for a broker
//! and never calls Lua; `wait_slice` alone sleeps, for a tenth of a second at the most.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;

use super::outgoing::SLOT_CALLBACKS;
use super::raise::{lua_function, Raise, CLASSIC_STEP, METHOD, STEP};
use super::{args, block, push};
use crate::client::clock;
use crate::lua::face::Face;
use crate::lua::producer::Producer;
use crate::native::counts::Served;

/// Long enough to cost nothing, short enough for a Lua hook (Ctrl-C) to be heard.
pub const SLICE: f64 = 100.0;

lua_function!(poll_step, CLASSIC_STEP, poll_step_body);
lua_function!(poll_take, CLASSIC_STEP, poll_take_body);
lua_function!(now, STEP, now_body);

/// `(self [, timeout])` → true, sequence id, failures, served; or false, deadline when callbacks
/// or waiting are due.
unsafe fn poll_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the producer's metatable as upvalue 1.
    unsafe {
        let state = block::open::<Producer>(L)?;
        args::count(L, 1, 2)?;
        let timeout = args::timeout(L, 2, 0)?;
        let producer = state.open()?;
        producer.serve();
        let shared = state.shared();
        if shared.pending() == 0 && (timeout == 0 || shared.counts.has_served()) {
            l::lua_pushboolean(L, 1);
            return Ok(1 + push_served(L, state));
        }
        l::lua_pushboolean(L, 0);
        l::lua_pushnumber(L, clock::deadline_ms(timeout));
        Ok(2)
    }
}

/// # Safety
/// Three stack slots are free.
unsafe fn push_served(L: *mut lua_State, state: &Producer) -> c_int {
    let served = if state.shared().counts.has_served() { state.shared().counts.take_served() } else { Served::default() };
    // SAFETY: three pushes.
    unsafe {
        match served.last_sequence {
            Some(id) => push::integer(L, id),
            None => l::lua_pushnil(L),
        }
        push::integer(L, served.failures as i64);
        push::integer(L, served.reports as i64);
    }
    3
}

/// `(self)` → sequence id, failures, served since the last time.
unsafe fn poll_take_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: as above.
    unsafe {
        let state = block::any::<Producer>(L)?;
        Ok(push_served(L, state))
    }
}

/// Milliseconds of a clock that only runs forward.
unsafe fn now_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: one push.
    unsafe { l::lua_pushnumber(L, clock::now_ms()) };
    Ok(1)
}

lua_function!(length, METHOD, length_body);

/// `#producer`: accepted and not yet reported.
unsafe fn length_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the producer's metatable as upvalue 1.
    unsafe {
        let state = block::even_forked::<Producer>(L)?;
        push::integer(L, i64::try_from(state.shared().unreported()).unwrap_or(i64::MAX));
        Ok(1)
    }
}

/// `client:closed()`.
///
/// # Safety
/// Called by Lua only, with the metatable of `T` as upvalue 1.
pub unsafe extern "C-unwind" fn closed<T: Face>(L: *mut lua_State) -> c_int {
    unsafe fn body<T: Face>(L: *mut lua_State) -> Result<c_int, Raise> {
        // SAFETY: as the function it is the body of.
        unsafe {
            let state = block::even_forked::<T>(L)?;
            args::count(L, 1, 1)?;
            l::lua_pushboolean(L, c_int::from(state.is_closed()));
            Ok(1)
        }
    }
    // SAFETY: Lua passes the calling state.
    unsafe { super::raise::enter(L, METHOD, body::<T>) }
}

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident($L:ident, $state:ident) $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// Called by Lua only, with the metatable of `T` as upvalue 1.
        pub unsafe extern "C-unwind" fn $name<T: Face>(L: *mut lua_State) -> c_int {
            unsafe fn body<T: Face>($L: *mut lua_State) -> Result<c_int, Raise> {
                // SAFETY: as the function it is the body of; each pushes as many as it says.
                unsafe {
                    let $state = block::any::<T>($L)?;
                    $body
                }
            }
            // SAFETY: Lua passes the calling state.
            unsafe { super::raise::enter(L, CLASSIC_STEP, body::<T>) }
        }
    )*};
}

steps! {
    /// `(self)`: takes in what librdkafka has queued.
    serve(_L, state) {
        state.serve();
        Ok(0)
    }

    /// `(self)`: makes the descriptor tell the truth.
    settle(_L, state) {
        state.settle();
        Ok(0)
    }

    /// `(self)` → how many events wait.
    pending(L, state) {
        l::lua_pushinteger(L, state.shared().pending() as l::lua_Integer);
        Ok(1)
    }

    /// `(self)` → whether the user has closed it.
    is_closed(L, state) {
        l::lua_pushboolean(L, c_int::from(state.is_closed()));
        Ok(1)
    }

    /// `(self)` → its table of callbacks.
    callbacks(L, _state) {
        block::push_callbacks(L)?;
        let kept = l::lua_gettop(L);
        block::push_kept(L, kept, SLOT_CALLBACKS, l::LUA_TTABLE)?;
        l::lua_settop(L, kept);
        Ok(1)
    }

    /// `(self, ms)`: sleeps until something arrives, ms or a slice have passed, or a signal comes.
    wait_slice(L, state) {
        let ms = l::lua_tonumber(L, 2).min(SLICE);
        if ms > 0.0 && !state.shared().has_work() {
            state.shared().wake.wait(ms.ceil() as i32);
        }
        Ok(0)
    }

    /// `(self)` → whether the reaper is done with it; if not, its doing so makes the descriptor
    /// readable.
    is_gone(L, state) {
        let is_gone = || state.departure().is_none_or(|departure| departure.is_gone());
        if !is_gone() {
            state.shared().wake.lower();
            if is_gone() {
                state.shared().wake.raise();
            }
        }
        l::lua_pushboolean(L, c_int::from(is_gone()));
        Ok(1)
    }
}
