//! A producer's transactions: what forms/transactions.lua stands on.

use mlua::prelude::*;

use super::ask::{wait_for, Ticket};
use super::class::{cold, Method};
use super::partitions;
use super::producer::Producer;
use super::stack::cold::{Accepts, Args};
use super::stack::raise::{Raise, METHOD, STEP};
use crate::client::clock;
use crate::client::producer::Producer as Client;
use crate::client::transactions::Call;
use crate::model::group;
use crate::native::group_metadata::GroupMetadata;

fn begin_transaction(lua: &Lua, producer: &Producer, args: Args) -> Result<bool, Raise> {
    args.count(0, 0)?;
    producer.open()?.transactions().check_not_in_function("begin_transaction").map_err(Raise::Error)?;
    transaction_begin(lua, producer, args)
}

fn transaction_begin(_: &Lua, producer: &Producer, _: Args) -> Result<bool, Raise> {
    producer.open()?.begin_transaction().map_err(Raise::Error)?;
    Ok(true)
}

/// Starts or joins a call → a ticket, when to give up, and the call's number for `outcome`.
fn call(producer: &Producer, call: Call, timeout: i64) -> Result<(Ticket, f64, f64), Raise> {
    let deadline = clock::deadline_ms(timeout);
    let (question, id) = producer.open()?.call_transactions(call, deadline).map_err(Raise::Error)?;
    let ticket = wait_for(question, |_, ()| Ok(()));
    Ok((ticket, deadline, id as f64))
}

/// A timeout whose default is `transaction.timeout.ms`.
fn timeout(producer: &Producer, args: &Args, index: usize) -> Result<i64, Raise> {
    args.timeout(index, producer.open()?.transaction_timeout())
}

fn plain_call(producer: &Producer, args: &Args, kind: Call) -> Result<(Ticket, f64, f64), Raise> {
    args.count(0, 1)?;
    call(producer, kind, timeout(producer, args, 0)?)
}

fn init_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(Ticket, f64, f64), Raise> {
    plain_call(producer, &args, Call::Init)
}

fn commit_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(Ticket, f64, f64), Raise> {
    plain_call(producer, &args, Call::Commit)
}

fn abort_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(Ticket, f64, f64), Raise> {
    plain_call(producer, &args, Call::Abort)
}

/// Checks what the embedded Lua does not look at: self, the number of arguments, the timeout.
fn offsets_check(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    args.count(2, 3)?;
    timeout(producer, &args, 2).map(drop)
}

/// `(flat list, group id, generation, member id, instance id or nil [, timeout])`, as `call`.
fn offsets_begin(_: &Lua, producer: &Producer, args: Args) -> Result<(Ticket, f64, f64), Raise> {
    let offsets = partitions::read(args.table(0)?)?;
    let parts = group::GroupMetadata {
        group_id: args.text(1)?,
        generation_id: args.int32(2, -1)?,
        member_id: args.text(3)?,
        group_instance_id: if args.get(4).is_nil() { None } else { Some(args.text(4)?) },
    };
    let group =
        GroupMetadata::from_parts(&parts).ok_or_else(|| args.fault(1, "invalid group metadata: it contains a NUL byte"))?;
    call(producer, Call::SendOffsets(offsets, group), timeout(producer, &args, 5)?)
}

/// `(self, fn [, options])`: checks self and the number of arguments.
fn transaction_check(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    args.count(1, 2)?;
    producer.open().map(drop)
}

/// `(self)` → whether `init_transactions` has succeeded, the default timeout; or nil and the error when it runs already.
fn transaction_prepare(_: &Lua, producer: &Producer, _: Args) -> Result<(bool, i64), Raise> {
    let client = producer.open()?;
    client.transactions().check_not_in_function("transaction").map_err(Raise::Error)?;
    Ok((client.transactions().is_initialized(), client.transaction_timeout()))
}

/// `(self [, true])`: whether `transaction` runs, which begins and ends transactions itself.
fn transaction_function(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    let runs = !args.get(0).is_nil();
    producer.as_ref().if_open(|client| client.transactions().set_in_function(runs));
    Ok(())
}

/// `(self [, timeout])`: checks them for a commit or an abort.
fn end_check(_: &Lua, producer: &Producer, args: Args) -> Result<(), Raise> {
    args.count(0, 1)?;
    timeout(producer, &args, 0).map(drop)
}

/// `(self, number)` → true, or nil and the error.
fn outcome(_: &Lua, producer: &Producer, args: Args) -> Result<bool, Raise> {
    let id = args.integer(0, 0, i64::MAX)? as u64;
    producer.open()?.transactions_outcome(id).map_err(Raise::Error)?;
    Ok(true)
}

/// `(self)` → whether a transaction is open, whether a call is under way.
fn transaction_state(_: &Lua, producer: &Producer, _: Args) -> Result<(bool, bool), Raise> {
    let state = |client: &Client| (client.transactions().is_open(), client.transactions().is_under_way());
    Ok(producer.as_ref().if_open(state).unwrap_or_default())
}

/// `(self)` → true, or nil and what closing leaves in the middle.
fn farewell(_: &Lua, producer: &Producer, _: Args) -> Result<bool, Raise> {
    producer
        .as_ref()
        .if_open(|client| client.transactions().farewell(client.handle().client()))
        .unwrap_or(Ok(()))
        .map_err(Raise::Error)?;
    Ok(true)
}

pub fn methods() -> Vec<(&'static str, Method<Producer>)> {
    vec![("begin_transaction", cold(Accepts::Open, METHOD, begin_transaction))]
}

pub fn steps() -> Vec<(&'static str, Method<Producer>)> {
    vec![
        ("init_begin", cold(Accepts::Open, STEP, init_begin)),
        ("commit_begin", cold(Accepts::Open, STEP, commit_begin)),
        ("abort_begin", cold(Accepts::Open, STEP, abort_begin)),
        ("transaction_check", cold(Accepts::Open, STEP, transaction_check)),
        ("transaction_prepare", cold(Accepts::Open, STEP, transaction_prepare)),
        ("transaction_begin", cold(Accepts::Open, STEP, transaction_begin)),
        ("transaction_function", cold(Accepts::Any, STEP, transaction_function)),
        ("end_check", cold(Accepts::Open, STEP, end_check)),
        ("offsets_check", cold(Accepts::Open, STEP, offsets_check)),
        ("offsets_begin", cold(Accepts::Open, STEP, offsets_begin)),
        ("transaction_outcome", cold(Accepts::Open, STEP, outcome)),
        ("transaction_farewell", cold(Accepts::Any, STEP, farewell)),
        ("transaction_state", cold(Accepts::Any, STEP, transaction_state)),
    ]
}
