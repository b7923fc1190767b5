//! `producer:send(topic, partition, sequence_id, message)`, the classic hot call.

use std::os::raw::c_int;
use std::panic::{catch_unwind, AssertUnwindSafe};

use mlua::ffi as l;
use mlua::lua_State;

use super::raise::{finish, Raise, Style, CLASSIC, CLASSIC_STEP};
use super::{args, block};
use crate::client::producer::Outgoing;
use crate::lua::producer::Producer;
use crate::model::error::classic_errno;
use crate::model::event::Mark;
use crate::model::number::EXACT;
use crate::native::producer::{Extras, Payload};

/// # Safety
/// Called by Lua only.
pub unsafe extern "C-unwind" fn send(L: *mut lua_State) -> c_int {
    // SAFETY: the whole of a C function.
    unsafe { run(L, CLASSIC) }
}

/// The same under an embedded function.
///
/// # Safety
/// Called by Lua only.
pub unsafe extern "C-unwind" fn send_step(L: *mut lua_State) -> c_int {
    // SAFETY: as `send`.
    unsafe { run(L, CLASSIC_STEP) }
}

/// # Safety
/// `L` is the state that called the C function this is the whole of.
#[inline]
unsafe fn run(L: *mut lua_State, style: Style) -> c_int {
    // SAFETY: turning a number into a string may raise, so it happens where Rust owns nothing.
    unsafe {
        let (topic, value) = (args::string(L, 2), args::string(L, 5));
        let outcome = catch_unwind(AssertUnwindSafe(|| body(L, topic, value)));
        finish(L, style, outcome)
    }
}

/// `topic` and `value`: what is at 2 and 5, where those are strings.
///
/// # Safety
/// As [`run`].
#[inline]
unsafe fn body(L: *mut lua_State, topic: Option<&[u8]>, value: Option<&[u8]>) -> Result<c_int, Raise> {
    // SAFETY: slices live on the stack.
    unsafe {
        let producer = block::open::<Producer>(L)?;
        args::count(L, 5, 5)?;
        let topic = topic.ok_or_else(|| args::expected(L, 2, "string"))?;
        let partition = args::integer(L, 3, -1, i64::from(i32::MAX))? as i32;
        let mark = sequence(L, 4)?;
        let value = match value.map_or_else(|| args::payload(L, 5), |value| Ok(Payload::Bytes(value)))? {
            Payload::Null => return Err(args::expected(L, 5, "string or array of strings")),
            value => value,
        };
        let mut message = Outgoing { partition, value, key: None, mark, extras: Extras::default() };
        let sent = producer.open()?.send(topic, &mut message);
        let code = match sent {
            // The old module's words; programs compare them.
            None => return Err(Raise::Caller("invalid topic".into())),
            Some(Ok(())) => 0,
            Some(Err(code)) => classic_errno(code),
        };
        l::lua_pushinteger(L, code as l::lua_Integer);
        Ok(1)
    }
}

/// # Safety
/// As the call it serves.
unsafe fn sequence(L: *mut lua_State, index: c_int) -> Result<Mark, Raise> {
    // SAFETY: conversions that cannot raise.
    unsafe {
        let Some(value) = args::number(L, index) else {
            if l::lua_isnil(L, index) != 0 {
                return Ok(Mark::None);
            }
            return Err(args::expected(L, index, "number or nil"));
        };
        if !(0.0..=EXACT).contains(&value) {
            let got = crate::model::number::show(value);
            return Err(Raise::Caller(format!("sequence_id out of range: 0 to 2^53 expected, got {got}")));
        }
        crate::model::number::whole(value).map(Mark::Sequence).map_err(|why| Raise::Arg(index, why))
    }
}
