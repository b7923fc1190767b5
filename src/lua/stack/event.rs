//! One event at a time from the client's list to the dispatcher.

use std::os::raw::{c_int, c_void};

use mlua::ffi as l;
use mlua::lua_State;

use super::outgoing::{SLOT_CALLBACKS, SLOT_OPAQUES};
use super::raise::{enter, protected, Raise, STEP};
use super::record::Record;
use super::{block, push};
use crate::lua::face::Face;
use crate::model::event::{Committed, Event, Mark, Report, Status};

/// Upvalues of [`push_event`].
pub const RECORD: Record = Record {
    maker: include_str!("../forms/report.lua"),
    fields: &[
        "topic",
        "partition",
        "offset",
        "status",
        "latency_us",
        "broker",
        "timestamp",
        "timestamp_type",
        "value",
        "key",
        "sequence_id",
    ],
    words: &["delivery", "create_time", "log_append_time", "not_persisted", "possibly_persisted", "persisted"],
};
const DELIVERY: c_int = RECORD.word(0);
const CREATE_TIME: c_int = RECORD.word(1);
const LOG_APPENDED: c_int = RECORD.word(2);

fn status(status: Status) -> c_int {
    match status {
        Status::NotPersisted => RECORD.word(3),
        Status::PossiblyPersisted => RECORD.word(4),
        Status::Persisted => RECORD.word(5),
    }
}

/// `RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME`: the broker's clock rather than the producer's.
const LOG_APPEND_TIME: i32 = 2;

/// `(self)` → kind and what the callback of that kind takes, or nothing when no event waits. For
/// "delivery": error or nil, report and, if the message had them, its own callback, its opaque,
/// and whether the tables of these want renewing, as emptied ones keep their size. Such a callback may be one
/// that takes no report: then there is none, and the kind only says that there is an event.
///
/// # Safety
/// Called by Lua only, with the metatable of `T` as upvalue 1.
pub unsafe extern "C-unwind" fn next_event<T: Face>(L: *mut lua_State) -> c_int {
    // SAFETY: Lua passes the calling state.
    unsafe { enter(L, STEP, body::<T>) }
}

unsafe fn body<T: Face>(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: upvalue 2 is `push_event`; the event lives in this frame.
    unsafe {
        let state = block::any::<T>(L)?;
        let Some(event) = state.shared().pop() else { return Ok(0) };
        if let Event::Told { slot, error: None } = event {
            // No value is made.
            l::lua_pushboolean(L, 1);
            l::lua_pushnil(L);
            l::lua_pushnil(L);
            if let Err(raise) = push_slot(L, state, slot, false) {
                state.shared().put_back(event);
                return Err(raise);
            }
            l::lua_pushboolean(L, 0);
            return Ok(7);
        }
        if let Err(raise) = protected(L, std::ptr::from_ref(&event) as *mut c_void, None, 3) {
            state.shared().put_back(event);
            return Err(raise);
        }
        let (slot, listened) = match &event {
            Event::Told { slot, .. } => (*slot, false),
            Event::Delivery(report) => match report.mark {
                Mark::Slot(slot) | Mark::Brief(slot) => (slot, report.listened),
                _ => return Ok(3),
            },
            _ => return Ok(3),
        };
        if let Err(raise) = push_slot(L, state, slot, true) {
            state.shared().put_back(event);
            return Err(raise);
        }
        if event.is_failure() && !listened && l::lua_type(L, -3) == l::LUA_TNIL {
            state.shared().counts.not_heard(); // an opaque alone tells nobody
        }
        l::lua_pushboolean(L, c_int::from(listened));
        Ok(7)
    }
}

/// Called protected, with an event as light userdata: kind and two values.
///
/// # Safety
/// As [`protected`]; [`RECORD`] has the upvalues.
pub unsafe extern "C-unwind" fn push_event(L: *mut lua_State) -> c_int {
    // SAFETY: the event lives in the frame that calls this; at most nineteen slots are used.
    unsafe {
        match &*l::lua_touserdata(L, 1).cast::<Event>() {
            Event::Error(error) => {
                push::text(L, "error");
                push::error(L, error);
            }
            Event::Log { level, facility, message } => {
                push::text(L, "log");
                l::lua_createtable(L, 0, 3);
                push::field(L, "level", || push::integer(L, i64::from(*level)));
                push::field(L, "facility", || push::text(L, facility));
                push::field(L, "message", || push::text(L, message));
            }
            Event::Stats(json) => {
                push::text(L, "stats");
                push::text(L, json);
            }
            Event::Token(config) => {
                push::text(L, "token");
                push::text(L, config);
            }
            Event::Throttle { broker, id, time } => {
                push::text(L, "throttle");
                l::lua_createtable(L, 0, 3);
                push::field(L, "broker", || push::text(L, broker));
                push::field(L, "id", || push::integer(L, i64::from(*id)));
                push::field(L, "time", || push::integer(L, i64::from(*time)));
            }
            Event::Checkpoint(progress) => {
                push::text(L, "checkpoint");
                match progress.id {
                    Some(id) => push::integer(L, id),
                    None => l::lua_pushnil(L),
                }
                push::integer(L, progress.failures as i64);
                return 3;
            }
            Event::Rebalance => {
                push::text(L, "rebalance");
                l::lua_pushnil(L);
            }
            Event::Commit(committed) => {
                push::text(L, "commit");
                match &committed.error {
                    Some(error) => push::error(L, error),
                    None => l::lua_pushnil(L),
                }
                push_committed(L, committed);
                return 3;
            }
            Event::Told { error, .. } => {
                l::lua_pushvalue(L, DELIVERY);
                match error {
                    Some(error) => push::error(L, error),
                    None => l::lua_pushnil(L),
                }
            }
            Event::Delivery(report) => {
                l::lua_pushvalue(L, DELIVERY);
                match &report.error {
                    Some(error) => push::error(L, error),
                    None => l::lua_pushnil(L),
                }
                push_report(L, report);
                return 3;
            }
        }
        l::lua_pushnil(L);
        3
    }
}

