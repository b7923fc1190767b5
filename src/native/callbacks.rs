//! The functions librdkafka calls. They copy what they are given into [`Shared`] and return:
//! no Lua, no waiting, no decision. A panic here would end the host, so nothing here can panic.

use std::os::raw::{c_char, c_int, c_void};
use std::sync::atomic::Ordering;

use rdkafka::bindings as rd;

use super::commits::committed_only;
use super::error::{code_at, from_code, text};
use super::headers;
use super::opaque;
use super::partitions::PartitionList;
use super::shared::{Rebalance, Shared};
use crate::model::error::{
    KafkaError, ALL_BROKERS_DOWN, FATAL, NO_OFFSET, RESOLVE, SSL, TIMED_OUT, TIMED_OUT_QUEUE, TRANSPORT, UNKNOWN_PARTITION,
};
use crate::model::event::{Committed, Event, Mark, Report, Status};
use crate::model::partition::TopicPartition;

/// # Safety
/// `opaque` is the `Shared` that [`super::conf::Conf::create`] gave to librdkafka; the client
/// keeps it alive until after `rd_kafka_destroy`.
unsafe fn shared<'a>(opaque: *mut c_void) -> &'a Shared {
    // SAFETY: by the caller's promise.
    unsafe { &*opaque.cast::<Shared>() }
}

pub unsafe extern "C" fn on_log(rk: *const rd::rd_kafka_t, level: c_int, facility: *const c_char, message: *const c_char) {
    if rk.is_null() {
        return;
    }
    // SAFETY: librdkafka passes a live client, whose opaque is ours, and terminated strings.
    unsafe {
        let opaque = rd::rd_kafka_opaque(rk);
        if !opaque.is_null() {
            shared(opaque).push(Event::Log { level, facility: text(facility), message: text(message) });
        }
    }
}

/// librdkafka's own way to syslog is not compiled in everywhere, and ends the process where it is not.
pub unsafe extern "C" fn syslog(rk: *const rd::rd_kafka_t, level: c_int, facility: *const c_char, message: *const c_char) {
    // SAFETY: librdkafka passes a live client or null, and terminated strings; the format takes three.
    unsafe {
        let name = if rk.is_null() { c"rdkafka".as_ptr() } else { rd::rd_kafka_name(rk) };
        libc::syslog(libc::LOG_USER | (level & 7), c"%s: %s: %s".as_ptr(), facility, name, message);
    }
}

/// A token is wanted, or the one there is will soon be too old.
pub unsafe extern "C" fn on_token_wanted(_: *mut rd::rd_kafka_t, config: *const c_char, opaque: *mut c_void) {
    // SAFETY: `config` is null or terminated, `opaque` is ours.
    unsafe { shared(opaque).push(Event::Token(text(config))) };
}

pub unsafe extern "C" fn on_error(rk: *mut rd::rd_kafka_t, code: c_int, reason: *const c_char, opaque: *mut c_void) {
    // SAFETY: librdkafka passes a live client, its opaque and a terminated string.
    let (shared, error) = unsafe {
        let error = if code == FATAL {
            fatal_error(rk).unwrap_or_else(|| from_code(code, Some(text(reason))))
        } else {
            from_code(code, Some(text(reason)))
        };
        (shared(opaque), name_tls_failure(error))
    };
    shared.set_last_error(error.clone());
    if error.code == UNKNOWN_PARTITION {
        if let Some((place, _)) = error.message.split_once(": ") {
            shared.note_missing(place);
        }
    }
    if shared.wanted.raised_errors && !is_event(&error) {
        shared.raise_once(error.clone());
    }
    if shared.wanted.errors {
        shared.push(Event::Error(error));
    }
}

/// librdkafka tells a failed handshake as `_SSL` or, by the moment it is noticed, as `_TRANSPORT`.
fn name_tls_failure(error: KafkaError) -> KafkaError {
    let handshake =
        error.code == TRANSPORT && (error.message.contains("SSL routines") || error.message.contains("SSL_HANDSHAKE)"));
    if handshake && error.message.contains("certificate") {
        return from_code(SSL, Some(error.message));
    }
    error
}

