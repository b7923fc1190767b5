//! What a client knows of a topic's partitions without asking a broker.

use mlua::prelude::*;

use super::build::{cold, Method};
use super::face::{Face, Leaves, Seat};
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD};
use crate::client::metadata_cache::MetadataCache;

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

pub fn methods<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![
        ("partition_count", cold(Accepts::Open, METHOD, partition_count::<T, C>)),
        ("partition_available", cold(Accepts::Open, METHOD, partition_available::<T, C>)),
    ]
}
