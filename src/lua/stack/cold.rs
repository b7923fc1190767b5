//! Ordinary calls: bodies in safe Rust over mlua, errors as everywhere else.
//!
//! The raw function in front checks self, runs mlua's function protected, and raises. A refusal
//! comes back as a marked result, since an mlua error would reach Lua as a userdata.

use std::os::raw::{c_int, c_void};

use mlua::ffi as l;
use mlua::prelude::*;
use mlua::{lua_State, LightUserData, MultiValue};

use super::block::{self, Class};
use super::push;
use super::raise::{finish, Raise, Style};
use super::record::Record;
use crate::model::error::KafkaError;

/// First of the results that mean a refusal.
static REFUSAL: u8 = 0;

/// Which objects a method takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    Open,
    /// Closed ones as well.
    Any,
    /// Closed ones and those of the parent process.
    EvenForked,
}

/// The arguments after self.
pub struct Args {
    pub values: MultiValue,
    /// Stack place of the first one.
    pub first: c_int,
}

fn refusal(lua: &Lua, raise: Raise) -> LuaResult<MultiValue> {
    let mark = LightUserData(push::key(&REFUSAL) as *mut c_void);
    let (kind, narg, text) = match raise {
        Raise::Plain(text) => (1, 0, text),
        Raise::Caller(text) => (2, 0, text),
        Raise::Arg(narg, text) => (3, narg, text),
        Raise::Expected(narg, what) => (3, narg, format!("{what} expected")),
        Raise::Replaced => (6, 0, String::new()),
        Raise::Forked | Raise::Lua => (4, 0, String::new()),
        // An error value is built by the raw side; its parts travel as they are.
        Raise::Error(error) => {
            let parts = (error.code, error.name.as_ref(), error.message, error.fatal, error.retriable, error.txn_requires_abort);
            return (mark, 5, parts).into_lua_multi(lua);
        }
    };
    (mark, kind, narg, lua.create_string(text)?).into_lua_multi(lua)
}

/// Makes a method of `T` from a safe body.
pub fn method<T: Class, R: IntoLuaMulti>(
    lua: &Lua,
    metatable: &LuaTable,
    accepts: Accepts,
    style: Style,
    body: impl Fn(&Lua, &T, Args) -> Result<R, Raise> + 'static,
) -> LuaResult<LuaFunction> {
    let inner = lua.create_function(move |lua, mut values: MultiValue| {
        let Some(LuaValue::LightUserData(LightUserData(state))) = values.pop_front() else {
            return Err(LuaError::runtime("called without its object"));
        };
        // SAFETY: `call_method` passes the state of the object at its stack place 1, which stays
        // there, and so alive, until it returns; nobody else can call this function.
        let state = unsafe { &*state.cast::<T>() };
        match body(lua, state, Args { values, first: 2 }) {
            Ok(results) => results.into_lua_multi(lua),
            Err(raise) => refusal(lua, raise),
        }
    })?;
    let raw = match accepts {
        Accepts::Open => method_open::<T>,
        Accepts::Any => method_any::<T>,
        Accepts::EvenForked => method_even_forked::<T>,
    };
    closure(lua, raw, metatable, Some((inner, style)))
}

/// Makes a function without self from a safe body.
pub fn function<R: IntoLuaMulti>(
    lua: &Lua,
    style: Style,
    body: impl Fn(&Lua, Args) -> Result<R, Raise> + 'static,
) -> LuaResult<LuaFunction> {
    let inner = lua.create_function(move |lua, values: MultiValue| match body(lua, Args { values, first: 1 }) {
        Ok(results) => results.into_lua_multi(lua),
        Err(raise) => refusal(lua, raise),
    })?;
    closure(lua, plain_function, &lua.create_table()?, Some((inner, style)))
}

/// A function that is called protected, and what it has as upvalues.
pub struct Inner {
    pub push: l::lua_CFunction,
    pub record: Option<Record>,
}

/// A C function with the class's metatable as upvalue 1 and the function it calls protected as
/// upvalue 2.
pub fn protecting(lua: &Lua, raw: l::lua_CFunction, metatable: &LuaTable, inner: &Inner) -> LuaResult<LuaFunction> {
    let maker: Option<LuaValue> = match inner.record {
        Some(record) => Some(lua.load(record.maker).set_name("=kafka.record").call(())?),
        None => None,
    };
    let has_upvalues = maker.is_some();
    // SAFETY: exec_raw pushed the metatable and the maker and runs this protected; one function is
    // left. Lua has room for more words than there are.
    unsafe {
        lua.exec_raw((metatable, maker.unwrap_or(LuaValue::Nil)), |L| {
            if has_upvalues {
                for word in inner.record.iter().flat_map(|record| record.fields.iter().chain(record.words)) {
                    push::text(L, word);
                }
            } else {
                l::lua_settop(L, 1);
            }
            l::lua_pushcclosure(L, inner.push, l::lua_gettop(L) - 1);
            l::lua_pushcclosure(L, raw, 2);
        })
    }
}

