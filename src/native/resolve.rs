//! Resolving broker names where a fork cannot hurt: glibc's resolver takes locks that a forked
//! child would find locked for ever if another thread was resolving at the fork.

use std::os::raw::{c_char, c_int, c_void};

use rdkafka::bindings as rd;

type Resolve = unsafe extern "C" fn(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
    opaque: *mut c_void,
) -> c_int;

extern "C" {
    /// Exported by librdkafka, left out of the bindings.
    fn rd_kafka_conf_set_resolve_cb(conf: *mut rd::rd_kafka_conf_t, resolve: Option<Resolve>);
}

/// # Safety
/// `conf` is a live configuration.
pub unsafe fn install(conf: *mut rd::rd_kafka_conf_t) {
    // SAFETY: by the caller's promise; the function lives as long as the library.
    unsafe { rd_kafka_conf_set_resolve_cb(conf, Some(resolve)) };
}

/// As `getaddrinfo`; with neither node nor service it frees what an earlier call found.
///
/// # Safety
/// Called by librdkafka only, with terminated strings and a place for the result.
unsafe extern "C" fn resolve(
    node: *const c_char,
    service: *const c_char,
    hints: *const libc::addrinfo,
    found: *mut *mut libc::addrinfo,
    _: *mut c_void,
) -> c_int {
    // SAFETY: librdkafka passes terminated strings, readable hints and a place for the result.
    unsafe {
        if node.is_null() && service.is_null() {
            libc::freeaddrinfo(*found);
            return 0;
        }
        // A numeric address needs no resolver, and so takes no lock.
        let mut numeric = *hints;
        numeric.ai_flags = (numeric.ai_flags | libc::AI_NUMERICHOST) & !libc::AI_ADDRCONFIG;
        if libc::getaddrinfo(node, service, &numeric, found) == 0 {
            return 0;
        }
        // During a fork librdkafka is told to try again, which it does.
        super::process::unless_forking(|| libc::getaddrinfo(node, service, hints, found)).unwrap_or(libc::EAI_AGAIN)
    }
}
