//! `producer:produce(topic, value [, key [, options]])`, the modern hot call.

use std::os::raw::c_int;
use std::panic::{catch_unwind, AssertUnwindSafe};

use mlua::ffi as l;
use mlua::lua_State;

use super::raise::{finish, Raise, Style, METHOD, STEP};
use super::{args, block};
use crate::client::producer::Outgoing;
use crate::lua::producer::Producer;
use crate::model::event::Mark;
use crate::model::nearest::nearest;
use crate::model::number;
use crate::native::headers::Headers;
use crate::native::producer::{Extras, Payload};

/// Options in the order of their stack places, which follow the five arguments.
const OPTIONS: [&std::ffi::CStr; 5] = [c"partition", c"headers", c"timestamp", c"on_delivery", c"opaque"];
const TABLE: c_int = 5;
const PARTITION: c_int = 6;
const HEADERS: c_int = 7;
const TIMESTAMP: c_int = 8;
const ON_DELIVERY: c_int = 9;
const OPAQUE: c_int = 10;

/// Places of the tables in a client's callbacks table.
pub const SLOT_CALLBACKS: l::lua_Integer = 1;
pub const SLOT_OPAQUES: l::lua_Integer = 2;

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

/// # Safety
/// `L` is the state that called the C function this is the whole of.
unsafe fn enqueue(L: *mut lua_State, style: Style) -> c_int {
    // SAFETY: reading options may call a user's metamethod, which may raise: that happens here,
    // where Rust owns nothing. The rest runs on raw calls.
    unsafe {
        let given = l::lua_gettop(L);
        let texts = Texts { topic: args::string(L, 2), value: args::string(L, 3), key: args::string(L, 4) };
        if given == TABLE && l::lua_type(L, TABLE) == l::LUA_TTABLE {
            for name in OPTIONS {
                l::lua_getfield(L, TABLE, name.as_ptr());
            }
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| body(L, given, &texts)));
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
/// As [`enqueue`]; a fifth argument that is a table is followed by its options.
#[inline]
unsafe fn body(L: *mut lua_State, given: c_int, texts: &Texts) -> Result<c_int, Raise> {
    // SAFETY: slices live on the stack.
    unsafe {
        let state = block::open::<Producer>(L)?;
        if !(3..=5).contains(&given) {
            return Err(Raise::Arg(given, "incorrect number of arguments".into()));
        }
        let topic = texts.topic.ok_or_else(|| args::expected(L, 2, "string"))?;
        let value = texts.value.map_or_else(|| args::payload(L, 3), |value| Ok(Payload::Bytes(value)))?;
        let key = texts.key;
        if key.is_none() && given > 3 && l::lua_type(L, 4) != l::LUA_TNIL {
            return Err(args::expected(L, 4, "string or nil"));
        }
        let mut message = Outgoing { partition: -1, value, key, mark: Mark::None, extras: Extras::default() };
        if given == TABLE {
            match l::lua_type(L, TABLE) {
                l::LUA_TNIL => {}
                l::LUA_TTABLE => read_options(L, &mut message)?,
                _ => return Err(args::expected(L, TABLE, "table or nil")),
            }
        }
        let producer = state.open()?;
        let slot = if given == TABLE { take_slot(L, state)? } else { None };
        message.mark = slot.map_or(Mark::None, Mark::Slot);
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

fn option_fault(name: &str, why: &str) -> Raise {
    Raise::Arg(TABLE, format!("option '{name}': {why}"))
}

/// # Safety
/// The options lie in their places.
unsafe fn read_options(L: *mut lua_State, message: &mut Outgoing) -> Result<(), Raise> {
    // SAFETY: raw reads.
    unsafe {
        refuse_unknown(L)?;
        if let Some(partition) = integer(L, PARTITION, "partition", -1, i64::from(i32::MAX))? {
            message.partition = partition as i32;
        }
        message.extras.timestamp = integer(L, TIMESTAMP, "timestamp", 0, i64::MAX)?;
        match l::lua_type(L, HEADERS) {
            l::LUA_TNIL => {}
            l::LUA_TTABLE => message.extras.headers = Some(headers(L)?),
            _ => return Err(option_fault("headers", &format!("table expected, got {}", args::basic_type(L, HEADERS)))),
        }
        let callback = l::lua_type(L, ON_DELIVERY);
        if callback != l::LUA_TNIL && callback != l::LUA_TFUNCTION {
            return Err(option_fault("on_delivery", &format!("function expected, got {}", args::basic_type(L, ON_DELIVERY))));
        }
    }
    Ok(())
}

/// # Safety
/// A table lies at `TABLE`.
unsafe fn refuse_unknown(L: *mut lua_State) -> Result<(), Raise> {
    // SAFETY: lua_next over an unchanged table with a key of its own; the key is not converted.
    unsafe {
        l::lua_pushnil(L);
        while l::lua_next(L, TABLE) != 0 {
            l::lua_settop(L, -2);
            let top = l::lua_gettop(L);
            let known = l::lua_type(L, top) == l::LUA_TSTRING
                && args::bytes(L, top).is_some_and(|name| OPTIONS.iter().any(|known| known.to_bytes() == name));
            if !known {
                let name = match args::text_of(L, top) {
                    Some(name) => String::from_utf8_lossy(&name).into_owned(),
                    None => args::basic_type(L, top).into(),
                };
                let names = OPTIONS.iter().filter_map(|name| name.to_str().ok());
                let hint = nearest(&name, names).map(|name| format!("; did you mean '{name}'?")).unwrap_or_default();
                return Err(option_fault(
                    &name,
                    &format!("unknown; partition, headers, timestamp, on_delivery and opaque are known{hint}"),
                ));
            }
        }
    }
    Ok(())
}

/// # Safety
/// `index` is an option's place.
unsafe fn integer(L: *mut lua_State, index: c_int, name: &str, low: i64, high: i64) -> Result<Option<i64>, Raise> {
    // SAFETY: conversions that cannot raise.
    unsafe {
        if l::lua_type(L, index) == l::LUA_TNIL {
            return Ok(None);
        }
        let value = args::number(L, index)
            .ok_or_else(|| option_fault(name, &format!("integer expected, got {}", args::basic_type(L, index))))?;
        number::within(value, low, high).map(Some).map_err(|why| option_fault(name, &why))
    }
}

/// An array of {name, value} pairs, order and repeats kept, or a map.
///
/// # Safety
/// A table lies at `HEADERS`.
unsafe fn headers(L: *mut lua_State) -> Result<Headers, Raise> {
    // SAFETY: raw gets; strings stay on the stack while they are copied.
    unsafe {
        let pairs = l::lua_rawlen(L, HEADERS);
        let mut list = Headers::new(pairs);
        if pairs == 0 {
            map_headers(L, &mut list)?;
            return Ok(list);
        }
        for i in 1..=pairs {
            l::lua_rawgeti(L, HEADERS, i as l::lua_Integer);
            let pair = l::lua_gettop(L);
            if l::lua_type(L, pair) != l::LUA_TTABLE {
                return Err(option_fault(
                    "headers",
                    &format!("{{name, value}} expected at index {i}, got {}", args::basic_type(L, pair)),
                ));
            }
            l::lua_rawgeti(L, pair, 1);
            l::lua_rawgeti(L, pair, 2);
            header(L, &mut list, pair + 1, pair + 2)?;
            l::lua_settop(L, pair - 1);
        }
        Ok(list)
    }
}

/// # Safety
/// As [`headers`].
unsafe fn map_headers(L: *mut lua_State, list: &mut Headers) -> Result<(), Raise> {
    // SAFETY: keys are read, not converted in place, so lua_next finds them unchanged.
    unsafe {
        l::lua_pushnil(L);
        while l::lua_next(L, HEADERS) != 0 {
            let value = l::lua_gettop(L);
            header(L, list, value - 1, value)?;
            l::lua_settop(L, value - 1);
        }
    }
    Ok(())
}

/// # Safety
/// Name and value lie at the absolute indices given.
unsafe fn header(L: *mut lua_State, list: &mut Headers, name: c_int, value: c_int) -> Result<(), Raise> {
    // SAFETY: slices of values that stay on the stack.
    unsafe {
        let Some(name_bytes) = args::text_of(L, name) else {
            return Err(option_fault("headers", &format!("a name must be a string, got {}", args::basic_type(L, name))));
        };
        if name_bytes.contains(&0) {
            return Err(option_fault("headers", &format!("the name '{}' contains a NUL byte", name_bytes.escape_ascii())));
        }
        let value_bytes = args::text_of(L, value);
        if value_bytes.is_none() && l::lua_type(L, value) != l::LUA_TNIL {
            let got = args::basic_type(L, value);
            return Err(option_fault(
                "headers",
                &format!("the value of '{}' must be a string or nil, got {got}", name_bytes.escape_ascii()),
            ));
        }
        list.add(&name_bytes, value_bytes.as_deref());
    }
    Ok(())
}

/// Puts callback and opaque aside under a number, if there are any.
///
/// # Safety
/// The options lie in their places, or nil is at `TABLE`.
unsafe fn take_slot(L: *mut lua_State, state: &Producer) -> Result<Option<u32>, Raise> {
    // SAFETY: raw sets into tables of ours.
    unsafe {
        if l::lua_type(L, TABLE) != l::LUA_TTABLE {
            return Ok(None);
        }
        let (callback, opaque) = (l::lua_type(L, ON_DELIVERY) != l::LUA_TNIL, l::lua_type(L, OPAQUE) != l::LUA_TNIL);
        if !callback && !opaque {
            return Ok(None);
        }
        let slot = state.slots.take(&*state.open()?);
        block::push_callbacks(L);
        let callbacks = l::lua_gettop(L);
        for (wanted, table, value) in [(callback, SLOT_CALLBACKS, ON_DELIVERY), (opaque, SLOT_OPAQUES, OPAQUE)] {
            if wanted {
                l::lua_rawgeti(L, callbacks, table);
                l::lua_pushvalue(L, value);
                l::lua_rawseti(L, -2, slot as l::lua_Integer);
                l::lua_settop(L, callbacks);
            }
        }
        l::lua_settop(L, callbacks - 1);
        Ok(Some(slot))
    }
}

/// # Safety
/// `slot` was taken by [`take_slot`].
unsafe fn clear_slot(L: *mut lua_State, slot: u32) {
    // SAFETY: raw sets into tables of ours.
    unsafe {
        block::push_callbacks(L);
        for table in [SLOT_CALLBACKS, SLOT_OPAQUES] {
            l::lua_rawgeti(L, -1, table);
            l::lua_pushnil(L);
            l::lua_rawseti(L, -2, slot as l::lua_Integer);
            l::lua_settop(L, -2);
        }
        l::lua_settop(L, -2);
    }
}
