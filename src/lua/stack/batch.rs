//! The step under `producer:produce_batch([topic,] messages [, options])`: many messages in one call.

use std::os::raw::{c_int, c_void};

use mlua::ffi as l;
use mlua::lua_State;

use super::outgoing::{clear_slot, read_options, refuse_unknown, take_slot, unfold_raw, Naming, Places};
use super::raise::{enter, protected, Raise, STEP};
use super::{args, block, push};
use crate::client::producer::{Outgoing, Producer as Client};
use crate::lua::producer::Producer;
use crate::model::error::{KafkaError, INVALID_ARG, QUEUE_FULL};
use crate::model::event::Mark;
use crate::native::producer::{Extras, Payload};

const TOPIC: c_int = 2;
const MESSAGES: c_int = 3;
const PARTITION: c_int = 4;
const FROM: c_int = 5;
/// Of one message at a time.
const PLACES: Places = Places { first: 6 };

/// What was refused, by its index; `stopped`: the queue was full there.
struct Refused {
    errors: Vec<(usize, KafkaError)>,
    stopped: Option<usize>,
}

/// `(self, topic or nil, messages, partition, from)` → how many were accepted and, if any were not,
/// the errors by index. The embedded function in front has checked the options.
///
/// # Safety
/// Called by Lua only.
pub unsafe extern "C-unwind" fn produce_batch_step(L: *mut lua_State) -> c_int {
    // SAFETY: the stack is grown where that may raise; the body makes no value unprotected.
    unsafe {
        l::luaL_checkstack(L, PLACES.first + Places::COUNT + 10, c"produce_batch".as_ptr());
        args::string(L, TOPIC);
        enter(L, STEP, body)
    }
}

unsafe fn body(L: *mut lua_State) -> Result<c_int, Raise> {
    // SAFETY: upvalue 1 is the producer's metatable, 2 `push_refused`; messages are read raw.
    unsafe {
        let state = block::open::<Producer>(L)?;
        l::lua_settop(L, FROM);
        let topic = args::bytes(L, TOPIC);
        let partition = l::lua_tointeger(L, PARTITION) as i32;
        let first = usize::try_from(l::lua_tointeger(L, FROM)).unwrap_or(1).max(1);
        let count = l::lua_rawlen(L, MESSAGES);
        let producer = state.open()?;
        let mut refused = Refused { errors: Vec::new(), stopped: None };
        let mut accepted = 0;
        for index in first..=count {
            l::lua_settop(L, FROM);
            l::lua_rawgeti(L, MESSAGES, index as l::lua_Integer);
            let sent = match text_item(L, topic) {
                Some((topic, value)) => {
                    let mut message = Outgoing {
                        partition,
                        value: Payload::Bytes(value),
                        key: None,
                        mark: Mark::None,
                        extras: Extras::default(),
                    };
                    producer.produce(topic, &mut message).map_err(Raise::Caller)
                }
                None => item(L, state, &producer, topic, partition, index),
            };
            // Others may be on their way already: a wrong message is refused, not raised.
            let sent = sent.unwrap_or_else(|raise| Err(KafkaError::new(INVALID_ARG, "_INVALID_ARG", raise.reason())));
            match sent {
                Ok(()) => accepted += 1,
                Err(error) => {
                    let full = error.code == QUEUE_FULL;
                    refused.errors.push((index, error));
                    if full {
                        refused.stopped = Some(index);
                        break;
                    }
                }
            }
        }
        l::lua_settop(L, FROM);
        drop(producer);
        l::lua_pushinteger(L, accepted);
        if refused.errors.is_empty() {
            return Ok(1);
        }
        protected(L, std::ptr::from_ref(&refused) as *mut c_void, None, 1)?;
        Ok(2)
    }
}

/// The message on top if it is a plain string for the batch's topic.
///
/// # Safety
/// The slices live while the message is on the stack.
#[inline]
unsafe fn text_item(L: *mut lua_State, topic: Option<&[u8]>) -> Option<(&[u8], &[u8])> {
    // SAFETY: a string is not converted.
    unsafe {
        let topic = topic?;
        if l::lua_type(L, FROM + 1) != l::LUA_TSTRING {
            return None;
        }
        Some((topic, args::bytes(L, FROM + 1)?))
    }
}

