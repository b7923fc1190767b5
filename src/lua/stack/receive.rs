//! The step under `consumer:receive()`.

use std::os::raw::{c_int, c_void};

use mlua::ffi as l;
use mlua::lua_State;

use super::raise::{lua_function, protected, Raise, CLASSIC_STEP};
use super::{args, block, push};
use crate::client::receiving::Next;
use crate::lua::consumer::Consumer;
use crate::native::message::Message;

lua_function!(receive_step, CLASSIC_STEP, receive_step_body);

/// `(self)` → true, payload, topic, partition, key; or false when events or waiting are due; or
/// nil and the error.
unsafe fn receive_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the consumer's metatable as upvalue 1 and `push_message` as 2;
    // the message stays in the consumer while its parts are pushed.
    unsafe {
        let state = block::open::<Consumer>(L)?;
        args::count(L, 1, 1)?;
        let consumer = state.open()?;
        let message = match consumer.next() {
            Next::Message(message) => message,
            Next::Nothing | Next::Events => {
                l::lua_pushboolean(L, 0);
                return Ok(1);
            }
            Next::Error(error) => return Err(Raise::Error(error)),
            Next::Local(text) => return Err(Raise::Plain(text)),
        };
        let pushed = protected(L, std::ptr::from_ref(&message) as *mut c_void, 5);
        consumer.handed_out(message, pushed.is_ok());
        pushed.map(|()| 5)
    }
}

/// Called protected, with a message as light userdata.
///
/// # Safety
/// As [`protected`].
pub unsafe extern "C-unwind" fn push_message(L: *mut lua_State) -> c_int {
    // SAFETY: the message lives in the frame that calls this.
    unsafe {
        let message = &*l::lua_touserdata(L, 1).cast::<Message>();
        l::lua_pushboolean(L, 1);
        push::bytes(L, message.payload().unwrap_or_default());
        push::bytes(L, message.topic().unwrap_or_default());
        push::integer(L, i64::from(message.partition()));
        push::optional(L, message.key().filter(|key| !key.is_empty()));
        5
    }
}
