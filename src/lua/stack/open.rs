//! `luaopen_kafka`: what `require "kafka"` calls.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::{lua_State, Lua};

/// # Safety
/// Called by Lua only.
#[no_mangle]
pub unsafe extern "C-unwind" fn luaopen_kafka(L: *mut lua_State) -> c_int {
    crate::client::exit::install();
    // SAFETY: nothing of Rust's is alive where these calls may raise.
    unsafe {
        #[cfg(feature = "lua51")]
        refuse_other_global(L);
        let count = Lua::entrypoint1(L, crate::lua::open);
        if l::lua_type(L, -1) == l::LUA_TSTRING {
            l::lua_error(L);
        }
        #[cfg(feature = "lua51")]
        {
            // Raw: a host's strict _G is not asked.
            l::lua_pushstring(L, c"kafka".as_ptr());
            l::lua_pushvalue(L, -2);
            l::lua_rawset(L, l::LUA_GLOBALSINDEX);
        }
        count
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
