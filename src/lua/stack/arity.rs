//! Whether a callback can see the report it would get: if not, none need be made.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;
use mlua::prelude::*;

/// Address under which the state's registry holds what `forms/arity.lua` returns.
#[cfg(feature = "lua51")]
static ASK: u8 = 0;

/// Makes [`takes_no_report`] work where Lua has to be asked.
pub fn install(lua: &Lua) -> LuaResult<()> {
    #[cfg(feature = "lua51")]
    {
        let ask: LuaValue = lua.load(include_str!("../forms/arity.lua")).set_name("=kafka.arity").call(())?;
        // SAFETY: exec_raw pushed the value and runs this protected.
        unsafe { lua.exec_raw::<()>(ask, |L| l::lua_rawsetp(L, l::LUA_REGISTRYINDEX, super::push::key(&ASK)))? };
    }
    #[cfg(not(feature = "lua51"))]
    let _ = lua;
    Ok(())
}

/// Whether it is known that the function at `index` has no second parameter.
///
/// # Safety
/// A function is at the absolute `index`, two stack slots are free, nothing of Rust's is alive.
pub unsafe fn takes_no_report(L: *mut lua_State, index: c_int) -> bool {
    // SAFETY: a function of ours is called with the user's as an argument, or a question to Lua about it.
    unsafe {
        #[cfg(feature = "lua51")]
        {
            l::lua_rawgetp(L, l::LUA_REGISTRYINDEX, super::push::key(&ASK));
            if l::lua_type(L, -1) == l::LUA_TFUNCTION {
                l::lua_pushvalue(L, index);
                l::lua_call(L, 1, 1);
            }
            let answer = l::lua_toboolean(L, -1) != 0;
            l::lua_settop(L, -2);
            answer
        }
        #[cfg(not(feature = "lua51"))]
        {
            let mut info: l::lua_Debug = std::mem::zeroed();
            l::lua_pushvalue(L, index);
            l::lua_getinfo(L, c">u".as_ptr(), &mut info);
            info.nparams < 2 && info.isvararg == 0
        }
    }
}
