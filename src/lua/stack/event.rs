//! One event at a time from the client's list to the dispatcher.

use std::os::raw::c_int;

use mlua::ffi as l;
use mlua::lua_State;

use super::produce::{SLOT_CALLBACKS, SLOT_OPAQUES};
use super::raise::{enter, Raise, STEP};
use super::{block, push};
use crate::lua::face::Face;
use crate::model::event::{Event, Mark, Report};

/// `RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME`: the broker's clock rather than the producer's.
const LOG_APPEND_TIME: i32 = 2;

/// `(self)` → kind and what the callback of that kind takes, or nothing when no event waits. For
/// "delivery": error or nil, report, the message's own callback or nil.
///
/// # Safety
/// Called by Lua only, with the metatable of `T` as upvalue 1.
pub unsafe extern "C-unwind" fn next_event<T: Face>(L: *mut lua_State) -> c_int {
    // SAFETY: Lua passes the calling state.
    unsafe { enter(L, STEP, body::<T>) }
}

unsafe fn body<T: Face>(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: at most ten slots are used.
    unsafe {
        let state = block::any::<T>(L)?;
        let Some(event) = state.shared().pop() else { return Ok(0) };
        match event {
            Event::Error(error) => {
                push::text(L, "error");
                push::error(L, &error);
                Ok(2)
            }
            Event::Log { level, facility, message } => {
                push::text(L, "log");
                l::lua_createtable(L, 0, 3);
                push::field(L, "level", || push::integer(L, i64::from(level)));
                push::field(L, "facility", || push::text(L, &facility));
                push::field(L, "message", || push::text(L, &message));
                Ok(2)
            }
            Event::Stats(json) => {
                push::text(L, "stats");
                push::text(L, &json);
                Ok(2)
            }
            Event::Throttle { broker, id, time } => {
                push::text(L, "throttle");
                l::lua_createtable(L, 0, 3);
                push::field(L, "broker", || push::text(L, &broker));
                push::field(L, "id", || push::integer(L, i64::from(id)));
                push::field(L, "time", || push::integer(L, i64::from(time)));
                Ok(2)
            }
            Event::Delivery(report) => delivery(L, state, &report),
        }
    }
}

/// # Safety
/// The object lies at stack place 1.
unsafe fn delivery<T: Face>(L: *mut lua_State, state: &T, report: &Report) -> Result<c_int, Raise> {
    // SAFETY: raw gets and sets on tables of ours.
    unsafe {
        push::text(L, "delivery");
        match &report.error {
            Some(error) => push::error(L, error),
            None => l::lua_pushnil(L),
        }
        push_report(L, report);
        let table = l::lua_gettop(L);
        let Mark::Slot(slot) = report.mark else {
            l::lua_pushnil(L);
            return Ok(4);
        };
        block::push_callbacks(L);
        take_from(L, SLOT_OPAQUES, slot);
        push::text(L, "opaque");
        l::lua_insert(L, -2);
        l::lua_rawset(L, table);
        take_from(L, SLOT_CALLBACKS, slot);
        if state.free_slot(slot) {
            // None is left: fresh tables, as emptied ones keep their size.
            for slots in [SLOT_CALLBACKS, SLOT_OPAQUES] {
                l::lua_createtable(L, 0, 0);
                l::lua_rawseti(L, table + 1, slots);
            }
        }
        l::lua_remove(L, table + 1);
        Ok(4)
    }
}

/// Pushes what `slot` of the table at `slots` holds, and clears it.
///
/// # Safety
/// The callbacks table is on top.
unsafe fn take_from(L: *mut lua_State, slots: l::lua_Integer, slot: u32) {
    // SAFETY: raw gets and sets on tables of ours.
    unsafe {
        l::lua_rawgeti(L, -1, slots);
        l::lua_rawgeti(L, -1, slot as l::lua_Integer);
        l::lua_pushnil(L);
        l::lua_rawseti(L, -3, slot as l::lua_Integer);
        l::lua_remove(L, -2);
    }
}

/// # Safety
/// Five stack slots are free.
unsafe fn push_report(L: *mut lua_State, report: &Report) {
    // SAFETY: raw sets into a fresh table.
    unsafe {
        l::lua_createtable(L, 0, 12);
        push::field(L, "topic", || push::bytes(L, report.topic()));
        push::field(L, "partition", || push::integer(L, i64::from(report.partition)));
        push::field(L, "offset", || push::integer(L, report.offset));
        push::field(L, "status", || push::text(L, report.status.name()));
        push::field(L, "latency_us", || push::integer(L, report.latency_us));
        push::field(L, "broker", || push::integer(L, i64::from(report.broker)));
        if report.timestamp >= 0 {
            push::field(L, "timestamp", || push::integer(L, report.timestamp));
            let kind = if report.timestamp_type == LOG_APPEND_TIME { "log_append_time" } else { "create_time" };
            push::field(L, "timestamp_type", || push::text(L, kind));
        }
        if let Some(key) = report.key() {
            push::field(L, "key", || push::bytes(L, key));
        }
        if let Some(value) = report.value() {
            push::field(L, "value", || push::bytes(L, value));
        }
        if let Mark::Sequence(id) = report.mark {
            push::field(L, "sequence_id", || push::integer(L, id));
        }
        if !report.headers.is_empty() {
            push::field(L, "headers", || push_headers(L, report));
        }
    }
}

/// An array of {name, value} pairs; the value of a null one is absent.
///
/// # Safety
/// Four stack slots are free.
unsafe fn push_headers(L: *mut lua_State, report: &Report) {
    // SAFETY: raw sets into fresh tables.
    unsafe {
        l::lua_createtable(L, c_int::try_from(report.headers.len()).unwrap_or(0), 0);
        for (index, (name, value)) in report.headers.iter().enumerate() {
            l::lua_createtable(L, 2, 0);
            push::bytes(L, name);
            l::lua_rawseti(L, -2, 1);
            if let Some(value) = value {
                push::bytes(L, value);
                l::lua_rawseti(L, -2, 2);
            }
            l::lua_rawseti(L, -2, index as l::lua_Integer + 1);
        }
    }
}