/// A C function with the class's metatable as upvalue 1 and, if given, mlua's function and where
/// it stands as upvalues 2 and 3.
pub fn closure(
    lua: &Lua,
    raw: l::lua_CFunction,
    metatable: &LuaTable,
    inner: Option<(LuaFunction, Style)>,
) -> LuaResult<LuaFunction> {
    let count = if inner.is_some() { 3 } else { 1 };
    let push = |L: *mut lua_State| {
        // SAFETY: exec_raw pushed the upvalues and runs this protected.
        unsafe { l::lua_pushcclosure(L, raw, count) }
    };
    // SAFETY: the closure leaves one function in place of its upvalues.
    unsafe {
        match inner {
            Some((inner, style)) => lua.exec_raw((metatable, inner, style.level + 2 * c_int::from(style.classic)), push),
            None => lua.exec_raw(metatable, push),
        }
    }
}

/// # Safety
/// Called in a function that [`closure`] gave a style.
unsafe fn style_of(L: *mut lua_State) -> Style {
    // SAFETY: upvalue 3 is an integer of ours.
    let bits = unsafe { l::lua_tointeger(L, l::lua_upvalueindex(3)) } as c_int;
    Style { level: bits & 1, classic: bits & 2 != 0 }
}

macro_rules! entry {
    ($name:ident, $get:path) => {
        unsafe extern "C-unwind" fn $name<T: Class>(L: *mut lua_State) -> c_int {
            // SAFETY: upvalue 1 is the metatable of T, 2 mlua's function, 3 its style.
            unsafe {
                let style = style_of(L);
                match $get(L) {
                    Ok(state) => call_method(L, style, std::ptr::from_ref::<T>(state) as *mut c_void),
                    Err(raise) => finish(L, style, Ok(Err(raise))),
                }
            }
        }
    };
}
entry!(method_open, block::open::<T>);
entry!(method_any, block::any::<T>);
entry!(method_even_forked, block::even_forked::<T>);

unsafe extern "C-unwind" fn plain_function(L: *mut lua_State) -> c_int {
    // SAFETY: upvalue 2 is mlua's function, 3 its style.
    unsafe { call(L, style_of(L), l::lua_gettop(L)) }
}

/// # Safety
/// `state` is that of the object at stack place 1, which stays there.
unsafe fn call_method(L: *mut lua_State, style: Style, state: *mut c_void) -> c_int {
    // SAFETY: copies of the arguments go above the originals, self replaced by its state.
    unsafe {
        let given = l::lua_gettop(L);
        l::luaL_checkstack(L, given + 4, c"too many arguments".as_ptr());
        l::lua_pushlightuserdata(L, state);
        for index in 2..=given {
            l::lua_pushvalue(L, index);
        }
        call(L, style, given)
    }
}

/// Calls upvalue 2 with the `count` values on top, protected.
///
/// # Safety
/// Nothing of Rust's is alive here.
unsafe fn call(L: *mut lua_State, style: Style, count: c_int) -> c_int {
    // SAFETY: stack arithmetic within what was pushed; errors are raised with nothing to drop.
    unsafe {
        let base = l::lua_gettop(L) - count;
        l::lua_pushvalue(L, l::lua_upvalueindex(2));
        l::lua_insert(L, base + 1);
        if l::lua_pcall(L, count, l::LUA_MULTRET, 0) != 0 {
            // mlua's own failures: memory, or arguments it could not take.
            let mut length = 0;
            l::luaL_tolstring(L, -1, &mut length);
            l::luaL_where(L, style.level + 1);
            l::lua_insert(L, -2);
            l::lua_concat(L, 2);
            l::lua_error(L);
        }
        let results = l::lua_gettop(L) - base;
        let first = base + 1;
        let marked = results > 0
            && l::lua_type(L, first) == l::LUA_TLIGHTUSERDATA
            && std::ptr::eq(l::lua_touserdata(L, first), push::key(&REFUSAL));
        if !marked {
            return results;
        }
        finish(L, style, Ok(Err(read_refusal(L, first))))
    }
}

/// # Safety
/// The results of [`refusal`] start at `first`.
unsafe fn read_refusal(L: *mut lua_State, first: c_int) -> Raise {
    // SAFETY: types and count are those `refusal` pushed.
    unsafe {
        let text = |index: c_int| {
            let mut length = 0;
            let data = l::lua_tolstring(L, index, &mut length);
            String::from_utf8_lossy(std::slice::from_raw_parts(data.cast::<u8>(), length)).into_owned()
        };
        match l::lua_tointeger(L, first + 1) {
            1 => Raise::Plain(text(first + 3)),
            2 => Raise::Caller(text(first + 3)),
            3 => Raise::Arg(l::lua_tointeger(L, first + 2) as c_int, text(first + 3)),
            5 => {
                let mut error = KafkaError::new(l::lua_tointeger(L, first + 2) as i32, text(first + 3), text(first + 4));
                error.fatal = l::lua_toboolean(L, first + 5) != 0;
                error.retriable = l::lua_toboolean(L, first + 6) != 0;
                error.txn_requires_abort = l::lua_toboolean(L, first + 7) != 0;
                Raise::Error(error)
            }
            6 => Raise::Replaced,
            _ => Raise::Forked,
        }
    }
}
