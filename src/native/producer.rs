//! Handing messages to librdkafka, and getting rid of those it still holds.

use std::os::raw::c_void;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::{check, last_code, take};
use super::headers::Headers;
use super::opaque;
use super::topic::Topic;
use crate::model::error::KafkaError;
use crate::model::event::Mark;

const FREE: i32 = 0x1;
const COPY: i32 = 0x2;

/// A value on its way into librdkafka.
pub enum Payload<'a> {
    /// Null: a tombstone.
    Null,
    /// Copied by librdkafka.
    Bytes(&'a [u8]),
    /// Already copied: librdkafka takes the memory over.
    Joined(Buffer),
}

impl Payload<'_> {
    pub fn len(&self) -> usize {
        match self {
            Payload::Null => 0,
            Payload::Bytes(bytes) => bytes.len(),
            Payload::Joined(buffer) => buffer.used,
        }
    }
}

/// Memory of malloc's, which librdkafka may free.
pub struct Buffer {
    data: *mut u8,
    used: usize,
    size: usize,
}

impl Buffer {
    /// Room for `size` bytes; none when memory is out.
    pub fn with_size(size: usize) -> Option<Buffer> {
        // SAFETY: at least one byte is asked for; null is checked.
        let data: *mut u8 = unsafe { libc::malloc(size.max(1)) }.cast();
        (!data.is_null()).then_some(Buffer { data, used: 0, size })
    }

    /// Appends as much of `bytes` as was asked room for.
    pub fn push(&mut self, bytes: &[u8]) {
        let length = bytes.len().min(self.size - self.used);
        // SAFETY: `used + length` is within the room that was allocated; the ranges are apart.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.data.add(self.used), length) };
        self.used += length;
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: malloc's, freed once: a buffer that librdkafka took over is forgotten.
        unsafe { libc::free(self.data.cast()) };
    }
}

/// What only some messages carry.
#[derive(Default)]
pub struct Extras {
    pub timestamp: Option<i64>,
    pub headers: Option<Headers>,
}

/// Enqueues one message and takes over what was joined for it. The error is librdkafka's code;
/// nothing was enqueued then, and value and extras are as before.
pub fn produce(
    topic: &Topic,
    partition: i32,
    value: &mut Payload,
    key: Option<&[u8]>,
    mark: Mark,
    extras: &mut Extras,
) -> Result<(), i32> {
    let (data, size, flags): (*mut c_void, usize, i32) = match &*value {
        Payload::Null => (std::ptr::null_mut(), 0, COPY),
        Payload::Bytes(bytes) => (bytes.as_ptr() as *mut c_void, bytes.len(), COPY),
        Payload::Joined(buffer) => (buffer.data.cast(), buffer.used, FREE),
    };
    let (key, key_size) = key.map_or((std::ptr::null(), 0), |key| (key.as_ptr(), key.len()));
    let opaque = opaque::pack(mark);
    let result = if extras.timestamp.is_none() && extras.headers.is_none() {
        // SAFETY: the topic handle is live; value and key are readable for their lengths and are
        // copied, or, with FREE, malloc's and taken over on success.
        let code = unsafe { rd::rd_kafka_produce(topic.as_ptr(), partition, flags, data, size, key.cast(), key_size, opaque) };
        if code == 0 {
            Ok(())
        } else {
            Err(last_code())
        }
    } else {
        // SAFETY: as above.
        unsafe { produce_va(topic, partition, flags, (data, size), (key.cast(), key_size), opaque, extras) }
    };
    match result {
        Ok(()) => std::mem::forget(std::mem::replace(value, Payload::Null)),
        // SAFETY: packed above; librdkafka refused the message and will not report it.
        Err(_) => {
            let _ = unsafe { opaque::unpack(opaque) };
        }
    }
    result
}

/// # Safety
/// As [`produce`] promises to librdkafka.
unsafe fn produce_va(
    topic: &Topic,
    partition: i32,
    flags: i32,
    value: (*mut c_void, usize),
    key: (*const c_void, usize),
    opaque: *mut c_void,
    extras: &mut Extras,
) -> Result<(), i32> {
    use rd::rd_kafka_vtype_t::*;
    use rd::rd_kafka_vu_s__bindgen_ty_1 as U;
    let mem = |ptr, size| U { mem: rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size } };
    let headers = extras.headers.take().map(Headers::into_raw);
    let mut list = vec![
        rd::rd_kafka_vu_t { vtype: RD_KAFKA_VTYPE_RKT, u: U { rkt: topic.as_ptr() } },
        rd::rd_kafka_vu_t { vtype: RD_KAFKA_VTYPE_PARTITION, u: U { i32_: partition } },
        rd::rd_kafka_vu_t { vtype: RD_KAFKA_VTYPE_MSGFLAGS, u: U { i: flags } },
        rd::rd_kafka_vu_t { vtype: RD_KAFKA_VTYPE_VALUE, u: mem(value.0, value.1) },
        rd::rd_kafka_vu_t { vtype: RD_KAFKA_VTYPE_KEY, u: mem(key.0 as *mut c_void, key.1) },
        rd::rd_kafka_vu_t { vtype: RD_KAFKA_VTYPE_OPAQUE, u: U { ptr: opaque } },
    ];
    if let Some(timestamp) = extras.timestamp {
        list.push(rd::rd_kafka_vu_t { vtype: RD_KAFKA_VTYPE_TIMESTAMP, u: U { i64_: timestamp } });
    }
    if let Some(headers) = headers {
        list.push(rd::rd_kafka_vu_t { vtype: RD_KAFKA_VTYPE_HEADERS, u: U { headers } });
    }
    // SAFETY: every entry has the union member its type names. Headers are librdkafka's on
    // success and ours again on failure.
    unsafe {
        match take(rd::rd_kafka_produceva(topic.client().as_ptr(), list.as_ptr(), list.len())) {
            Ok(()) => Ok(()),
            Err(error) => {
                extras.headers = headers.map(|headers| Headers::from_raw(headers));
                Err(error.code)
            }
        }
    }
}

/// Waits up to `ms` (at least 1: only then is linger cut short) for everything to be reported,
/// serving reports on this thread.
pub fn flush(client: &Client, ms: i32) {
    // SAFETY: the client is live.
    unsafe { rd::rd_kafka_flush(client.as_ptr(), ms.max(1)) };
}

/// Fails everything undelivered; the reports follow.
pub fn purge(client: &Client) {
    const NON_BLOCKING: i32 = 0x4;
    // SAFETY: the client is live.
    unsafe { rd::rd_kafka_purge(client.as_ptr(), QUEUED | IN_FLIGHT | NON_BLOCKING) };
}

const QUEUED: i32 = 0x1;
const IN_FLIGHT: i32 = 0x2;

/// Fails what is queued, in flight or both, and returns once it is done, so that nothing produced
/// afterwards is hit. Waits for librdkafka's threads, not for brokers.
pub fn purge_now(client: &Client, queued: bool, in_flight: bool) -> Result<(), KafkaError> {
    let flags = if queued { QUEUED } else { 0 } | if in_flight { IN_FLIGHT } else { 0 };
    // SAFETY: the client is live.
    check(unsafe { rd::rd_kafka_purge(client.as_ptr(), flags) })
}
