//! Calls that panic, built with the feature `probe` only: they show what a panic becomes.

use std::os::raw::c_int;

use mlua::lua_State;

use super::cold::Args;
use super::raise::{lua_function, Raise, CLASSIC};

lua_function!(raw, CLASSIC, raw_body);

/// As the hot calls and the steps.
///
/// # Safety
/// None is needed: it only panics.
unsafe fn raw_body(_: *mut lua_State) -> Result<c_int, Raise> {
    std::panic::panic_any("a raw call panicked")
}

/// As the ordinary calls.
pub fn ordinary(_: &mlua::Lua, _: Args) -> Result<(), Raise> {
    std::panic::panic_any("an ordinary call panicked")
}
