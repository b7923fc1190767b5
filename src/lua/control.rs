//! What can be told to a running client, and what it tells of itself without asking anybody.

use std::ffi::CString;

use mlua::prelude::*;

use super::class::{cold, Method};
use super::face::{Face, Leaves, Seat};
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD, STEP};
use super::stats::table;
use crate::model::config::MOST_BROKER_LIST;
use crate::model::nearest::nearest;
use crate::model::token::Token;

/// As syslog counts them.
const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

fn dump<T: Face + AsRef<Seat<C>>, C: Leaves>(lua: &Lua, client: &T, args: Args) -> Result<LuaString, Raise> {
    args.count(0, 0)?;
    let text = client.as_ref().open::<T>()?.handle().client().dump();
    Ok(lua.create_string(text)?)
}

fn add_brokers<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<i32, Raise> {
    args.count(1, 1)?;
    let list = args.bytes(0)?;
    let wrong = |why: &str| args.fault(0, format!("{why}; a list such as \"localhost:9092,other:9092\" expected"));
    if list.len() > MOST_BROKER_LIST {
        return Err(wrong("the list of brokers is too long"));
    }
    let list = CString::new(list).map_err(|_| wrong("the list of brokers contains a NUL byte"))?;
    match client.as_ref().open::<T>()?.handle().client().add_brokers(&list) {
        count if count > 0 => Ok(count),
        _ => Err(wrong("no broker was understood")),
    }
}

fn set_log_level<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<bool, Raise> {
    args.count(1, 1)?;
    let name = args.text(0)?;
    let Some(level) = LEVELS.iter().position(|level| *level == name) else {
        let near = nearest(&name, LEVELS.into_iter()).map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        return Err(args.fault(0, format!("invalid level \"{name}\": {} are known{near}", LEVELS.join(", "))));
    };
    client.as_ref().open::<T>()?.handle().client().set_log_level(i32::try_from(level).unwrap_or(0));
    Ok(true)
}

fn set_sasl_credentials<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<bool, Raise> {
    args.count(2, 2)?;
    let text = |index: usize, what: &str| {
        CString::new(args.bytes(index)?).map_err(|_| args.fault(index, format!("invalid {what}: it contains a NUL byte")))
    };
    let (user, password) = (text(0, "user")?, text(1, "password")?);
    client.as_ref().open::<T>()?.handle().client().set_sasl_credentials(&user, &password).map_err(Raise::Error)?;
    Ok(true)
}

/// The latest statistics; nil before the first.
fn stats<T: Face + AsRef<Seat<C>>, C: Leaves>(lua: &Lua, client: &T, args: Args) -> Result<LuaValue, Raise> {
    args.count(0, 0)?;
    let seat = client.as_ref();
    drop(seat.open::<T>()?);
    client.serve();
    let latest = seat.shared.stats();
    client.settle();
    match latest {
        Some(json) => table(lua, json.as_bytes()),
        None => Ok(LuaValue::Nil),
    }
}

/// `(self, token, expires_at, principal, extensions)`, the last as name, value, name, value, …
/// Returns what is wrong with it, or nothing.
fn set_token<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<Option<String>, Raise> {
    let Ok(token) = read_token(&args) else { return Ok(Some("it contains a NUL byte".into())) };
    Ok(client.as_ref().with_native(|client| client.set_token(&token).err()).flatten())
}

fn read_token(args: &Args) -> Result<Token, Raise> {
    let text = |bytes: Vec<u8>| CString::new(bytes).map_err(|_| Raise::Plain(String::new()));
    let parts = super::args::strings(args.table(3)?)?;
    let mut extensions = Vec::new();
    for pair in parts.chunks_exact(2) {
        if let [name, value] = pair {
            extensions.push((text(name.clone())?, text(value.clone())?));
        }
    }
    Ok(Token {
        value: text(args.bytes(0)?)?,
        expires_at: args.integer(1, i64::MIN, i64::MAX)?,
        principal: text(args.bytes(2)?)?,
        extensions,
    })
}

/// `(self, why)`: there is no token.
fn refuse_token<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(), Raise> {
    let mut why = args.bytes(0)?;
    why.retain(|byte| *byte != 0);
    if let Ok(why) = CString::new(why) {
        client.as_ref().with_native(|client| client.refuse_token(&why));
    }
    Ok(())
}

pub fn methods<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![
        ("dump", cold(Accepts::Open, METHOD, dump::<T, C>)),
        ("add_brokers", cold(Accepts::Open, METHOD, add_brokers::<T, C>)),
        ("set_log_level", cold(Accepts::Open, METHOD, set_log_level::<T, C>)),
        ("set_sasl_credentials", cold(Accepts::Open, METHOD, set_sasl_credentials::<T, C>)),
        ("stats", cold(Accepts::Open, METHOD, stats::<T, C>)),
    ]
}

/// What forms/token.lua stands on.
pub fn steps<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![
        ("set_token", cold(Accepts::Any, STEP, set_token::<T, C>)),
        ("refuse_token", cold(Accepts::Any, STEP, refuse_token::<T, C>)),
    ]
}
