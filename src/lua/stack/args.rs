//! Arguments off the stack.

use std::borrow::Cow;
use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;

use super::raise::Raise;
use crate::model::number;
use crate::native::producer::{Buffer, Payload};

/// Checks how many arguments there are, self counted.
///
/// # Safety
/// `L` is the calling state.
#[inline]
pub unsafe fn count(L: *mut lua_State, least: c_int, most: c_int) -> Result<(), Raise> {
    // SAFETY: reads the top only.
    let given = unsafe { l::lua_gettop(L) };
    if given < least || given > most {
        return Err(Raise::Arg(given, "incorrect number of arguments".into()));
    }
    Ok(())
}

/// The type's name for messages.
///
/// # Safety
/// `index` is any index.
pub unsafe fn type_name(L: *mut lua_State, index: c_int) -> String {
    // SAFETY: Lua's type names are static strings; the rest is raw gets, undone at the end.
    unsafe {
        let kind = l::lua_type(L, index);
        if kind == l::LUA_TNONE {
            return "no value".into();
        }
        if kind == l::LUA_TLIGHTUSERDATA && cfg!(any(feature = "lua53", feature = "lua54")) {
            return "light userdata".into();
        }
        if let Some(name) = metatable_name(L, index) {
            return name;
        }
        std::ffi::CStr::from_ptr(l::lua_typename(L, kind)).to_string_lossy().into_owned()
    }
}

/// What the value's metatable calls it: `FILE*`, `kafka.Consumer`.
///
/// # Safety
/// As [`type_name`].
unsafe fn metatable_name(L: *mut lua_State, index: c_int) -> Option<String> {
    // SAFETY: raw gets, undone at the end; the string is copied before that.
    unsafe {
        let top = l::lua_gettop(L);
        if l::lua_getmetatable(L, index) == 0 {
            return None;
        }
        l::lua_pushstring(L, c"__name".as_ptr());
        l::lua_rawget(L, -2);
        let name = if l::lua_type(L, top + 2) == l::LUA_TSTRING { bytes(L, top + 2) } else { None };
        let name = name.map(|name| String::from_utf8_lossy(name).into_owned());
        l::lua_settop(L, top);
        name
    }
}

/// What was expected at `index`; the type it got is named when the error is raised.
///
/// # Safety
/// As [`type_name`].
pub unsafe fn expected(_: *mut lua_State, index: c_int, what: &str) -> Raise {
    Raise::Expected(index, what.into())
}

/// Lua's own name of a type: makes no value, so it may be called under `catch_unwind`.
///
/// # Safety
/// `index` is any index.
pub unsafe fn basic_type(L: *mut lua_State, index: c_int) -> &'static str {
    // SAFETY: Lua's type names are static strings.
    unsafe { std::ffi::CStr::from_ptr(l::lua_typename(L, l::lua_type(L, index))).to_str().unwrap_or("value") }
}

/// A string, or a number as Lua prints it, without making a Lua value of it.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn text_of<'a>(L: *mut lua_State, index: c_int) -> Option<Cow<'a, [u8]>> {
    // SAFETY: no conversion in place; `digits` has room for what snprintf may write.
    unsafe {
        match l::lua_type(L, index) {
            l::LUA_TSTRING => bytes(L, index).map(Cow::Borrowed),
            l::LUA_TNUMBER => {
                #[cfg(any(feature = "lua53", feature = "lua54"))]
                if l::lua_isinteger(L, index) != 0 {
                    return Some(Cow::Owned(l::lua_tointeger(L, index).to_string().into_bytes()));
                }
                let mut digits = [0u8; 64];
                libc::snprintf(digits.as_mut_ptr().cast(), digits.len(), c"%.14g".as_ptr(), l::lua_tonumber(L, index));
                let text = std::ffi::CStr::from_bytes_until_nul(&digits).unwrap_or_default().to_bytes();
                let mut text = text.to_vec();
                if cfg!(any(feature = "lua53", feature = "lua54")) && text.iter().all(|c| c.is_ascii_digit() || *c == b'-') {
                    text.extend_from_slice(b".0");
                }
                Some(Cow::Owned(text))
            }
            _ => None,
        }
    }
}

/// A string; a number becomes the string Lua prints for it, in its place. That may raise, as it is a
/// new value. One call where the type need not be known otherwise.
///
/// # Safety
/// Nothing of Rust's is alive; the slice as in [`bytes`].
#[inline]
pub unsafe fn string<'a>(L: *mut lua_State, index: c_int) -> Option<&'a [u8]> {
    // SAFETY: the conversion happens in place, so the string is anchored by the stack.
    unsafe {
        let mut length = 0;
        let data = l::lua_tolstring(L, index, &mut length);
        (!data.is_null()).then(|| std::slice::from_raw_parts(data.cast(), length))
    }
}