/// What happens to connections comes and goes, and librdkafka mends it: told to `on_error` only.
/// A fatal error is asked for at each call instead.
fn is_event(error: &KafkaError) -> bool {
    error.fatal || matches!(error.code, TRANSPORT | ALL_BROKERS_DOWN | RESOLVE | TIMED_OUT | TIMED_OUT_QUEUE | FATAL)
}

/// The error that made the client unusable, if one did.
///
/// # Safety
/// `rk` is a live client.
pub unsafe fn fatal_error(rk: *mut rd::rd_kafka_t) -> Option<KafkaError> {
    let mut reason = [0 as c_char; 512];
    // SAFETY: `reason` has room for its own length, which librdkafka terminates within.
    let (code, reason) = unsafe {
        let code = rd::rd_kafka_fatal_error(rk, reason.as_mut_ptr(), reason.len()) as i32;
        (code, text(reason.as_ptr()))
    };
    if code == 0 {
        return None;
    }
    let mut error = from_code(code, Some(reason));
    error.fatal = true;
    error.retriable = false;
    Some(error)
}

pub unsafe extern "C" fn on_stats(_: *mut rd::rd_kafka_t, json: *mut c_char, length: usize, opaque: *mut c_void) -> c_int {
    // SAFETY: `json` holds `length` bytes, `opaque` is ours.
    unsafe {
        let bytes = std::slice::from_raw_parts(json.cast::<u8>(), length);
        let shared = shared(opaque);
        let text = String::from_utf8_lossy(bytes).into_owned();
        if shared.wanted.stats {
            shared.push(Event::Stats(text.clone()));
        }
        shared.set_stats(text);
    }
    0
}

pub unsafe extern "C" fn on_throttle(_: *mut rd::rd_kafka_t, broker: *const c_char, id: i32, time: c_int, opaque: *mut c_void) {
    // SAFETY: `broker` is terminated, `opaque` is ours.
    unsafe { shared(opaque).push(Event::Throttle { broker: text(broker), id, time }) };
}

pub unsafe extern "C" fn on_rebalance(
    rk: *mut rd::rd_kafka_t,
    code: rd::rd_kafka_resp_err_t,
    partitions: *mut rd::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    let code = code as i32;
    // SAFETY: librdkafka passes a live client, its opaque, and a list that it keeps: we copy.
    unsafe {
        let shared = shared(opaque);
        let partitions = PartitionList::copy_of(partitions);
        if shared.answer_at_once.load(Ordering::SeqCst) {
            let _ = super::consumer::answer_rebalance(rk, code, &partitions);
        } else {
            shared.push_rebalance(Rebalance { code, partitions });
        }
    }
}

/// # Safety
/// Called by librdkafka only, with the opaque it was given and a list that is its own.
pub unsafe extern "C" fn on_commit(
    _: *mut rd::rd_kafka_t,
    code: rd::rd_kafka_resp_err_t,
    offsets: *mut rd::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: `opaque` is ours, the list is readable during the call: we copy.
    unsafe {
        let offsets = committed_only(PartitionList::copy_of(offsets).entries());
        tell_commit(shared(opaque), code as i32, offsets);
    }
}

/// What became of a commit that no call waits for.
pub fn tell_commit(shared: &Shared, code: i32, offsets: Vec<TopicPartition>) {
    if code == NO_OFFSET {
        return;
    }
    let error = (code != 0).then(|| from_code(code, None));
    shared.push(Event::Commit(Box::new(Committed { error, offsets, call: None })));
}

