//! How an error leaves this module: as a plain string, at the right line, after Rust is done.

use std::any::Any;
use std::os::raw::c_int;
use std::panic::{catch_unwind, AssertUnwindSafe};

use mlua::ffi as l;
use mlua::lua_State;

use super::{args, push};
use crate::model::error::KafkaError;
use crate::model::text::cut;

/// Characters of a message.
const MOST: usize = 1_800;

const REPLACED: &str = "what this object keeps was replaced by debug.setfenv or debug.setuservalue; put back what was there";

/// Why a call did not do what was asked.
pub enum Raise {
    /// A string without position.
    Plain(String),
    /// A string with the caller's `file:line:`.
    Caller(String),
    /// `bad argument #N to 'F' (…)`; N is the place on the stack, self counted.
    Arg(c_int, String),
    /// As `Arg`: what was expected at that place of the stack, whose type is yet to be named.
    Expected(c_int, String),
    /// The client belongs to the parent of this process.
    Forked,
    /// Something else stands where the object kept its callbacks.
    Replaced,
    /// Not misuse: returned as `nil, err`.
    Error(KafkaError),
    /// An error of Lua's own, on top of the stack: it goes on as it is.
    Lua,
}

impl Raise {
    /// The words alone, for a message that names the place itself.
    pub fn reason(&self) -> String {
        match self {
            Raise::Plain(text) | Raise::Caller(text) | Raise::Arg(_, text) => text.clone(),
            Raise::Expected(_, what) => format!("{what} expected"),
            Raise::Error(error) => error.message.clone(),
            Raise::Replaced => REPLACED.into(),
            Raise::Forked | Raise::Lua => String::new(),
        }
    }
}

impl From<mlua::Error> for Raise {
    fn from(error: mlua::Error) -> Raise {
        Raise::Caller(error.to_string())
    }
}

/// Where a function stands between the user and its error.
#[derive(Clone, Copy)]
pub struct Style {
    /// 0 when the user calls it, else how many embedded Lua functions are between.
    pub level: c_int,
    /// Classic calls raise what others return as `nil, err`.
    pub classic: bool,
}

pub const METHOD: Style = Style { level: 0, classic: false };
pub const CLASSIC: Style = Style { level: 0, classic: true };
pub const STEP: Style = Style { level: 1, classic: false };
pub const INNER_STEP: Style = Style { level: 2, classic: false };
pub const CLASSIC_STEP: Style = Style { level: 1, classic: true };

/// Calls `push` (this function's upvalue 2, a C function) with `data` and, if given, the value at
/// stack place `with`, protected: making a value may run the collector, and with it a user's finalizer
/// that raises. Its `results` are left on top.
///
/// # Safety
/// Upvalue 2 is a function that takes `data` as a light userdata.
pub unsafe fn protected(
    L: *mut lua_State,
    data: *mut std::os::raw::c_void,
    with: Option<c_int>,
    results: c_int,
) -> Result<(), Raise> {
    // SAFETY: pushes that make no value, then a protected call.
    unsafe {
        l::lua_pushvalue(L, l::lua_upvalueindex(2));
        l::lua_pushlightuserdata(L, data);
        if let Some(place) = with {
            l::lua_pushvalue(L, place);
        }
        if l::lua_pcall(L, 1 + c_int::from(with.is_some()), results, 0) != 0 {
            return Err(Raise::Lua);
        }
    }
    Ok(())
}

pub type Body = unsafe fn(*mut lua_State) -> Result<c_int, Raise>;

/// Runs `body`, turns a panic into an error, and raises when all of Rust's values are gone.
///
/// # Safety
/// `L` is the state that called the C function this is the whole of.
pub unsafe fn enter(L: *mut lua_State, style: Style, body: Body) -> c_int {
    // SAFETY: `body` follows the rules of this folder; `finish` owns the outcome.
    unsafe {
        let outcome = catch_unwind(AssertUnwindSafe(|| body(L)));
        finish(L, style, outcome)
    }
}

/// # Safety
/// As [`enter`].
pub unsafe fn finish(L: *mut lua_State, style: Style, outcome: Result<Result<c_int, Raise>, Box<dyn Any + Send>>) -> c_int {
    let raise = match outcome {
        Ok(Ok(count)) => return count,
        Ok(Err(raise)) => raise,
        Err(panic) => Raise::Caller(panic_text(&*panic)),
    };
    // SAFETY: each branch pushes the message, drops what Rust owns, and only then raises.
    unsafe {
        match raise {
            Raise::Error(error) => {
                l::lua_pushnil(L);
                push::error(L, &error);
                return 2;
            }
            Raise::Lua => l::lua_error(L),
            Raise::Forked if !style.classic => {
                l::lua_pushnil(L);
                push::error(L, &KafkaError::forked());
                return 2;
            }
            Raise::Forked => {
                let error = KafkaError::forked();
                where_user(L, style.level + 1);
                push::text(L, &format!("{}: {}", error.name, error.message));
                drop(error);
                l::lua_concat(L, 2);
            }
            Raise::Replaced => {
                where_user(L, style.level + 1);
                push::text(L, REPLACED);
                l::lua_concat(L, 2);
            }
            Raise::Plain(message) => {
                push::text(L, &cut(&message, MOST));
                drop(message);
            }
            Raise::Caller(message) => {
                l::luaL_where(L, style.level + 1);
                push::text(L, &cut(&message, MOST));
                drop(message);
                l::lua_concat(L, 2);
            }
            Raise::Expected(narg, what) => {
                // Naming a type may make a value, so it happens here, where nothing catches.
                let message = format!("{what} expected, got {}", args::type_name(L, narg));
                drop(what);
                push::text(L, &cut(&message, MOST));
                drop(message);
                return argument_error(L, style.level, narg);
            }
            Raise::Arg(narg, message) => {
                push::text(L, &cut(&message, MOST));
                drop(message);
                return argument_error(L, style.level, narg);
            }
        }
        l::lua_error(L)
    }
}

