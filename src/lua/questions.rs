//! What every client can ask the cluster. `begin` functions put the question and return a ticket;
//! forms/questions.lua makes methods of them.

use std::ffi::CString;

use super::ask::ask;
use super::build::{cold, Method};
use super::face::{Face, Leaves, Seat};
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, STEP};
use crate::model::topic::check_name;
use crate::native::offsets;
use mlua::prelude::*;

/// How long a question may take (ms) when the caller does not say.
const PATIENCE: i64 = 10_000;

impl Args {
    /// A topic's name.
    pub fn topic(&self, index: usize) -> Result<CString, Raise> {
        let name = self.bytes(index)?;
        check_name(&name).map_err(|why| self.fault(index, why))?;
        CString::new(name).map_err(|_| self.fault(index, "invalid topic"))
    }
}

fn watermarks_begin<T: AsRef<Seat<C>>, C: Leaves>(_: &Lua, client: &T, args: Args) -> Result<(f64, f64), Raise> {
    args.count(2, 3)?;
    let (topic, partition) = (args.topic(0)?, args.int32(1, 0)?);
    let timeout = args.timeout(2, PATIENCE)?;
    ask(client.as_ref(), timeout, move |client, ms| offsets::watermarks(client, &topic, partition, ms), |_, found| Ok(found))
}

/// What forms/questions.lua stands on.
pub fn steps<T: Face + AsRef<Seat<C>>, C: Leaves + 'static>() -> Vec<(&'static str, Method<T>)> {
    vec![("watermarks_begin", cold(Accepts::Open, STEP, watermarks_begin::<T, C>))]
}