pub unsafe extern "C" fn on_delivery(_: *mut rd::rd_kafka_t, message: *const rd::rd_kafka_message_t, opaque: *mut c_void) {
    // SAFETY: `message` is readable during the call, `opaque` is ours, and the message's own
    // opaque was packed by our produce call and comes back exactly once, here.
    unsafe {
        let shared = shared(opaque);
        let code = code_at(&raw const (*message).err);
        let mark = opaque::unpack((*message)._private);
        let sequence = if let Mark::Sequence(id) = mark { id } else { -1 };
        let listened = shared.wanted.reports && (code != 0 || !shared.wanted.only_failed_reports && shared.counts.is_sampled());
        let heard = listened || matches!(mark, Mark::Slot(_) | Mark::Brief(_));
        match mark {
            Mark::Brief(slot) if !listened => {
                shared.push(Event::Told { slot, error: (code != 0).then(|| from_code(code, None)) });
            }
            _ if heard => shared.push(Event::Delivery(copy_report(&*message, code, mark, listened))),
            _ => {}
        }
        if code != 0 {
            // One per failed message would be one too many: the code tells enough.
            if shared.last_error().is_none_or(|last| last.code != code) {
                shared.set_last_error(from_code(code, None));
            }
        }
        // Without acks there is no offset.
        if code == 0 && (*message).offset >= 0 {
            let topic = std::ffi::CStr::from_ptr(rd::rd_kafka_topic_name((*message).rkt)).to_bytes();
            shared.progress.delivered(topic, (*message).partition, (*message).offset);
        }
        if shared.wanted.checkpoints && sequence >= 0 {
            if let Some(told) = shared.progress.reported(sequence, code != 0) {
                shared.push_checkpoint(told);
            }
        }
        shared.counts.report(sequence, code != 0, heard);
    }
}

/// # Safety
/// `message` is a delivery report that librdkafka is handing out.
unsafe fn copy_report(message: &rd::rd_kafka_message_t, code: i32, mark: Mark, listened: bool) -> Report {
    // SAFETY: topic handle, payload and key belong to the message and live during the call.
    unsafe {
        let topic = std::ffi::CStr::from_ptr(rd::rd_kafka_topic_name(message.rkt)).to_bytes();
        let key = bytes(message.key, message.key_len);
        let value = bytes(message.payload, message.len);
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        let timestamp = rd::rd_kafka_message_timestamp(message, &mut kind);
        let status = match rd::rd_kafka_message_status(message) {
            rd::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_PERSISTED => Status::Persisted,
            rd::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED => Status::PossiblyPersisted,
            _ => Status::NotPersisted,
        };
        Report {
            error: (code != 0).then(|| from_code(code, None)),
            bytes: [topic, key.unwrap_or_default(), value.unwrap_or_default()].concat().into(),
            topic_len: topic.len(),
            key_len: key.map(<[u8]>::len),
            has_value: value.is_some(),
            headers: headers::copy_of(message),
            partition: message.partition,
            offset: message.offset,
            timestamp,
            timestamp_type: kind as i32,
            latency_us: rd::rd_kafka_message_latency(message),
            broker: rd::rd_kafka_message_broker_id(message),
            status,
            mark,
            listened,
        }
    }
}

/// # Safety
/// `data` is null or holds `length` bytes for as long as the message lives.
unsafe fn bytes<'a>(data: *const c_void, length: usize) -> Option<&'a [u8]> {
    if data.is_null() {
        return None;
    }
    // SAFETY: by the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(data.cast(), length) })
}

/// Something arrived in an empty queue.
pub unsafe extern "C" fn on_queue_filled(_: *mut rd::rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: `opaque` is the client's `Shared`, kept until after the queue is gone.
    unsafe { shared(opaque) }.wake.raise();
}

/// As [`on_queue_filled`], for a queue with a wake-up of its own.
pub unsafe extern "C" fn on_feed_filled(_: *mut rd::rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: `opaque` is the queue's `Wake`, kept until the queue has forgotten its events.
    unsafe { &*opaque.cast::<super::wake::Wake>() }.raise();
}
