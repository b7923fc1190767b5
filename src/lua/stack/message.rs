//! A consumed message as a table, and many of them as parallel arrays.

use std::os::raw::{c_int, c_void};

use mlua::ffi as l;
use mlua::lua_State;

use super::push;
use super::record::Record;
use crate::model::error::PARTITION_EOF;
use crate::native::message::Message;

/// Where a client's callbacks table keeps the metatable of its messages.
pub const MESSAGE_CLASS: l::lua_Integer = 3;

/// Upvalues of [`push_table`] and [`push_tables`].
pub const RECORD: Record = Record {
    maker: include_str!("../forms/message.lua"),
    fields: &["topic", "partition", "offset", "value", "key", "timestamp", "timestamp_type", "leader_epoch"],
    words: &["create_time", "log_append_time"],
};
const CREATE_TIME: c_int = RECORD.word(0);
const LOG_APPEND_TIME: c_int = RECORD.word(1);

/// `(message, class)`, called protected: a message's table with its class.
///
/// # Safety
/// As [`super::raise::protected`]; [`RECORD`] has the upvalues.
pub unsafe extern "C-unwind" fn push_table(L: *mut lua_State) -> c_int {
    // SAFETY: the message lives in the frame that calls this.
    unsafe {
        let message = &*l::lua_touserdata(L, 1).cast::<Message>();
        push::bytes(L, message.topic().unwrap_or_default());
        push_one(L, message, 3);
        1
    }
}

/// `(messages, class)`, called protected: an array of messages.
///
/// # Safety
/// As [`push_table`], with a `Vec<Message>`.
pub unsafe extern "C-unwind" fn push_tables(L: *mut lua_State) -> c_int {
    // SAFETY: the messages live in the frame that calls this; stack place 3 is the topic's name,
    // made anew when the topic changes, 4 the array.
    unsafe {
        let messages = &*l::lua_touserdata(L, 1).cast::<Vec<Message>>();
        l::lua_pushnil(L);
        l::lua_createtable(L, c_int::try_from(messages.len()).unwrap_or(0), 0);
        let mut before: Option<&Message> = None;
        for (index, message) in messages.iter().enumerate() {
            name_topic(L, message, before, 3);
            push_one(L, message, 3);
            l::lua_rawseti(L, 4, index as l::lua_Integer + 1);
            before = Some(message);
        }
        1
    }
}

/// Puts the name of the message's topic at `place`, unless the one before it did.
///
/// # Safety
/// `place` is an absolute index; one stack slot is free.
unsafe fn name_topic(L: *mut lua_State, message: &Message, before: Option<&Message>, place: c_int) {
    if before.is_some_and(|before| before.is_of_topic_of(message)) {
        return;
    }
    // SAFETY: a push and a replacement.
    unsafe {
        push::bytes(L, message.topic().unwrap_or_default());
        l::lua_replace(L, place);
    }
}

/// Pushes the message's table; its class is at stack place 2, its topic at `topic`.
///
/// # Safety
/// In a function that has [`RECORD`] as upvalues; twelve stack slots are free.
unsafe fn push_one(L: *mut lua_State, message: &Message, topic: c_int) {
    // SAFETY: the record's eight fields are pushed; the table is fresh, its metatable ours.
    unsafe {
        if message.code() == PARTITION_EOF {
            push_end(L, message, topic);
        } else {
            RECORD.begin(L);
            l::lua_pushvalue(L, topic);
            push::integer(L, i64::from(message.partition()));
            push::integer(L, message.offset());
            push::optional(L, message.payload());
            push::optional(L, message.key());
            match message.timestamp() {
                Some((ms, appended)) => {
                    push::integer(L, ms);
                    l::lua_pushvalue(L, if appended { LOG_APPEND_TIME } else { CREATE_TIME });
                }
                None => {
                    l::lua_pushnil(L);
                    l::lua_pushnil(L);
                }
            }
            match message.leader_epoch() {
                epoch if epoch >= 0 => push::integer(L, i64::from(epoch)),
                _ => l::lua_pushnil(L),
            }
            RECORD.end(L);
            if let Some(headers) = message.headers() {
                push::field(L, "headers", || push::headers(L, headers.len(), |index| headers.get(index)));
            }
        }
        l::lua_pushvalue(L, 2);
        l::lua_setmetatable(L, -2);
    }
}

/// Pushes a table that tells the end of a partition.
///
/// # Safety
/// As [`push_one`].
unsafe fn push_end(L: *mut lua_State, message: &Message, topic: c_int) {
    // SAFETY: raw sets into a fresh table.
    unsafe {
        l::lua_createtable(L, 0, 4);
        push::field(L, "topic", || l::lua_pushvalue(L, topic));
        push::field(L, "partition", || push::integer(L, i64::from(message.partition())));
        push::field(L, "offset", || push::integer(L, message.offset()));
        push::field(L, "eof", || l::lua_pushboolean(L, 1));
    }
}

/// `(messages)`, called protected: how many, and arrays of payloads, topics, partitions, keys,
/// offsets. What is absent is false, so that the arrays have no holes.
///
/// # Safety
/// As [`push_tables`], without upvalues.
pub unsafe extern "C-unwind" fn push_arrays(L: *mut lua_State) -> c_int {
    const PAYLOADS: c_int = 4;
    const TOPICS: c_int = 5;
    const PARTITIONS: c_int = 6;
    const KEYS: c_int = 7;
    const OFFSETS: c_int = 8;
    // SAFETY: as `push_tables`; stack place 3 is the count, 2 the topic's name.
    unsafe {
        let messages = &*l::lua_touserdata(L, 1).cast::<Vec<Message>>();
        let size = c_int::try_from(messages.len()).unwrap_or(0);
        l::lua_settop(L, 2);
        l::lua_pushinteger(L, size as l::lua_Integer);
        for _ in PAYLOADS..=OFFSETS {
            l::lua_createtable(L, size, 0);
        }
        let or_false = |bytes: Option<&[u8]>| match bytes {
            Some(bytes) => push::bytes(L, bytes),
            None => l::lua_pushboolean(L, 0),
        };
        let mut before: Option<&Message> = None;
        for (index, message) in messages.iter().enumerate() {
            let place = index as l::lua_Integer + 1;
            or_false(message.payload());
            l::lua_rawseti(L, PAYLOADS, place);
            name_topic(L, message, before, 2);
            l::lua_pushvalue(L, 2);
            l::lua_rawseti(L, TOPICS, place);
            push::integer(L, i64::from(message.partition()));
            l::lua_rawseti(L, PARTITIONS, place);
            or_false(message.key());
            l::lua_rawseti(L, KEYS, place);
            push::integer(L, message.offset());
            l::lua_rawseti(L, OFFSETS, place);
            before = Some(message);
        }
        OFFSETS - 2
    }
}

/// Called protected, with a message: true and what the classic `receive` returns.
///
/// # Safety
/// As [`super::raise::protected`].
pub unsafe extern "C-unwind" fn push_classic(L: *mut lua_State) -> c_int {
    // SAFETY: the message lives in the frame that calls this.
    unsafe {
        let message = &*l::lua_touserdata(L, 1).cast::<Message>();
        l::lua_pushboolean(L, 1);
        push::bytes(L, message.payload().unwrap_or_default());
        push::bytes(L, message.topic().unwrap_or_default());
        push::integer(L, i64::from(message.partition()));
        push::optional(L, message.key().filter(|key| !key.is_empty()));
        5
    }
}

/// What a push function takes for `of`.
pub fn light<T>(of: &T) -> *mut c_void {
    std::ptr::from_ref(of) as *mut c_void
}