/// A string, or a number as Lua would print it. Lives as long as the value stays on the stack.
///
/// # Safety
/// `index` is absolute and its value stays there while the slice is used.
pub unsafe fn bytes<'a>(L: *mut lua_State, index: c_int) -> Option<&'a [u8]> {
    // SAFETY: the conversion happens in place, so the string is anchored by the stack.
    unsafe {
        let kind = l::lua_type(L, index);
        if kind != l::LUA_TSTRING && kind != l::LUA_TNUMBER {
            return None;
        }
        let mut length = 0;
        let data = l::lua_tolstring(L, index, &mut length);
        Some(std::slice::from_raw_parts(data.cast(), length))
    }
}

/// A number; strings that look like one count, as everywhere in Lua.
///
/// # Safety
/// `index` is any index.
#[inline]
pub unsafe fn number(L: *mut lua_State, index: c_int) -> Option<f64> {
    // SAFETY: a conversion that cannot raise.
    unsafe {
        #[cfg(any(feature = "lua53", feature = "lua54"))]
        {
            let mut is_integer = 0;
            let value = l::lua_tointegerx(L, index, &mut is_integer);
            // Beyond that a double tells its value better.
            if is_integer != 0 && (value.unsigned_abs() <= 1 << 53 || l::lua_isinteger(L, index) != 0) {
                return Some(number::from_integer(value));
            }
        }
        let mut is_number = 0;
        let value = l::lua_tonumberx(L, index, &mut is_number);
        (is_number != 0).then_some(value)
    }
}

/// # Safety
/// As [`number`].
#[inline]
pub unsafe fn integer(L: *mut lua_State, index: c_int, low: i64, high: i64) -> Result<i64, Raise> {
    // SAFETY: as `number`.
    let value = unsafe { number(L, index).ok_or_else(|| expected(L, index, "number"))? };
    number::within(value, low, high).map_err(|why| Raise::Arg(index, why))
}

/// A timeout in milliseconds, or `default` for nil and none.
///
/// # Safety
/// As [`number`].
pub unsafe fn timeout(L: *mut lua_State, index: c_int, default: i64) -> Result<i64, Raise> {
    // SAFETY: as `number`.
    unsafe {
        if l::lua_isnoneornil(L, index) != 0 {
            return Ok(default);
        }
        let value = number(L, index).ok_or_else(|| expected(L, index, "number"))?;
        number::timeout(value).map_err(|why| Raise::Arg(index, why))
    }
}

/// A message's value: nil, a string, or an array of strings joined here.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn payload<'a>(L: *mut lua_State, index: c_int) -> Result<Payload<'a>, Raise> {
    // SAFETY: as `bytes`.
    unsafe {
        if let Some(bytes) = bytes(L, index) {
            return Ok(Payload::Bytes(bytes));
        }
        match l::lua_type(L, index) {
            l::LUA_TNIL => Ok(Payload::Null),
            l::LUA_TTABLE => join(L, index).map(Payload::Joined),
            _ => Err(expected(L, index, "string, array of strings or nil")),
        }
    }
}

/// The strings of an array one after the other, in memory librdkafka may keep.
///
/// # Safety
/// A table is at the absolute `index`; two stack slots are free.
unsafe fn join(L: *mut lua_State, index: c_int) -> Result<Buffer, Raise> {
    // SAFETY: raw gets; a number is converted in its stack copy, not in the table.
    unsafe {
        let count = l::lua_rawlen(L, index);
        // What lies beside the array, or behind a hole, would be lost in silence.
        if count_entries(L, index) != count {
            return Err(Raise::Arg(index, "array of strings expected, got a table with holes or with other keys".into()));
        }
        let mut size = 0usize;
        for pass in 0..2 {
            let mut buffer = if pass == 1 { Some(Buffer::with_size(size).ok_or_else(|| too_large(index, size))?) } else { None };
            for i in 1..=count {
                l::lua_rawgeti(L, index, i as l::lua_Integer);
                let top = l::lua_gettop(L);
                let Some(part) = text_of(L, top) else {
                    let got = basic_type(L, top);
                    return Err(Raise::Arg(index, format!("array of strings expected, got {got} at index {i}")));
                };
                match &mut buffer {
                    None => size = size.checked_add(part.len()).ok_or_else(|| too_large(index, usize::MAX))?,
                    Some(buffer) => buffer.push(&part),
                }
                l::lua_settop(L, -2);
            }
            if let Some(buffer) = buffer {
                return Ok(buffer);
            }
        }
    }
    Err(too_large(index, 0))
}

/// How many keys a table has.
///
/// # Safety
/// A table is at the absolute `index`; two stack slots are free.
pub unsafe fn count_entries(L: *mut lua_State, index: c_int) -> usize {
    let mut entries = 0;
    // SAFETY: only keys that lua_next gave are handed back to it, unchanged.
    unsafe {
        l::lua_pushnil(L);
        while l::lua_next(L, index) != 0 {
            entries += 1;
            l::lua_settop(L, -2);
        }
    }
    entries
}

fn too_large(index: c_int, size: usize) -> Raise {
    Raise::Arg(index, format!("no memory for a message of {size} bytes"))
}
