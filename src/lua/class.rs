//! How a class comes about: the kinds of methods its file may list, and its metatable.

use mlua::ffi::lua_CFunction;
use mlua::prelude::*;
use mlua::IntoLuaMulti;

use super::stack::block::{self, Class};
use super::stack::cold::{self, Accepts, Args, Inner};
use super::stack::push;
use super::stack::raise::{Raise, Style};
use super::stack::record::Record;

/// Makes a function for the class with the metatable given.
type Maker = Box<dyn Fn(&Lua, &LuaTable) -> LuaResult<LuaFunction>>;

/// How one method comes about.
pub enum Method<T> {
    /// A raw function: hot calls and steps.
    Raw(lua_CFunction),
    /// A raw function and the one it calls protected.
    Protecting(lua_CFunction, Inner),
    /// A safe body over mlua.
    Cold(Maker, std::marker::PhantomData<T>),
}

/// A call that must cost next to nothing: it never waits and never calls Lua.
pub fn hot<T>(function: lua_CFunction) -> Method<T> {
    Method::Raw(function)
}

/// What an embedded Lua function stands on.
pub fn step<T>(function: lua_CFunction) -> Method<T> {
    Method::Raw(function)
}

/// As [`step`], for one that makes values: `push` runs protected.
pub fn pushing_step<T>(function: lua_CFunction, push: lua_CFunction) -> Method<T> {
    Method::Protecting(function, Inner { push, record: None })
}

/// As [`pushing_step`], for a `push` that makes tables of one kind.
pub fn making_step<T>(function: lua_CFunction, push: lua_CFunction, record: Record) -> Method<T> {
    Method::Protecting(function, Inner { push, record: Some(record) })
}

/// An ordinary call.
pub fn cold<T: Class, R: IntoLuaMulti + 'static>(
    accepts: Accepts,
    style: Style,
    body: fn(&Lua, &T, Args) -> Result<R, Raise>,
) -> Method<T> {
    Method::Cold(
        Box::new(move |lua, metatable| cold::method::<T, R>(lua, metatable, accepts, style, body)),
        std::marker::PhantomData,
    )
}

fn fill<T: Class>(lua: &Lua, into: &LuaTable, metatable: &LuaTable, methods: Vec<(&'static str, Method<T>)>) -> LuaResult<()> {
    for (name, method) in methods {
        let function = match method {
            Method::Raw(raw) => cold::closure(lua, raw, metatable, None)?,
            Method::Protecting(raw, inner) => cold::protecting(lua, raw, metatable, &inner)?,
            Method::Cold(make, _) => make(lua, metatable)?,
        };
        into.raw_set(name, function)?;
    }
    Ok(())
}

/// Makes a class's metatable and puts it where `block::create` finds it.
pub fn class<T: Class>(
    lua: &Lua,
    methods: Vec<(&'static str, Method<T>)>,
    metamethods: Vec<(&'static str, Method<T>)>,
) -> LuaResult<LuaTable> {
    let metatable = lua.create_table()?;
    let index = lua.create_table()?;
    fill(lua, &index, &metatable, methods)?;
    fill(lua, &metatable, &metatable, metamethods)?;
    metatable.raw_set("__index", index)?;
    metatable.raw_set("__name", T::NAME)?;
    metatable.raw_set("__gc", cold::closure(lua, block::collect_entry::<T>, &metatable, None)?)?;
    push::register(lua, T::registry_key(), &metatable)?;
    Ok(metatable)
}

/// A class and, beside it, the steps that the embedded Lua stands on.
pub fn class_with_steps<T: Class>(
    lua: &Lua,
    methods: Vec<(&'static str, Method<T>)>,
    metamethods: Vec<(&'static str, Method<T>)>,
    steps: Vec<(&'static str, Method<T>)>,
) -> LuaResult<LuaTable> {
    let metatable = class(lua, methods, metamethods)?;
    let parts = lua.create_table()?;
    fill(lua, &parts, &metatable, steps)?;
    let made = lua.create_table()?;
    made.raw_set("class", metatable)?;
    made.raw_set("step", parts)?;
    Ok(made)
}