/// `luaL_where` for the user's innermost function: a fork may come to light in any call of an embedded one,
/// after a callback that forked, and so may what was replaced.
///
/// # Safety
/// As [`enter`].
unsafe fn where_user(L: *mut lua_State, mut level: c_int) {
    // SAFETY: `info` is filled by lua_getinfo before it is read; its source is a terminated string.
    unsafe {
        let mut info: l::lua_Debug = std::mem::zeroed();
        while l::lua_getstack(L, level, &mut info) != 0 {
            l::lua_getinfo(L, c"S".as_ptr(), &mut info);
            let source = std::ffi::CStr::from_ptr(info.source).to_bytes();
            if source != b"=[C]" && source != b"=(tail call)" && !source.starts_with(b"=kafka.") {
                break;
            }
            level += 1;
        }
        l::luaL_where(L, level);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string()).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("kafka: internal error, please report it: {}", text.unwrap_or_default())
}

/// `luaL_argerror` for the function `level` calls up, whose message lies on top of the stack.
///
/// # Safety
/// As [`enter`]; nothing of Rust's is alive.
unsafe fn argument_error(L: *mut lua_State, level: c_int, mut narg: c_int) -> c_int {
    // SAFETY: `info` is filled by lua_getinfo before it is read; names are Lua's strings.
    unsafe {
        if level == 0 {
            return l::luaL_argerror(L, narg, l::lua_tolstring(L, -1, std::ptr::null_mut()));
        }
        let mut info: l::lua_Debug = std::mem::zeroed();
        if l::lua_getstack(L, level, &mut info) == 0 {
            l::lua_error(L);
        }
        l::lua_getinfo(L, c"n".as_ptr(), &mut info);
        let method = !info.namewhat.is_null() && std::ffi::CStr::from_ptr(info.namewhat) == c"method";
        let name = if info.name.is_null() { name_in_module(L, &mut info) } else { info.name };
        if method {
            narg -= 1;
        }
        l::luaL_where(L, level + 1);
        if method && narg == 0 {
            l::lua_pushstring(L, c"calling '".as_ptr());
            l::lua_pushstring(L, name);
            l::lua_pushstring(L, c"' on bad self (".as_ptr());
        } else {
            l::lua_pushstring(L, c"bad argument #".as_ptr());
            l::lua_pushinteger(L, narg as l::lua_Integer);
            l::lua_pushstring(L, c" to '".as_ptr());
            l::lua_concat(L, 3);
            l::lua_pushstring(L, name);
            l::lua_pushstring(L, c"' (".as_ptr());
        }
        l::lua_pushvalue(L, -5);
        l::lua_pushstring(L, c")".as_ptr());
        l::lua_concat(L, 6);
        l::lua_error(L)
    }
}

/// The name of a function that was called without one: 5.2 and later look for it in the modules
/// that are loaded. Leaves what the name belongs to on the stack, below the message.
///
/// # Safety
/// As [`argument_error`], whose message is on top.
unsafe fn name_in_module(L: *mut lua_State, info: &mut l::lua_Debug) -> *const std::os::raw::c_char {
    const UNKNOWN: *const std::os::raw::c_char = c"?".as_ptr();
    if cfg!(feature = "lua51") {
        return UNKNOWN;
    }
    // SAFETY: gets on the registry's own table; the name found is anchored below the message.
    unsafe {
        let message = l::lua_gettop(L);
        l::lua_getinfo(L, c"f".as_ptr(), info);
        l::lua_getfield(L, l::LUA_REGISTRYINDEX, c"_LOADED".as_ptr());
        l::lua_getfield(L, -1, c"kafka".as_ptr());
        let module = l::lua_gettop(L);
        if l::lua_type(L, module) == l::LUA_TTABLE {
            l::lua_pushnil(L);
            while l::lua_next(L, module) != 0 {
                let found = l::lua_rawequal(L, -1, message + 1) != 0 && l::lua_type(L, -2) == l::LUA_TSTRING;
                l::lua_settop(L, -2);
                if found {
                    l::lua_pushstring(L, c"kafka.".as_ptr());
                    l::lua_insert(L, -2);
                    l::lua_concat(L, 2);
                    l::lua_insert(L, message);
                    l::lua_settop(L, message + 1);
                    return l::lua_tolstring(L, message, std::ptr::null_mut());
                }
            }
        }
        l::lua_settop(L, message);
        UNKNOWN
    }
}

/// Declares a C function of this module: its name, where it stands, its body.
macro_rules! lua_function {
    ($name:ident, $style:expr, $body:expr) => {
        /// # Safety
        /// Called by Lua only.
        pub unsafe extern "C-unwind" fn $name(L: *mut mlua::lua_State) -> std::os::raw::c_int {
            // SAFETY: Lua passes the calling state.
            unsafe { $crate::lua::stack::raise::enter(L, $style, $body) }
        }
    };
}
pub(crate) use lua_function;
