//! The step under `consumer:receive()`.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;

use super::raise::{lua_function, Raise, CLASSIC_STEP};
use super::{args, block, push};
use crate::client::consumer::Next;
use crate::lua::consumer::Consumer;

lua_function!(receive_step, CLASSIC_STEP, receive_step_body);

/// `(self)` → true, payload, topic, partition, key; or false when events or waiting are due; or
/// nil and the error.
unsafe fn receive_step_body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: called by Lua with the consumer's metatable as upvalue 1; the message lives in the
    // consumer while its parts are pushed.
    unsafe {
        let state = block::open::<Consumer>(L)?;
        args::count(L, 1, 1)?;
        let consumer = state.open()?;
        match consumer.next() {
            Next::Message => {}
            Next::Nothing | Next::Events => {
                l::lua_pushboolean(L, 0);
                return Ok(1);
            }
            Next::Error(error) => return Err(Raise::Error(error)),
            Next::Local(text) => return Err(Raise::Plain(text)),
        }
        let last = consumer.last();
        let Some(message) = last.as_ref() else { return Ok(0) };
        l::lua_pushboolean(L, 1);
        push::bytes(L, message.payload().unwrap_or_default());
        push::bytes(L, message.topic().unwrap_or_default());
        push::integer(L, i64::from(message.partition()));
        push::optional(L, message.key().filter(|key| !key.is_empty()));
        Ok(5)
    }
}
