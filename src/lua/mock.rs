//! `kafka.MockCluster`: a cluster inside the process, for users' own tests.

use std::cell::{OnceCell, Ref, RefCell};

use mlua::prelude::*;

use super::class::{cold, Method};
use super::stack::block::{closed, Class};
use super::stack::cold::{Accepts, Args};
use super::stack::push;
use super::stack::raise::{Raise, METHOD};
use crate::client::mock::{api_name, Fault, MockCluster as Cluster, MOST_BROKERS};
use crate::model::number::{show, whole};

pub struct MockCluster {
    cluster: RefCell<Option<Cluster>>,
    servers: String,
}

impl Class for MockCluster {
    const NAME: &'static str = "kafka.MockCluster";

    fn registry_key() -> &'static u8 {
        static KEY: u8 = 0;
        &KEY
    }

    fn is_closed(&self) -> bool {
        self.cluster.borrow().is_none()
    }

    fn make_husk() -> Option<Self> {
        Some(MockCluster { cluster: RefCell::default(), servers: String::new() })
    }

    fn husk_of_thread() -> &'static std::thread::LocalKey<OnceCell<Option<&'static Self>>> {
        thread_local!(static HUSK: OnceCell<Option<&'static MockCluster>> = const { OnceCell::new() });
        &HUSK
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            cluster.leave();
        }
    }
}

impl MockCluster {
    fn open(&self) -> Result<Ref<'_, Cluster>, Raise> {
        Ref::filter_map(self.cluster.borrow(), Option::as_ref).map_err(|_| closed::<Self>())
    }
}

impl From<Fault> for Raise {
    fn from(fault: Fault) -> Raise {
        match fault {
            Fault::Misuse(text) => Raise::Caller(text),
            Fault::Kafka(error) => Raise::Error(error),
        }
    }
}

/// `(options, callbacks)`: the form in front has checked the option names.
pub fn new(lua: &Lua, args: Args) -> Result<LuaValue, Raise> {
    let options = args.table(0)?;
    let number = |name: &str, default: i32, low: i32, high: i32| -> Result<i32, Raise> {
        let value: LuaValue = options.raw_get(name)?;
        let fault = |got: String| Raise::Caller(format!("mock_cluster: {name} between {low} and {high} expected, got {got}"));
        let number = match value {
            LuaValue::Nil => return Ok(default),
            LuaValue::Integer(number) => number,
            LuaValue::Number(number) => whole(number).map_err(|_| fault(show(number)))?,
            other => return Err(fault(other.type_name().into())),
        };
        i32::try_from(number).ok().filter(|n| (low..=high).contains(n)).ok_or_else(|| fault(number.to_string()))
    };
    let brokers = number("brokers", 1, 1, MOST_BROKERS)?;
    let rtt = number("rtt", 0, 0, 3_600_000)?;
    let cluster = Cluster::start(brokers).map_err(Raise::Caller)?;
    let mock = MockCluster { servers: cluster.bootstrap_servers(), cluster: RefCell::new(Some(cluster)) };
    if rtt > 0 {
        for id in 1..=brokers {
            mock.open()?.set_rtt(id, rtt)?;
        }
    }
    if let Some(topics) = options.raw_get::<Option<LuaTable>>("topics")? {
        for pair in topics.pairs::<LuaString, i32>() {
            let (topic, partitions) =
                pair.map_err(|_| Raise::Caller("mock_cluster: topics={name=partitions, …} expected".into()))?;
            mock.open()?.create_topic(&topic.as_bytes(), partitions, None)?;
        }
    }
    Ok(push::object(lua, mock, args.table(1)?)?)
}

fn bootstrap_servers(_: &Lua, mock: &MockCluster, args: Args) -> Result<String, Raise> {
    args.count(0, 0)?;
    mock.open()?;
    Ok(mock.servers.clone())
}

fn create_topic(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(2, 3)?;
    mock.open()?.create_topic(&args.bytes(0)?, args.int32(1, 1)?, args.optional_int32(2, 1)?)?;
    Ok(true)
}

fn broker_down(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(1, 1)?;
    mock.open()?.set_broker_down(args.int32(0, 1)?, true)?;
    Ok(true)
}

fn broker_up(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(1, 1)?;
    mock.open()?.set_broker_down(args.int32(0, 1)?, false)?;
    Ok(true)
}

fn add_broker(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(1, 1)?;
    mock.open()?.add_broker(args.int32(0, 1)?)?;
    Ok(true)
}

fn remove_broker(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(1, 1)?;
    mock.open()?.remove_broker(args.int32(0, 1)?)?;
    Ok(true)
}

fn set_rtt(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(2, 2)?;
    mock.open()?.set_rtt(args.int32(0, 1)?, args.int32(1, 0)?)?;
    Ok(true)
}

fn set_rack(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(2, 2)?;
    mock.open()?.set_rack(args.int32(0, 1)?, &args.bytes(1)?)?;
    Ok(true)
}

fn set_leader(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(3, 3)?;
    mock.open()?.set_leader(&args.bytes(0)?, args.int32(1, 0)?, args.int32(2, -1)?)?;
    Ok(true)
}

