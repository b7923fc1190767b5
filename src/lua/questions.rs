//! What every client can ask the cluster. `begin` functions put the question and return a ticket;
//! forms/questions.lua makes methods of them.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use mlua::prelude::*;

use super::ask::{ask, Ticket};
use super::class::{cold, Method};
use super::described::{Cluster, Groups};
use super::face::{Face, Leaves, Seat};
use super::partitions::{self, Partitions};
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD, STEP};
use crate::client::metadata_cache::look_up;
use crate::client::patience::{patiently, Patience};
use crate::model::error::{KafkaError, UNKNOWN_PARTITION};
use crate::model::group::STATES;
use crate::model::topic::check_name;
use crate::native::client::Client;
use crate::native::error::from_code;
use crate::native::metadata::{cluster_id, controller_id, query, Scope};
use crate::native::{groups, offsets};

/// How long a question may take (ms) when the caller does not say.
pub const PATIENCE: i64 = 10_000;

impl Args {
    /// A topic's name.
    pub fn topic(&self, index: usize) -> Result<CString, Raise> {
        let name = self.bytes(index)?;
        check_name(&name).map_err(|why| self.fault(index, why))?;
        CString::new(name).map_err(|_| self.fault(index, "invalid topic"))
    }

    fn optional_topic(&self, index: usize) -> Result<Option<CString>, Raise> {
        if self.get(index).is_nil() {
            return Ok(None);
        }
        self.topic(index).map(Some)
    }
}

/// A question with an option table, before that is read.
fn options_begin<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(), Raise> {
    args.count(0, 1)?;
    args.optional_table(0)?;
    client.as_ref().open::<T>().map(drop)
}

/// A question about a list of partitions, before that is read.
fn list_begin<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(), Raise> {
    args.count(1, 2)?;
    args.table(0)?;
    args.timeout(1, PATIENCE)?;
    client.as_ref().open::<T>().map(drop)
}

fn scope<C: Leaves>(client: &C, topic: Option<&CString>) -> Result<Scope, Raise> {
    match topic {
        Some(name) => client.scope_of(name).ok_or_else(|| Raise::Caller("invalid topic".into())),
        None => Ok(Scope::All),
    }
}

/// `(self, topic or nil, timeout or nil)`; both come out of an option table and are checked.
fn metadata_begin<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(Ticket, f64), Raise> {
    let topic = args.optional_topic(0)?;
    let timeout = args.timeout(1, PATIENCE)?;
    let seat = client.as_ref();
    let (scope, cache) = {
        let client = seat.open::<T>()?;
        (scope(&*client, topic.as_ref())?, client.handle().metadata().clone())
    };
    let job = move |client: &Arc<Client>, patience: &Patience| {
        let metadata = patiently(client, patience, |ms| query(client, &scope, ms))?;
        cache.learn(&metadata);
        // Known by now, as they come with the brokers.
        Ok(Cluster { id: cluster_id(client, 0), controller: controller_id(client, 0), metadata })
    };
    ask(seat, timeout, job, |_, cluster| Ok(cluster))
}

fn refresh_begin<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(Ticket, f64), Raise> {
    args.count(0, 2)?;
    let topic = args.optional_topic(0)?;
    let timeout = args.timeout(1, PATIENCE)?;
    let seat = client.as_ref();
    let (scope, cache) = {
        let client = seat.open::<T>()?;
        (scope(&*client, topic.as_ref())?, client.handle().metadata().clone())
    };
    let job = move |client: &Arc<Client>, patience: &Patience| {
        let found = patiently(client, patience, |ms| query(client, &scope, ms))?;
        cache.learn(&found);
        let Some(topic) = topic else { return Ok(true) };
        match found.topics.into_iter().find_map(|topic| topic.error) {
            // A broker may be about to create it.
            Some(_) => look_up(client, &cache, &topic.to_string_lossy(), &scope, patience.ms.clamp(0, 1_000)).map(|()| true),
            None => Ok(true),
        }
    };
    ask(seat, timeout, job, |_, done| Ok(done))
}

fn untold(what: &str) -> KafkaError {
    KafkaError::timed_out(format!("the cluster has not told its {what}"))
}

fn cluster_id_begin<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(Ticket, f64), Raise> {
    args.count(0, 1)?;
    let job = |client: &Arc<Client>, patience: &Patience| {
        patiently(client, patience, |ms| cluster_id(client, ms).ok_or_else(|| untold("id")))
    };
    ask(client.as_ref(), args.timeout(0, PATIENCE)?, job, |_, id| Ok(id))
}

fn controller_id_begin<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(Ticket, f64), Raise> {
    args.count(0, 1)?;
    let job = |client: &Arc<Client>, patience: &Patience| {
        patiently(client, patience, |ms| controller_id(client, ms).ok_or_else(|| untold("controller")))
    };
    ask(client.as_ref(), args.timeout(0, PATIENCE)?, job, |_, id| Ok(id))
}

