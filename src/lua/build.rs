//! The module's table: classes from the lists their files end with, functions, embedded Lua.

use mlua::prelude::*;

use super::args::{entries, strings};
use super::ask::{self, Ticket};
use super::class::{class, class_with_steps};
use super::consumer::{Consumer, Topics};
use super::face::{client_methods, client_steps};
use super::mock::MockCluster;
use super::producer::Producer;
use super::queue::{self, Queue};
use super::stack::arity;
use super::stack::cold::{self, Args};
use super::stack::push;
use super::stack::raise::{Raise, CLASSIC, CLASSIC_STEP};
use super::stack::serve;
use super::{consumer, error, forms, mock, partitioning, producer, properties, settings, stats};
use crate::client::config::{build, check_topic_entries};
use crate::model::config::Kind;

/// `(brokers or nil, conf, own, callbacks)` → producer.
fn new_producer(lua: &Lua, args: Args) -> Result<LuaValue, Raise> {
    let brokers = if args.get(0).is_nil() { None } else { Some(args.bytes(0)?) };
    let settings = settings::read(args.table(2)?)?;
    let producer = Producer::create(brokers.as_deref(), &entries(args.table(1)?)?, settings)?;
    Ok(push::object(lua, producer, args.table(3)?)?)
}

/// `(brokers or nil, topics or false, conf, topic_conf, own, callbacks)` → consumer.
fn new_consumer(lua: &Lua, args: Args) -> Result<LuaValue, Raise> {
    let brokers = if args.get(0).is_nil() { None } else { Some(args.bytes(0)?) };
    let topics = match args.get(1) {
        LuaValue::Table(list) => Topics::Names(strings(list)?),
        _ => Topics::NotStrings,
    };
    let settings = settings::read(args.table(4)?)?;
    let (conf, topic_conf) = (entries(args.table(2)?)?, entries(args.table(3)?)?);
    let consumer = Consumer::create(brokers.as_deref(), &topics, &conf, &topic_conf, settings)?;
    Ok(push::object(lua, consumer, args.table(5)?)?)
}

/// `(conf, own)`: raises what is wrong before a topic's settings are looked at.
fn check_consumer(_: &Lua, args: Args) -> Result<(), Raise> {
    let settings = settings::read(args.table(1)?)?;
    crate::client::consumer::check(&entries(args.table(0)?)?, &settings).map_err(Raise::Plain)
}

/// `(conf, own)`: raises what a client would be refused for.
fn check_conf(_: &Lua, args: Args) -> Result<(), Raise> {
    let settings = settings::read(args.table(1)?)?;
    // Which class it is for makes no difference to what is accepted.
    build(Kind::Producer, &entries(args.table(0)?)?, &settings).map(drop).map_err(Raise::Plain)
}

/// `(conf)`: the same for topic-level settings.
fn check_topic_conf(_: &Lua, args: Args) -> Result<(), Raise> {
    check_topic_entries(&entries(args.table(0)?)?).map_err(Raise::Plain)
}

/// `(argument number, message)`: raises as the embedded function that calls it.
fn argument_error(_: &Lua, args: Args) -> Result<(), Raise> {
    Err(Raise::Arg(args.int32(0, 0)?, args.text(1)?))
}

fn suggest(_: &Lua, args: Args) -> Result<String, Raise> {
    Ok(crate::client::config::suggestion(&String::from_utf8_lossy(&args.bytes(0)?)))
}

/// The whole module.
pub fn module(lua: &Lua) -> LuaResult<LuaTable> {
    let native = lua.create_table()?;
    arity::install(lua)?;
    native.raw_set("Error", error::class(lua)?)?;
    native.raw_set(
        "producer",
        class_with_steps::<Producer>(
            lua,
            client_methods(producer::methods()),
            producer::metamethods(),
            client_steps(producer::steps()),
        )?,
    )?;
    native.raw_set(
        "consumer",
        class_with_steps::<Consumer>(
            lua,
            client_methods(consumer::methods()),
            consumer::metamethods(),
            client_steps(consumer::steps()),
        )?,
    )?;
    native.raw_set("queue", class_with_steps::<Queue>(lua, queue::methods(), queue::metamethods(), queue::steps())?)?;
    native.raw_set("ticket", class_with_steps::<Ticket>(lua, Vec::new(), Vec::new(), ask::steps())?)?;
    class::<MockCluster>(lua, mock::methods(), mock::metamethods())?;
    native.raw_set("now", cold::closure(lua, serve::now, &lua.create_table()?, None)?)?;
    native.raw_set("new_producer", cold::function(lua, CLASSIC_STEP, new_producer)?)?;
    native.raw_set("new_consumer", cold::function(lua, CLASSIC_STEP, new_consumer)?)?;
    native.raw_set("new_mock_cluster", cold::function(lua, CLASSIC_STEP, mock::new)?)?;
    native.raw_set("check_consumer", cold::function(lua, CLASSIC_STEP, check_consumer)?)?;
    native.raw_set("check_conf", cold::function(lua, CLASSIC_STEP, check_conf)?)?;
    native.raw_set("check_topic_conf", cold::function(lua, CLASSIC_STEP, check_topic_conf)?)?;
    native.raw_set("argument_error", cold::function(lua, CLASSIC_STEP, argument_error)?)?;
    native.raw_set("suggest", cold::function(lua, CLASSIC, suggest)?)?;
    native.raw_set("decode_stats", cold::function(lua, CLASSIC, stats::decode)?)?;
    native.raw_set("version", cold::function(lua, CLASSIC, |_, _| Ok(env!("CARGO_PKG_VERSION")))?)?;
    native.raw_set("librdkafka_version", cold::function(lua, CLASSIC, |_, _| Ok(crate::native::library::version()))?)?;
    native.raw_set("properties", cold::function(lua, CLASSIC, properties::properties)?)?;
    partitioning::functions(lua, &native)?;
    native.raw_set("errors", error::names(lua)?)?;
    native.raw_set("module", module_table(lua)?)?;
    forms::load(lua, &native)?;
    let module: LuaTable = native.raw_get("module")?;
    #[cfg(feature = "probe")]
    {
        use super::stack::probe;
        module.raw_set("probe_raw", cold::closure(lua, probe::raw, &lua.create_table()?, None)?)?;
        module.raw_set("probe_ordinary", cold::function(lua, CLASSIC, probe::ordinary)?)?;
    }
    Ok(module)
}

/// 5.1's custom: an existing global table `kafka` is extended in place.
fn module_table(lua: &Lua) -> LuaResult<LuaTable> {
    if cfg!(feature = "lua51") {
        if let LuaValue::Table(existing) = lua.globals().raw_get("kafka")? {
            return Ok(existing);
        }
    }
    lua.create_table()
}
