//! What a client knows of a topic's partitions without asking a broker, and what a partitioner in
//! Lua needs.

use std::sync::Arc;

use mlua::prelude::*;

use super::ask::{ask, Ticket};
use super::class::{cold, step, Method};
use super::face::{Face, Leaves, Seat};
use super::producer::Producer;
use super::stack::cold::{self, Accepts, Args};
use super::stack::raise::{Raise, CLASSIC, CLASSIC_STEP, METHOD, STEP};
use super::stack::{produce, push, send};
use crate::client::metadata_cache::{look_up, MetadataCache};
use crate::client::patience::Patience;
use crate::client::producer::Refusal;
use crate::model::config::Entries;
use crate::model::error::KafkaError;
use crate::native::client::Client;
use crate::native::partitioner::{partition_of, Hash};

/// What the client knows of the topic at 0; what it does not, it learns in the background.
fn known<T: Face + AsRef<Seat<C>>, C: Leaves, R>(
    client: &T,
    args: &Args,
    look: impl FnOnce(&MetadataCache, &str) -> Option<R>,
) -> Result<Option<R>, Raise> {
    let topic = args.topic(0)?;
    let name = topic.to_string_lossy();
    let client = client.as_ref().open::<T>()?;
    client.handle().learn_of(&name, || client.scope_of(&topic));
    Ok(look(client.handle().metadata(), &name))
}

fn partition_count<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<Option<i32>, Raise> {
    args.count(1, 1)?;
    known(client, &args, MetadataCache::partition_count)
}

fn partition_available<T: Face + AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<Option<bool>, Raise> {
    args.count(2, 2)?;
    let partition = args.int32(1, 0)?;
    known(client, &args, |cache, topic| cache.is_available(topic, partition))
}

/// `(topic)` → how many partitions it has; nothing when that is not known yet; nil and why when it
/// was waited for in vain. Opens a handle as `produce` does, which lets a broker create the topic.
fn count_known(_: &Lua, producer: &Producer, args: Args) -> Result<Option<i32>, Raise> {
    let topic = args.topic(0)?;
    let name = topic.to_string_lossy();
    let client = producer.open()?;
    if !client.has_topic(topic.as_bytes()) {
        client.create_topic(topic.as_bytes(), &Entries::new()).map_err(|refusal| match refusal {
            Refusal::Property(why) | Refusal::Topic(why) => Raise::Caller(why),
        })?;
    }
    client.handle().learn_of(&name, || client.scope_of(&topic));
    let cache = client.handle().metadata();
    match cache.partition_count(&name) {
        Some(count) => Ok(Some(count)),
        None => cache.given_up(&name).map_or(Ok(None), |error| Err(Raise::Error(error))),
    }
}

/// `(topic, timeout)`: asks how many partitions a topic has, until it has some.
fn count_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(Ticket, f64), Raise> {
    let topic = args.topic(0)?;
    let timeout = args.timeout(1, 0)?;
    let (cache, scope) = {
        let client = producer.open()?;
        let scope = client.scope_of(&topic).ok_or_else(|| Raise::Caller("invalid topic".into()))?;
        (client.handle().metadata().clone(), scope)
    };
    let name = topic.to_string_lossy().into_owned();
    let job = move |client: &Arc<Client>, patience: &Patience| {
        // A little less, so that the reason is here before the caller gives up.
        let found = look_up(client, &cache, &name, &scope, patience.ms - patience.ms / 20);
        match found.and_then(|()| cache.partition_count(&name).ok_or_else(|| KafkaError::timed_out("the topic is gone"))) {
            Ok(count) => Ok(count),
            Err(error) => {
                cache.give_up(&name);
                Err(error)
            }
        }
    };
    ask(producer.as_ref(), timeout, job, |_, count| Ok(count))
}

/// `(topic)`: nobody waits for it again before something is known.
fn count_given_up(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    let topic = args.text(0)?;
    producer.as_ref().if_open(|client| client.handle().metadata().give_up(&topic));
    Ok(())
}

/// What forms/partitioner.lua stands on.
pub fn producer_steps() -> Vec<(&'static str, Method<Producer>)> {
    vec![
        ("count_known", cold(Accepts::Open, STEP, count_known)),
        ("count_begin", cold(Accepts::Open, STEP, count_begin)),
        ("count_given_up", cold(Accepts::Any, STEP, count_given_up)),
        ("produce", step(produce::produce_step)),
        ("produce_inner", step(produce::produce_inner_step)),
        ("send", step(send::send_step)),
    ]
}

/// `(producer, metatable)`: from now on its methods are those of the metatable.
fn become_variant(lua: &Lua, args: Args) -> Result<(), Raise> {
    Ok(push::variant(lua, args.get(0).clone(), args.table(1)?)?)
}

/// `kafka.partitioner.<name>(key, count)`.
fn hashing(lua: &Lua, hash: Hash) -> LuaResult<LuaFunction> {
    cold::function(lua, CLASSIC, move |_, args| {
        args.count(2, 2)?;
        let key = if args.get(0).is_nil() { Vec::new() } else { args.bytes(0)? };
        Ok(partition_of(hash, &key, args.int32(1, 1)?))
    })
}

/// `kafka.partitioner`, and what the embedded Lua needs beside it.
pub fn functions(lua: &Lua, native: &LuaTable) -> LuaResult<()> {
    let table = lua.create_table()?;
    for (name, hash) in [("murmur2", Hash::Murmur2), ("crc32", Hash::Crc32), ("fnv1a", Hash::Fnv1a)] {
        table.raw_set(name, hashing(lua, hash)?)?;
    }
    native.raw_set("partitioner", table)?;
    native.raw_set("become_variant", cold::function(lua, CLASSIC_STEP, become_variant)?)
}

pub fn methods<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![
        ("partition_count", cold(Accepts::Open, METHOD, partition_count::<T, C>)),
        ("partition_available", cold(Accepts::Open, METHOD, partition_available::<T, C>)),
    ]
}