/// librdkafka's words name neither the partition nor which of its reasons it was.
fn untold_watermarks(topic: &CStr, partition: i32, mut error: KafkaError) -> KafkaError {
    let topic = topic.to_string_lossy();
    let what = if error.code == UNKNOWN_PARTITION {
        let reasons = "there is no such topic or partition, this client may not see it, or no broker leads it";
        format!("{reasons}; metadata{{topic=\"{topic}\"}} tells which")
    } else {
        error.message
    };
    error.message = format!("{topic} [{partition}]: {what}");
    error
}

fn watermarks_begin<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(Ticket, f64), Raise> {
    args.count(2, 3)?;
    let (topic, partition) = (args.topic(0)?, args.int32(1, 0)?);
    let timeout = args.timeout(2, PATIENCE)?;
    let job = move |client: &Arc<Client>, patience: &Patience| {
        let found = patiently(client, patience, |ms| offsets::watermarks(client, &topic, partition, ms));
        found.map_err(|error| untold_watermarks(&topic, partition, error))
    };
    ask(client.as_ref(), timeout, job, |_, found| Ok(found))
}

fn cached_watermarks<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(i64, i64), Raise> {
    args.count(2, 2)?;
    let (topic, partition) = (args.topic(0)?, args.int32(1, 0)?);
    let client = client.as_ref().open::<T>()?;
    offsets::cached_watermarks(client.handle().client(), &topic, partition).ok_or_else(|| {
        let topic = topic.to_string_lossy();
        let why = "this client has fetched nothing from it";
        let cure = format!("watermarks(\"{topic}\", {partition}) asks the broker");
        Raise::Error(from_code(UNKNOWN_PARTITION, Some(format!("{topic} [{partition}]: {why}; {cure}"))))
    })
}

/// `(self, flat list, timeout)`; timestamps stand in the places of offsets.
fn offsets_for_times_begin<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(Ticket, f64), Raise> {
    let wanted = partitions::read(args.table(0)?)?;
    let timeout = args.timeout(1, PATIENCE)?;
    let job = move |client: &Arc<Client>, patience: &Patience| {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        patiently(client, patience, |ms| offsets::for_times(client, &wanted, ms))
    };
    ask(client.as_ref(), timeout, job, |_, found| Ok(Partitions(found)))
}

/// `(self, group or nil, states or nil, timeout or nil)`.
fn groups_begin<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(Ticket, f64), Raise> {
    let text = |text: Vec<u8>, what: &str| {
        CString::new(text).map_err(|_| Raise::Caller(format!("option {what}: it contains a NUL byte")))
    };
    let group = if args.get(0).is_nil() { None } else { Some(text(args.bytes(0)?, "group")?) };
    let mut states = Vec::new();
    if let Some(list) = args.optional_table(1)? {
        for name in super::args::strings(list)? {
            let known = STATES.iter().find(|state| state.as_bytes().eq_ignore_ascii_case(&name));
            let Some(known) = known else {
                let name = String::from_utf8_lossy(&name).into_owned();
                return Err(Raise::Caller(format!(
                    "option states: no state is called \"{name}\"; {} are known",
                    STATES.join(", ")
                )));
            };
            states.push(text(known.as_bytes().to_vec(), "states")?);
        }
    }
    let timeout = args.timeout(2, PATIENCE)?;
    let job = move |client: &Arc<Client>, patience: &Patience| {
        patiently(client, patience, |ms| groups::groups(client, group.as_ref(), &states, ms))
    };
    ask(client.as_ref(), timeout, job, |_, found| Ok(Groups(found)))
}

pub fn methods<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![("cached_watermarks", cold(Accepts::Open, METHOD, cached_watermarks::<T, C>))]
}

/// What forms/questions.lua stands on.
pub fn steps<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![
        ("options_begin", cold(Accepts::Open, STEP, options_begin::<T, C>)),
        ("list_begin", cold(Accepts::Open, STEP, list_begin::<T, C>)),
        ("metadata_begin", cold(Accepts::Open, STEP, metadata_begin::<T, C>)),
        ("refresh_begin", cold(Accepts::Open, STEP, refresh_begin::<T, C>)),
        ("cluster_id_begin", cold(Accepts::Open, STEP, cluster_id_begin::<T, C>)),
        ("controller_id_begin", cold(Accepts::Open, STEP, controller_id_begin::<T, C>)),
        ("watermarks_begin", cold(Accepts::Open, STEP, watermarks_begin::<T, C>)),
        ("offsets_for_times_begin", cold(Accepts::Open, STEP, offsets_for_times_begin::<T, C>)),
        ("groups_begin", cold(Accepts::Open, STEP, groups_begin::<T, C>)),
    ]
}
