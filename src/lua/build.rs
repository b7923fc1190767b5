//! The module's table: classes from the lists their files end with, functions, embedded Lua.

use mlua::ffi::lua_CFunction;
use mlua::prelude::*;
use mlua::IntoLuaMulti;

use super::args::{entries, strings};
use super::consumer::{Consumer, Topics};
use super::face::{client_methods, Face};
use super::mock::MockCluster;
use super::producer::Producer;
use super::queue::{self, Queue};
use super::stack::arity;
use super::stack::block::{self, Class};
use super::stack::cold::{self, Accepts, Args, Inner};
use super::stack::push;
use super::stack::raise::{Raise, Style, CLASSIC, CLASSIC_STEP};
use super::stack::record::Record;
use super::stack::serve;
use super::{error, forms, mock, partitioning, properties, settings, stats};
use crate::client::config::{build, check_topic_entries};
use crate::model::config::Kind;

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
fn class<T: Class>(
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
    metatable.raw_set("__gc", cold::closure(lua, block_collect::<T>(), &metatable, None)?)?;
    push::register(lua, T::registry_key(), &metatable)?;
    Ok(metatable)
}

fn block_collect<T: Class>() -> lua_CFunction {
    block::collect_entry::<T>
}

/// The steps every client has, besides its own.
fn client_steps<T: Face>() -> Vec<(&'static str, Method<T>)> {
    vec![
        ("serve", step(serve::serve::<T>)),
        ("settle", step(serve::settle::<T>)),
        ("pending", step(serve::pending::<T>)),
        ("is_closed", step(serve::is_closed::<T>)),
        ("callbacks", step(serve::callbacks::<T>)),
        ("wait_slice", step(serve::wait_slice::<T>)),
        ("is_gone", step(serve::is_gone::<T>)),
    ]
}

fn client_class<T: Face>(
    lua: &Lua,
    methods: Vec<(&'static str, Method<T>)>,
    metamethods: Vec<(&'static str, Method<T>)>,
    steps: Vec<(&'static str, Method<T>)>,
) -> LuaResult<LuaTable> {
    let metatable = class(lua, methods, metamethods)?;
    let parts = lua.create_table()?;
    fill(lua, &parts, &metatable, client_steps::<T>())?;
    fill(lua, &parts, &metatable, steps)?;
    let made = lua.create_table()?;
    made.raw_set("class", metatable)?;
    made.raw_set("step", parts)?;
    Ok(made)
}

/// A class whose objects are no clients.
fn plain_class<T: Class>(
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
        client_class::<Producer>(
            lua,
            client_methods(super::producer::methods()),
            super::producer::metamethods(),
            super::producer::steps(),
        )?,
    )?;
    native.raw_set(
        "consumer",
        client_class::<Consumer>(
            lua,
            client_methods(super::consumer::methods()),
            super::consumer::metamethods(),
            super::consumer::steps(),
        )?,
    )?;
    native.raw_set("queue", plain_class::<Queue>(lua, queue::methods(), queue::metamethods(), queue::steps())?)?;
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
