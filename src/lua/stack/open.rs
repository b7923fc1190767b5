//! `luaopen_kafka`: what `require "kafka"` calls.

use std::os::raw::c_int;

#[cfg(feature = "lua51")]
use mlua::ffi as l;
use mlua::{lua_State, Lua};

/// Under its address the registry keeps a coroutine that opened the module.
#[cfg(feature = "lua51")]
static OPENER: u8 = 0;

/// # Safety
/// Called by Lua only.
#[no_mangle]
pub unsafe extern "C-unwind" fn luaopen_kafka(L: *mut lua_State) -> c_int {
    crate::client::exit::install();
    // SAFETY: nothing of Rust's is alive where these calls may raise.
    unsafe {
        #[cfg(feature = "lua51")]
        {
            keep_coroutine(L);
            refuse_other_global(L);
        }
        let count = Lua::entrypoint1(L, crate::lua::module);
        #[cfg(feature = "lua51")]
        if count == 1 {
            // Raw: a host's strict _G is not asked.
            l::lua_pushstring(L, c"kafka".as_ptr());
            l::lua_pushvalue(L, -2);
            l::lua_rawset(L, l::LUA_GLOBALSINDEX);
        }
        count
    }
}

/// mlua remembers the thread that opened the module and, on 5.1, cannot find the main one: a
/// coroutine must then outlive its use.
///
/// # Safety
/// Two stack slots are free.
#[cfg(feature = "lua51")]
unsafe fn keep_coroutine(L: *mut lua_State) {
    // SAFETY: pushes a thread, then sets it into the registry or pops it.
    unsafe {
        if l::lua_pushthread(L) == 0 {
            l::lua_rawsetp(L, l::LUA_REGISTRYINDEX, super::push::key(&OPENER));
        } else {
            l::lua_settop(L, -2);
        }
    }
}

/// The old module's rule: a global `kafka` that is no table stays, and is an error.
///
/// # Safety
/// Two stack slots are free; nothing of Rust's is alive.
#[cfg(feature = "lua51")]
unsafe fn refuse_other_global(L: *mut lua_State) {
    // SAFETY: a string is pushed and raised, or the value popped.
    unsafe {
        l::lua_pushstring(L, c"kafka".as_ptr());
        l::lua_rawget(L, l::LUA_GLOBALSINDEX);
        let kind = l::lua_type(L, -1);
        l::lua_settop(L, -2);
        if kind != l::LUA_TNIL && kind != l::LUA_TTABLE {
            l::luaL_where(L, 1);
            l::lua_pushstring(L, c"name conflict for module 'kafka'".as_ptr());
            l::lua_concat(L, 2);
            l::lua_error(L);
        }
    }
}
