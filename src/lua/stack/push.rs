//! Values onto the stack.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;
use mlua::prelude::*;

use super::block::{self, Class};
use crate::model::error::KafkaError;
use crate::model::partition::{TopicPartition, INVALID};

/// Address under which the state's registry holds `kafka.Error`'s metatable.
pub static ERROR_CLASS: u8 = 0;

/// The registry's key for something of ours: an address nobody else has.
pub fn key(of: &'static u8) -> *const std::os::raw::c_void {
    std::ptr::from_ref(of).cast()
}

/// # Safety
/// `L` has a free stack slot.
pub unsafe fn bytes(L: *mut lua_State, bytes: &[u8]) {
    // SAFETY: Lua copies `len` readable bytes.
    unsafe { l::lua_pushlstring(L, bytes.as_ptr().cast(), bytes.len()) };
}

/// # Safety
/// `L` has a free stack slot.
pub unsafe fn text(L: *mut lua_State, text: &str) {
    // SAFETY: as `bytes`.
    unsafe { bytes(L, text.as_bytes()) };
}

/// # Safety
/// `L` has a free stack slot.
pub unsafe fn optional(L: *mut lua_State, value: Option<&[u8]>) {
    // SAFETY: as `bytes`.
    unsafe {
        match value {
            Some(value) => bytes(L, value),
            None => l::lua_pushnil(L),
        }
    }
}

/// An integer on 5.3 and later, a double before.
///
/// # Safety
/// `L` has a free stack slot.
pub unsafe fn integer(L: *mut lua_State, value: i64) {
    // SAFETY: pushes one number.
    unsafe {
        #[cfg(any(feature = "lua53", feature = "lua54"))]
        l::lua_pushinteger(L, value);
        #[cfg(not(any(feature = "lua53", feature = "lua54")))]
        l::lua_pushnumber(L, value as f64);
    }
}

/// Sets `name` of the table on top to the value the closure pushes.
///
/// # Safety
/// A table of ours is on top, two stack slots are free, `value` pushes one value.
pub unsafe fn field(L: *mut lua_State, name: &str, value: impl FnOnce()) {
    // SAFETY: a raw set into a table without metatable.
    unsafe {
        text(L, name);
        value();
        l::lua_rawset(L, -3);
    }
}

/// An array of {name, value} pairs; the value of a null one is absent.
///
/// # Safety
/// `L` has four free stack slots; `get` must own nothing that an error could leak.
pub unsafe fn headers<'a>(L: *mut lua_State, count: usize, get: impl Fn(usize) -> Option<(&'a [u8], Option<&'a [u8]>)>) {
    // SAFETY: raw sets into fresh tables.
    unsafe {
        l::lua_createtable(L, c_int::try_from(count).unwrap_or(0), 0);
        for index in 0..count {
            let Some((name, value)) = get(index) else { return };
            l::lua_createtable(L, 2, 0);
            bytes(L, name);
            l::lua_rawseti(L, -2, 1);
            if let Some(value) = value {
                bytes(L, value);
                l::lua_rawseti(L, -2, 2);
            }
            l::lua_rawseti(L, -2, index as l::lua_Integer + 1);
        }
    }
}

/// A `kafka.Error`.
///
/// # Safety
/// `L` has four free stack slots.
pub unsafe fn error(L: *mut lua_State, error: &KafkaError) {
    // SAFETY: fills a fresh table by raw sets, then gives it the class's metatable.
    unsafe {
        l::lua_createtable(L, 0, 6);
        field(L, "code", || integer(L, i64::from(error.code)));
        field(L, "name", || text(L, &error.name));
        field(L, "message", || text(L, &error.message));
        field(L, "fatal", || l::lua_pushboolean(L, c_int::from(error.fatal)));
        field(L, "retriable", || l::lua_pushboolean(L, c_int::from(error.retriable)));
        field(L, "txn_requires_abort", || l::lua_pushboolean(L, c_int::from(error.txn_requires_abort)));
        l::lua_rawgetp(L, l::LUA_REGISTRYINDEX, key(&ERROR_CLASS));
        l::lua_setmetatable(L, -2);
    }
}

/// A partition with what is known of it, as users write it.
///
/// # Safety
/// `L` has seven free stack slots.
pub unsafe fn partition(L: *mut lua_State, entry: &TopicPartition) {
    // SAFETY: raw sets into a fresh table.
    unsafe {
        l::lua_createtable(L, 0, 4);
        field(L, "topic", || text(L, &entry.topic));
        field(L, "partition", || integer(L, i64::from(entry.partition)));
        if entry.offset != INVALID {
            field(L, "offset", || integer(L, entry.offset));
        }
        if let Some(metadata) = &entry.metadata {
            field(L, "metadata", || bytes(L, metadata));
        }
        if let Some(problem) = &entry.error {
            field(L, "err", || error(L, problem));
        }
    }
}

/// Puts a class's metatable under its key in the registry.
pub fn register(lua: &Lua, of: &'static u8, metatable: &LuaTable) -> LuaResult<()> {
    // SAFETY: exec_raw pushed the table and runs this protected.
    unsafe { lua.exec_raw(metatable, |L| l::lua_rawsetp(L, l::LUA_REGISTRYINDEX, key(of))) }
}

/// Makes an object whose callbacks are the given table.
pub fn object<T: Class>(lua: &Lua, state: T, callbacks: &LuaTable) -> LuaResult<LuaValue> {
    // SAFETY: exec_raw pushed the table as the only value and runs this protected; the object
    // takes the table's place as the result.
    unsafe {
        lua.exec_raw(callbacks, |L| {
            block::create(L, state);
            l::lua_insert(L, -2);
            l::lua_setuservalue(L, -2);
        })
    }
}

/// Makes an object without callbacks.
pub fn bare_object<T: Class>(lua: &Lua, state: T) -> LuaResult<LuaValue> {
    // SAFETY: exec_raw runs this protected.
    unsafe { lua.exec_raw((), |L| block::create(L, state)) }
}

/// Makes an object of ours one whose metatable is the given one instead of its class's.
pub fn variant(lua: &Lua, object: LuaValue, metatable: &LuaTable) -> LuaResult<()> {
    // SAFETY: the object was made by `object`, and exec_raw runs this protected.
    unsafe { lua.exec_raw((object, metatable), |L| block::make_variant(L)) }
}

/// A `kafka.Error` as an mlua value.
pub fn error_value(lua: &Lua, value: &KafkaError) -> LuaResult<LuaValue> {
    // SAFETY: runs protected, with room on the stack.
    unsafe { lua.exec_raw((), |L| error(L, value)) }
}
