//! `producer:produce(topic, value [, key [, options]])` and `producer:produce{topic=, value=, …}`, the
//! modern hot call.

use std::os::raw::c_int;
use std::panic::{catch_unwind, AssertUnwindSafe};

use mlua::ffi as l;
use mlua::lua_State;

use super::outgoing::{clear_slot, is_brief, read_options, refuse_unknown, take_slot, unfold, Naming, Places};
use super::raise::{finish, Raise, Style, INNER_STEP, METHOD, STEP};
use super::{args, block};
use crate::client::producer::Outgoing;
use crate::lua::producer::Producer;
use crate::model::event::Mark;
use crate::native::producer::{Extras, Payload};

const PLACES: Places = Places { first: 2 };
/// Of the options of the positional call.
const TABLE: c_int = 5;

/// # Safety
/// Called by Lua only.
pub unsafe extern "C-unwind" fn produce(L: *mut lua_State) -> c_int {
    // SAFETY: the whole of a C function.
    unsafe { enqueue(L, METHOD) }
}

/// The same under an embedded function.
///
/// # Safety
/// Called by Lua only.
pub unsafe extern "C-unwind" fn produce_step(L: *mut lua_State) -> c_int {
    // SAFETY: the whole of a C function.
    unsafe { enqueue(L, STEP) }
}

/// The same under a helper of an embedded function.
///
/// # Safety
/// Called by Lua only.
pub unsafe extern "C-unwind" fn produce_inner_step(L: *mut lua_State) -> c_int {
    // SAFETY: the whole of a C function.
    unsafe { enqueue(L, INNER_STEP) }
}

/// How the message was given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Topic, value, key.
    Plain,
    /// The same and a table of options.
    Options,
    /// One table.
    Table,
}

/// # Safety
/// `L` is the state that called the C function this is the whole of.
unsafe fn enqueue(L: *mut lua_State, style: Style) -> c_int {
    // SAFETY: reading options may call a user's metamethod, which may raise: that happens here,
    // where Rust owns nothing. The rest runs on raw calls.
    unsafe {
        let given = l::lua_gettop(L);
        let mut form = Form::Plain;
        let mut all_known = true;
        if given == TABLE && l::lua_type(L, TABLE) == l::LUA_TTABLE {
            form = Form::Options;
            l::lua_settop(L, 1 + Places::COUNT);
            all_known = unfold(L, PLACES, true);
        } else if given == 2 && l::lua_type(L, 2) == l::LUA_TTABLE {
            form = Form::Table;
            l::lua_settop(L, 1 + Places::COUNT);
            l::lua_pushvalue(L, 2);
            l::lua_replace(L, PLACES.table());
            l::lua_pushnil(L);
            l::lua_replace(L, 2);
            all_known = unfold(L, PLACES, false);
        }
        let is_brief = form != Form::Plain && is_brief(L, PLACES);
        let texts = Texts { topic: args::string(L, 2), value: args::string(L, 3), key: args::string(L, 4) };
        let outcome = catch_unwind(AssertUnwindSafe(|| body(L, given, form, all_known, is_brief, &texts)));
        finish(L, style, outcome)
    }
}

/// The arguments that are strings.
struct Texts<'a> {
    topic: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
}

/// # Safety
/// As [`enqueue`]; a form other than plain is unfolded, what that said is `all_known`, and [`is_brief`] asked.
#[inline]
unsafe fn body(
    L: *mut lua_State,
    given: c_int,
    form: Form,
    all_known: bool,
    is_brief: bool,
    texts: &Texts,
) -> Result<c_int, Raise> {
    // SAFETY: slices live on the stack.
    unsafe {
        let state = block::open::<Producer>(L)?;
        let plain = form == Form::Plain;
        if form != Form::Table {
            match given {
                ..2 => return Err(args::expected(L, 2, "a topic, or the table of a message,")),
                2 => return Err(args::expected(L, 3, "a value (string, array of strings or nil)")),
                3..=5 => {}
                _ => return Err(Raise::Arg(given, "incorrect number of arguments".into())),
            }
        }
        if plain && given == TABLE && l::lua_type(L, TABLE) != l::LUA_TNIL {
            return Err(args::expected(L, TABLE, "table or nil"));
        }
        let naming = match form {
            Form::Table => Naming { argument: 2, kind: "field", index: None },
            _ => Naming { argument: TABLE, kind: "option", index: None },
        };
        let wrong = |place: c_int, name: &str, what: &str| match form {
            Form::Table => naming.fault(name, &format!("{what} expected, got {}", args::basic_type(L, place))),
            _ => args::expected(L, place, what),
        };
        if !all_known {
            refuse_unknown(L, PLACES, form == Form::Options, naming)?;
        }
        let topic = texts.topic.ok_or_else(|| wrong(2, "topic", "string"))?;
        let value = match texts.value {
            Some(value) => Payload::Bytes(value),
            None => args::payload(L, 3).map_err(|raise| match form {
                Form::Table => naming.fault("value", &raise.reason()),
                _ => raise,
            })?,
        };
        let key = texts.key;
        if key.is_none() && (given > 3 || !plain) && l::lua_type(L, 4) != l::LUA_TNIL {
            return Err(wrong(4, "key", "string or nil"));
        }
        let mut message = Outgoing { partition: -1, value, key, mark: Mark::None, extras: Extras::default() };
        let mut slot = None;
        if !plain {
            read_options(L, PLACES, &mut message, naming)?;
            slot = take_slot(L, PLACES, state)?;
            message.mark = slot.map_or(Mark::None, if is_brief { Mark::Brief } else { Mark::Slot });
        }
        let producer = state.open()?;
        let result = producer.produce(topic, &mut message);
        if let (Some(slot), false) = (slot, matches!(result, Ok(Ok(())))) {
            clear_slot(L, slot);
            state.slots.free(&producer, slot);
        }
        match result {
            Ok(Ok(())) => {
                l::lua_pushboolean(L, 1);
                Ok(1)
            }
            Ok(Err(error)) => Err(Raise::Error(error)),
            Err(misuse) => Err(Raise::Caller(misuse)),
        }
    }
}