/// {offsets = a list of partitions, call = the number of the call if it was one}.
///
/// # Safety
/// Seven stack slots are free.
unsafe fn push_committed(L: *mut lua_State, committed: &Committed) {
    // SAFETY: raw sets into fresh tables.
    unsafe {
        l::lua_createtable(L, 0, 2);
        if let Some(call) = committed.call {
            push::field(L, "call", || push::integer(L, call as i64));
        }
        push::field(L, "offsets", || {
            l::lua_createtable(L, c_int::try_from(committed.offsets.len()).unwrap_or(0), 0);
            for (index, entry) in committed.offsets.iter().enumerate() {
                push::partition(L, entry);
                l::lua_rawseti(L, -2, index as l::lua_Integer + 1);
            }
        });
    }
}

/// Pushes the message's own callback, its opaque, and whether the slots' tables want renewing,
/// and gives the slot back. An opaque is not looked for where the message has none.
///
/// # Safety
/// The object lies at stack place 1.
unsafe fn push_slot<T: Face>(L: *mut lua_State, state: &T, slot: u32, may_have_opaque: bool) -> Result<(), Raise> {
    // SAFETY: raw gets and sets of nil on tables, which are checked first: no value is made.
    unsafe {
        block::push_callbacks(L)?;
        let kept = l::lua_gettop(L);
        block::push_kept(L, kept, SLOT_CALLBACKS, l::LUA_TTABLE)?;
        if may_have_opaque {
            block::push_kept(L, kept, SLOT_OPAQUES, l::LUA_TTABLE)?;
            take_from(L, slot);
        } else {
            l::lua_pushnil(L);
        }
        l::lua_insert(L, kept);
        take_from(L, slot);
        l::lua_insert(L, kept);
        l::lua_settop(L, kept + 1);
        l::lua_pushboolean(L, c_int::from(state.free_slot(slot)));
    }
    Ok(())
}

/// Replaces the table on top with what its `slot` holds, and clears that.
///
/// # Safety
/// A table is on top.
unsafe fn take_from(L: *mut lua_State, slot: u32) {
    // SAFETY: raw gets and sets on a table.
    unsafe {
        l::lua_rawgeti(L, -1, slot as l::lua_Integer);
        l::lua_pushnil(L);
        l::lua_rawseti(L, -3, slot as l::lua_Integer);
        l::lua_remove(L, -2);
    }
}

/// # Safety
/// As [`push_event`]; fifteen stack slots are free.
unsafe fn push_report(L: *mut lua_State, report: &Report) {
    // SAFETY: the record's eleven fields are pushed.
    unsafe {
        RECORD.begin(L);
        push::bytes(L, report.topic());
        push::integer(L, i64::from(report.partition));
        push::integer(L, report.offset);
        l::lua_pushvalue(L, status(report.status));
        push::integer(L, report.latency_us);
        push::integer(L, i64::from(report.broker));
        if report.timestamp >= 0 {
            push::integer(L, report.timestamp);
            l::lua_pushvalue(L, if report.timestamp_type == LOG_APPEND_TIME { LOG_APPENDED } else { CREATE_TIME });
        } else {
            l::lua_pushnil(L);
            l::lua_pushnil(L);
        }
        push::optional(L, report.value());
        push::optional(L, report.key());
        match report.mark {
            Mark::Sequence(id) => push::integer(L, id),
            _ => l::lua_pushnil(L),
        }
        RECORD.end(L);
        if !report.headers.is_empty() {
            push::field(L, "headers", || {
                push::headers(L, report.headers.len(), |index| {
                    let (name, value) = report.headers.get(index)?;
                    Some((name, value.as_deref()))
                });
            });
        }
    }
}