fn set_follower(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(3, 3)?;
    mock.open()?.set_follower(&args.bytes(0)?, args.int32(1, 0)?, args.int32(2, -1)?)?;
    Ok(true)
}

fn set_coordinator(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(3, 3)?;
    mock.open()?.set_coordinator(&args.bytes(0)?, &args.bytes(1)?, args.int32(2, 1)?)?;
    Ok(true)
}

fn set_topic_error(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(1, 2)?;
    let error = if args.get(1).is_nil() { None } else { Some(args.text(1)?) };
    mock.open()?.set_topic_error(&args.bytes(0)?, error.as_deref())?;
    Ok(true)
}

fn push_errors(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(2, 3)?;
    let list = args.table(1)?;
    let wrong = |index: usize| args.fault(1, format!("a name or {{name, rtt=milliseconds}} expected at index {index}"));
    let mut errors = Vec::new();
    for index in 1..=list.raw_len() {
        let entry = match list.raw_get::<LuaValue>(index)? {
            LuaValue::String(name) => (name.to_string_lossy(), 0),
            LuaValue::Table(entry) => {
                let name = entry.raw_get::<String>(1).map_err(|_| wrong(index))?;
                let rtt = entry.raw_get::<Option<i32>>("rtt").map_err(|_| wrong(index))?.unwrap_or(0);
                (name, if rtt >= 0 { rtt } else { return Err(wrong(index)) })
            }
            _ => return Err(wrong(index)),
        };
        errors.push(entry);
    }
    mock.open()?.push_errors(&args.text(0)?, &errors, args.optional_int32(2, 1)?)?;
    Ok(true)
}

fn clear_errors(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(1, 1)?;
    mock.open()?.clear_errors(&args.text(0)?)?;
    Ok(true)
}

fn set_group_delay(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(1, 1)?;
    mock.open()?.set_group_delay(args.int32(0, 0)?);
    Ok(true)
}

fn requests(lua: &Lua, mock: &MockCluster, args: Args) -> Result<LuaTable, Raise> {
    args.count(0, 0)?;
    let list = lua.create_table()?;
    for request in mock.open()?.requests() {
        let entry = lua.create_table()?;
        entry.raw_set("broker", request.id)?;
        entry.raw_set("id", request.api)?;
        entry.raw_set("api", api_name(request.api).unwrap_or("unknown"))?;
        entry.raw_set("timestamp", request.timestamp)?;
        list.raw_push(entry)?;
    }
    Ok(list)
}

fn close(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(0, 0)?;
    drop(mock.cluster.take());
    Ok(true)
}

fn is_closed(_: &Lua, mock: &MockCluster, args: Args) -> Result<bool, Raise> {
    args.count(0, 0)?;
    Ok(mock.is_closed())
}

fn describe(_: &Lua, mock: &MockCluster, _: Args) -> Result<String, Raise> {
    let state = if mock.is_closed() { "closed" } else { mock.servers.as_str() };
    Ok(format!("{}: {state}", MockCluster::NAME))
}

fn leave_block(_: &Lua, mock: &MockCluster, _: Args) -> Result<(), Raise> {
    drop(mock.cluster.take());
    Ok(())
}

pub fn methods() -> Vec<(&'static str, Method<MockCluster>)> {
    vec![
        ("bootstrap_servers", cold(Accepts::Open, METHOD, bootstrap_servers)),
        ("create_topic", cold(Accepts::Open, METHOD, create_topic)),
        ("broker_down", cold(Accepts::Open, METHOD, broker_down)),
        ("broker_up", cold(Accepts::Open, METHOD, broker_up)),
        ("add_broker", cold(Accepts::Open, METHOD, add_broker)),
        ("remove_broker", cold(Accepts::Open, METHOD, remove_broker)),
        ("set_rtt", cold(Accepts::Open, METHOD, set_rtt)),
        ("set_rack", cold(Accepts::Open, METHOD, set_rack)),
        ("set_leader", cold(Accepts::Open, METHOD, set_leader)),
        ("set_follower", cold(Accepts::Open, METHOD, set_follower)),
        ("set_coordinator", cold(Accepts::Open, METHOD, set_coordinator)),
        ("set_topic_error", cold(Accepts::Open, METHOD, set_topic_error)),
        ("push_errors", cold(Accepts::Open, METHOD, push_errors)),
        ("clear_errors", cold(Accepts::Open, METHOD, clear_errors)),
        ("set_group_delay", cold(Accepts::Open, METHOD, set_group_delay)),
        ("requests", cold(Accepts::Open, METHOD, requests)),
        ("close", cold(Accepts::Any, METHOD, close)),
        ("closed", cold(Accepts::EvenForked, METHOD, is_closed)),
    ]
}

pub fn metamethods() -> Vec<(&'static str, Method<MockCluster>)> {
    vec![("__tostring", cold(Accepts::EvenForked, METHOD, describe)), ("__close", cold(Accepts::Any, METHOD, leave_block))]
}
