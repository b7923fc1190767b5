//! The error that made a client unusable, and a way to rehearse it.

use std::ffi::CString;

use mlua::prelude::*;

use super::class::{cold, Method};
use super::error::Value;
use super::face::{Face, Leaves, Seat};
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD};
use crate::client::mock::error_code;

fn fatal_error<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<Value, Raise> {
    args.count(0, 0)?;
    Ok(Value(client.as_ref().open::<T>()?.handle().client().fatal_error()))
}

fn test_fatal_error<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<bool, Raise> {
    args.count(2, 2)?;
    let code = error_code(&args.text(0)?).map_err(|why| args.fault(0, why))?;
    if code == 0 {
        return Err(args.fault(0, "the name of an error expected, got NO_ERROR"));
    }
    let reason = CString::new(args.bytes(1)?).map_err(|_| args.fault(1, "invalid reason: it contains a NUL byte"))?;
    client.as_ref().open::<T>()?.handle().client().test_fatal_error(code, &reason).map_err(Raise::Error)?;
    Ok(true)
}

pub fn methods<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![
        ("fatal_error", cold(Accepts::Open, METHOD, fatal_error::<T, C>)),
        ("test_fatal_error", cold(Accepts::Open, METHOD, test_fatal_error::<T, C>)),
    ]
}
