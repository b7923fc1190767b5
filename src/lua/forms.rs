//! The embedded Lua: what it is made of, and when it is compiled.

use mlua::prelude::*;

use super::stack::cold::{self, Args};
use super::stack::raise::{Raise, CLASSIC};

/// Each is read as `native.<name>_form`, which compiles and runs it once.
const FORMS: &[(&str, &str)] = &[
    ("options", include_str!("forms/options.lua")),
    ("partitions", include_str!("forms/partitions.lua")),
    ("call", include_str!("forms/call.lua")),
    ("late", include_str!("forms/late.lua")),
    ("client", include_str!("forms/client.lua")),
    ("questions", include_str!("forms/questions.lua")),
    ("producer", include_str!("forms/producer.lua")),
    ("consumer", include_str!("forms/consumer.lua")),
    ("partitioner", include_str!("forms/partitioner.lua")),
    ("with", include_str!("forms/with.lua")),
    ("session", include_str!("forms/session.lua")),
    ("token", include_str!("forms/token.lua")),
    ("config", include_str!("forms/config.lua")),
    ("messages", include_str!("forms/messages.lua")),
    ("receiving", include_str!("forms/receiving.lua")),
    ("topics", include_str!("forms/topics.lua")),
    ("transactions", include_str!("forms/transactions.lua")),
    ("transaction", include_str!("forms/transaction.lua")),
    ("producing", include_str!("forms/producing.lua")),
    ("deliveries", include_str!("forms/deliveries.lua")),
    ("rebalancing", include_str!("forms/rebalancing.lua")),
    ("groups", include_str!("forms/groups.lua")),
    ("positions", include_str!("forms/positions.lua")),
    ("commits", include_str!("forms/commits.lua")),
    ("queue", include_str!("forms/queue.lua")),
    ("simple", include_str!("forms/simple.lua")),
    ("window", include_str!("forms/window.lua")),
    ("read", include_str!("forms/read.lua")),
    ("module", include_str!("forms/module.lua")),
];

/// Forms that wait until one of their functions is named: where those belong (a class, or `native` for
/// what other forms share), the form, the functions it defines.
const LATE: &[(&str, &str, &[&str])] = &[
    ("producer", "producing", &["produce_batch", "purge"]),
    ("native", "producing", &["use_blocking"]),
    ("producer", "deliveries", &["produce_async", "produce_sync"]),
    ("native", "deliveries", &["wait_all", "wait_all_fault"]),
    ("consumer", "groups", &["subscribe"]),
    (
        "consumer",
        "positions",
        &[
            "assign",
            "unassign",
            "incremental_assign",
            "incremental_unassign",
            "seek",
            "pause",
            "resume",
            "position",
            "committed",
            "lag",
        ],
    ),
    ("consumer", "commits", &["store", "commit", "commit_async"]),
    ("native", "partitions", &["read_offset", "read_partitions"]),
    ("producer", "topics", &["create_topic"]),
    ("native", "partitioner", &["use_partitioner"]),
    ("native", "with", &["with", "is_closable"]),
    ("native", "session", &["new_session"]),
    ("native", "token", &["serve_token"]),
    ("producer", "questions", QUESTIONS),
    ("consumer", "questions", QUESTIONS),
    ("producer", "config", &["config"]),
    ("producer", "transaction", &["transaction"]),
    (
        "producer",
        "transactions",
        &["init_transactions", "commit_transaction", "abort_transaction", "send_offsets_to_transaction"],
    ),
    ("consumer", "config", &["config"]),
    ("native", "rebalancing", &[]),
    ("native", "queue", &["new_queue"]),
    ("consumer", "queue", &["partition_queue"]),
    ("native", "window", &["read_window", "refused_by_readers"]),
    ("native", "read", &["new_reader", "reader_client"]),
    ("consumer", "simple", SIMPLE),
];

/// Where `native` keeps the globals of the forms.
const GLOBALS: &str = "globals";

/// What every client can ask.
const QUESTIONS: &[&str] =
    &["metadata", "refresh_metadata", "cluster_id", "controller_id", "watermarks", "offsets_for_times", "groups"];
const SIMPLE: &[&str] = &["consume_start", "consume_stop", "consume_one", "consume_batch", "consume_callback", "queue"];

/// `(native, key)`: what a read of something that has not been made yet gives.
fn read(lua: &Lua, args: Args) -> Result<LuaValue, Raise> {
    let (LuaValue::Table(native), LuaValue::String(key)) = (args.get(0), args.get(1)) else { return Ok(LuaValue::Nil) };
    let text = key.to_string_lossy();
    if let Some((_, form, _)) = LATE.iter().find(|(of, _, names)| *of == "native" && names.contains(&text.as_str())) {
        native.get::<LuaValue>(format!("{form}_form"))?;
        return Ok(native.raw_get(key)?);
    }
    let wanted = |(name, _): &&(&str, &str)| text.strip_suffix("_form") == Some(*name);
    let Some((name, source)) = FORMS.iter().find(wanted) else { return Ok(LuaValue::Nil) };
    let globals: LuaTable = native.raw_get(GLOBALS)?;
    let form: Option<LuaValue> = lua.load(*source).set_name(format!("=kafka.{name}")).set_environment(globals).call(native)?;
    let form = form.unwrap_or(LuaValue::Boolean(true));
    native.raw_set(key, &form)?;
    Ok(form)
}

/// Lua's functions as they are now: a host may change or take away its globals later.
fn globals(lua: &Lua) -> LuaResult<LuaTable> {
    const LIBRARIES: [&str; 4] = ["coroutine", "debug", "math", "table"];
    const FUNCTIONS: [&str; 18] = [
        "assert",
        "collectgarbage",
        "error",
        "getmetatable",
        "ipairs",
        "next",
        "pairs",
        "pcall",
        "rawequal",
        "rawget",
        "select",
        "setmetatable",
        "tonumber",
        "tostring",
        "type",
        "unpack",
        "jit",
        "_VERSION",
    ];
    let (host, own) = (lua.globals(), lua.create_table()?);
    for name in FUNCTIONS {
        own.raw_set(name, host.raw_get::<LuaValue>(name)?)?;
    }
    for name in LIBRARIES {
        let library = lua.create_table()?;
        if let Some(theirs) = host.raw_get::<Option<LuaTable>>(name)? {
            for pair in theirs.pairs::<LuaValue, LuaValue>() {
                let (key, value) = pair?;
                library.raw_set(key, value)?;
            }
        }
        own.raw_set(name, library)?;
    }
    own.raw_set("_G", &own)?;
    Ok(own)
}

/// Runs the forms, but for the late ones.
pub fn load(lua: &Lua, native: &LuaTable) -> LuaResult<()> {
    native.raw_set(GLOBALS, globals(lua)?)?;
    let meta = lua.create_table()?;
    meta.raw_set("__index", cold::function(lua, CLASSIC, read)?)?;
    native.set_metatable(Some(meta))?;
    let defer: LuaFunction = native.get("late_form")?;
    for (class, form, methods) in LATE.iter().filter(|(of, ..)| *of != "native") {
        defer.call::<()>((*class, *form, methods.to_vec()))?;
    }
    for (name, _) in FORMS {
        if !LATE.iter().any(|(_, form, _)| form == name) {
            native.get::<LuaValue>(format!("{name}_form"))?;
        }
    }
    Ok(())
}
