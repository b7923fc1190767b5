//! librdkafka's codes and error objects as model values.

use std::borrow::Cow;
use std::ffi::CStr;
use std::os::raw::c_char;

use rdkafka::bindings as rd;

use crate::model::error::KafkaError;

/// Copies a C string that may be null.
///
/// # Safety
/// `text` is null or points to a terminated string.
pub unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and terminated by the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// A code that came from a broker may be newer than the enum: never look at it as one.
///
/// # Safety
/// `code` points to a readable `rd_kafka_resp_err_t`.
pub unsafe fn code_at(code: *const rd::rd_kafka_resp_err_t) -> i32 {
    // SAFETY: the enum is `repr(i32)`.
    unsafe { *code.cast::<i32>() }
}

/// Every code librdkafka knows: (code, name, description).
pub fn table() -> &'static [(i32, &'static str, &'static str)] {
    static TABLE: once_cell::race::OnceBox<Vec<(i32, &'static str, &'static str)>> = once_cell::race::OnceBox::new();
    TABLE.get_or_init(|| {
        let mut rows = std::ptr::null();
        let mut count = 0;
        // SAFETY: librdkafka returns its own constant table of `count` rows; strings are static.
        Box::new(unsafe {
            rd::rd_kafka_get_err_descs(&mut rows, &mut count);
            std::slice::from_raw_parts(rows, count)
                .iter()
                .filter(|row| !row.name.is_null() && !row.desc.is_null())
                .filter_map(|row| {
                    let name = CStr::from_ptr(row.name).to_str().ok()?;
                    let description = CStr::from_ptr(row.desc).to_str().ok()?;
                    // The first and last rows only mark the range of local codes.
                    let mark = matches!(name, "_BEGIN" | "_END");
                    (!mark).then(|| (code_at(&raw const row.code), name, description))
                })
                .collect()
        })
    })
}

pub fn name_of(code: i32) -> Cow<'static, str> {
    match table().iter().find(|row| row.0 == code) {
        Some((_, "NO_ERROR" | "SUCCESS", _)) => Cow::Borrowed("NO_ERROR"),
        Some((_, name, _)) => Cow::Borrowed(*name),
        None => Cow::Owned(format!("ERR_{code}")),
    }
}

pub fn code_of(name: &str) -> Option<i32> {
    table().iter().find(|row| row.1 == name).map(|row| row.0)
}

pub fn describe(code: i32) -> String {
    match table().iter().find(|row| row.0 == code) {
        Some((_, _, text)) => (*text).into(),
        None => format!("error code {code}, which this version does not know"),
    }
}

/// Codes of librdkafka that a later try may not meet again.
fn is_retriable(code: i32) -> bool {
    matches!(
        name_of(code).as_ref(),
        "_QUEUE_FULL"
            | "_TIMED_OUT"
            | "_TRANSPORT"
            | "_ALL_BROKERS_DOWN"
            | "_TIMED_OUT_QUEUE"
            | "_WAIT_COORD"
            | "_WAIT_CACHE"
            | "_IN_PROGRESS"
            | "_PREV_IN_PROGRESS"
            | "_RETRY"
            | "_RESOLVE"
            | "_MSG_TIMED_OUT"
            | "LEADER_NOT_AVAILABLE"
            | "NOT_LEADER_FOR_PARTITION"
            | "REQUEST_TIMED_OUT"
            | "NETWORK_EXCEPTION"
            | "COORDINATOR_LOAD_IN_PROGRESS"
            | "COORDINATOR_NOT_AVAILABLE"
            | "NOT_COORDINATOR"
            | "NOT_ENOUGH_REPLICAS"
            | "NOT_ENOUGH_REPLICAS_AFTER_APPEND"
            | "BROKER_NOT_AVAILABLE"
            | "REPLICA_NOT_AVAILABLE"
            | "KAFKA_STORAGE_ERROR"
            | "REBALANCE_IN_PROGRESS"
            | "THROTTLING_QUOTA_EXCEEDED"
    )
}

pub fn from_code(code: i32, message: Option<String>) -> KafkaError {
    let mut error = KafkaError::new(code, name_of(code), message.unwrap_or_else(|| describe(code)));
    error.retriable = is_retriable(code);
    error
}

/// The code of the last call of this thread that reports through errno.
pub fn last_code() -> i32 {
    // SAFETY: reads a thread-local of librdkafka.
    unsafe { rd::rd_kafka_last_error() as i32 }
}

/// Takes over an error object; null means success.
///
/// # Safety
/// `error` is null or owned by the caller, who does not use it afterwards.
pub unsafe fn take(error: *mut rd::rd_kafka_error_t) -> Result<(), KafkaError> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: not null and ours; destroyed once, after everything was copied out of it.
    unsafe {
        let code = rd::rd_kafka_error_code(error) as i32;
        let mut copy = from_code(code, Some(text(rd::rd_kafka_error_string(error))));
        copy.fatal = rd::rd_kafka_error_is_fatal(error) != 0;
        copy.retriable = rd::rd_kafka_error_is_retriable(error) != 0;
        copy.txn_requires_abort = rd::rd_kafka_error_txn_requires_abort(error) != 0;
        rd::rd_kafka_error_destroy(error);
        Err(copy)
    }
}

/// A plain code: 0 is success.
pub fn check(code: rd::rd_kafka_resp_err_t) -> Result<(), KafkaError> {
    match code as i32 {
        0 => Ok(()),
        code => Err(from_code(code, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_match_both_ways() {
        assert_eq!(name_of(-184), "_QUEUE_FULL");
        assert_eq!(code_of("NOT_LEADER_FOR_PARTITION"), Some(6));
        assert_eq!(name_of(31999), "ERR_31999");
        assert!(from_code(-184, None).retriable);
        assert!(!from_code(10, None).retriable);
    }
}