/// One message that is more than a string.
///
/// # Safety
/// It lies on top, at `FROM + 1`, and there is room for its places.
unsafe fn item(
    L: *mut lua_State,
    state: &Producer,
    producer: &Client,
    topic: Option<&[u8]>,
    partition: i32,
    index: usize,
) -> Result<Result<(), KafkaError>, Raise> {
    // SAFETY: raw reads; texts are slices of values in their places, or copies of numbers.
    unsafe {
        let naming = Naming { argument: MESSAGES, kind: "field", index: Some(index) };
        let bad = |what: &str| Raise::Arg(MESSAGES, format!("messages[{index}]: {what}, got {}", args::basic_type(L, FROM + 1)));
        if l::lua_type(L, FROM + 1) != l::LUA_TTABLE {
            let Some(text) = args::text_of(L, FROM + 1) else { return Err(bad("a string or a table expected")) };
            let Some(topic) = topic else { return Err(bad("a table with a topic expected (the call names none)")) };
            let mut message =
                Outgoing { partition, value: Payload::Bytes(&text), key: None, mark: Mark::None, extras: Extras::default() };
            return producer.produce(topic, &mut message).map_err(Raise::Caller);
        }
        l::lua_settop(L, PLACES.first + Places::COUNT - 1);
        l::lua_pushvalue(L, FROM + 1);
        l::lua_replace(L, PLACES.table());
        l::lua_pushnil(L);
        l::lua_replace(L, PLACES.topic());
        if !unfold_raw(L, PLACES, false) {
            refuse_unknown(L, PLACES, false, naming)?;
        }
        let own_topic = args::text_of(L, PLACES.topic());
        if own_topic.is_none() && l::lua_type(L, PLACES.topic()) != l::LUA_TNIL {
            let got = args::basic_type(L, PLACES.topic());
            return Err(naming.fault("topic", &format!("string expected, got {got}")));
        }
        let Some(topic) = own_topic.as_deref().or(topic) else {
            return Err(naming.fault("topic", "missing, and the call names none"));
        };
        let text = args::text_of(L, PLACES.value());
        let value = match &text {
            Some(text) => Payload::Bytes(text),
            None => args::payload(L, PLACES.value()).map_err(|raise| naming.fault("value", &raise.reason()))?,
        };
        let key = args::text_of(L, PLACES.key());
        if key.is_none() && l::lua_type(L, PLACES.key()) != l::LUA_TNIL {
            let got = args::basic_type(L, PLACES.key());
            return Err(naming.fault("key", &format!("string or nil expected, got {got}")));
        }
        let mut message = Outgoing { partition, value, key: key.as_deref(), mark: Mark::None, extras: Extras::default() };
        read_options(L, PLACES, &mut message, naming)?;
        let slot = take_slot(L, PLACES, state)?;
        message.mark = slot.map_or(Mark::None, Mark::Slot);
        let result = producer.produce(topic, &mut message);
        if let (Some(slot), false) = (slot, matches!(result, Ok(Ok(())))) {
            clear_slot(L, slot);
            state.slots.free(producer, slot);
        }
        result.map_err(Raise::Caller)
    }
}

/// Called protected, with what was refused as light userdata: the table of errors.
///
/// # Safety
/// As [`protected`].
pub unsafe extern "C-unwind" fn push_refused(L: *mut lua_State) -> c_int {
    // SAFETY: it lives in the frame that calls this.
    unsafe {
        let refused = &*l::lua_touserdata(L, 1).cast::<Refused>();
        l::lua_createtable(L, 0, c_int::try_from(refused.errors.len()).unwrap_or(0).saturating_add(1));
        for (index, error) in &refused.errors {
            push::error(L, error);
            l::lua_rawseti(L, -2, *index as l::lua_Integer);
        }
        if let Some(index) = refused.stopped {
            push::field(L, "first", || push::integer(L, index as i64));
        }
        1
    }
}
