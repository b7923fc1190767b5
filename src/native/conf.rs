//! A client's or a topic's configuration until librdkafka takes it over.

use std::ffi::CString;
use std::os::raw::c_char;
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::callbacks;
use super::client::Client;
use super::error::text;
use super::shared::{Shared, Wanted};
use crate::model::config::Kind;

/// Where librdkafka's own log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTarget {
    None,
    Events,
    Stderr,
    Syslog,
}

/// Why a property was refused.
pub enum Refused {
    Unknown(String),
    Invalid(String),
}

const ERROR_SPACE: usize = 512;

/// Must be there before a client is begun: three that librdkafka crashes without (its own, an internal one and the
/// group coordinator's), and as many again, since those that were tried may still be counted.
const THREADS: usize = 6;

pub struct Conf(*mut rd::rd_kafka_conf_t);

impl Conf {
    pub fn new() -> Conf {
        // SAFETY: a fresh conf of our own; without a log callback librdkafka says nothing on
        // stderr, not even while the conf is being filled.
        unsafe {
            let conf = rd::rd_kafka_conf_new();
            rd::rd_kafka_conf_set_log_cb(conf, None);
            Conf(conf)
        }
    }

    pub fn set(&mut self, key: &CString, value: &CString) -> Result<(), Refused> {
        let mut reason = [0 as c_char; ERROR_SPACE];
        // SAFETY: the conf is ours, the strings are terminated, `reason` has the room it says.
        let (code, reason) = unsafe {
            let code = rd::rd_kafka_conf_set(self.0, key.as_ptr(), value.as_ptr(), reason.as_mut_ptr(), reason.len());
            (code, text(reason.as_ptr()))
        };
        refused(code, reason)
    }

    pub fn log_to(&mut self, target: LogTarget) {
        // SAFETY: the conf is ours; the functions live as long as the library.
        unsafe {
            match target {
                LogTarget::None => rd::rd_kafka_conf_set_log_cb(self.0, None),
                LogTarget::Events => rd::rd_kafka_conf_set_log_cb(self.0, Some(callbacks::on_log)),
                LogTarget::Stderr => rd::rd_kafka_conf_set_log_cb(self.0, Some(rd::rd_kafka_log_print)),
                LogTarget::Syslog => rd::rd_kafka_conf_set_log_cb(self.0, Some(callbacks::syslog)),
            }
        }
    }

    /// Makes the client. Its callbacks copy into `shared`.
    pub fn create(self, kind: Kind, shared: Arc<Shared>) -> Result<Client, String> {
        self.install_callbacks(kind, &shared);
        let native = match kind {
            Kind::Producer => rd::rd_kafka_type_t::RD_KAFKA_PRODUCER,
            Kind::Consumer => rd::rd_kafka_type_t::RD_KAFKA_CONSUMER,
        };
        super::thread::can_spawn(THREADS).map_err(|error| {
            format!("the system gives it no threads: {error}; close clients that are not needed, or raise the limit (ulimit -u, pids.max)")
        })?;
        let mut reason = [0 as c_char; ERROR_SPACE];
        // SAFETY: on success librdkafka owns the conf and `self` must not free it; on failure it
        // stays ours and is freed by `drop`. `reason` has the room it says.
        let rk =
            super::process::apart_from_fork(|| unsafe { rd::rd_kafka_new(native, self.0, reason.as_mut_ptr(), reason.len()) });
        if rk.is_null() {
            // SAFETY: librdkafka terminated the text.
            return Err(unsafe { text(reason.as_ptr()) });
        }
        std::mem::forget(self);
        // SAFETY: `rk` is a fresh client, nobody else holds it.
        Ok(unsafe { Client::own(rk, kind, shared) })
    }

    fn install_callbacks(&self, kind: Kind, shared: &Arc<Shared>) {
        let Wanted { throttle, tokens, commits, .. } = shared.wanted;
        // SAFETY: the conf is ours. `shared` outlives the client, which keeps a count of it until
        // after rd_kafka_destroy.
        unsafe {
            rd::rd_kafka_conf_set_opaque(self.0, Arc::as_ptr(shared) as *mut _);
            super::resolve::install(self.0);
            rd::rd_kafka_conf_set_error_cb(self.0, Some(callbacks::on_error));
            rd::rd_kafka_conf_set_stats_cb(self.0, Some(callbacks::on_stats));
            if tokens {
                rd::rd_kafka_conf_set_oauthbearer_token_refresh_cb(self.0, Some(callbacks::on_token_wanted));
            }
            if throttle {
                rd::rd_kafka_conf_set_throttle_cb(self.0, Some(callbacks::on_throttle));
            }
            if commits {
                rd::rd_kafka_conf_set_offset_commit_cb(self.0, Some(callbacks::on_commit));
            }
            match kind {
                Kind::Producer => rd::rd_kafka_conf_set_dr_msg_cb(self.0, Some(callbacks::on_delivery)),
                Kind::Consumer => rd::rd_kafka_conf_set_rebalance_cb(self.0, Some(callbacks::on_rebalance)),
            }
        }
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: still ours, as `create` forgets a conf that was taken.
        unsafe { rd::rd_kafka_conf_destroy(self.0) };
    }
}

/// Topic-level settings.
pub struct TopicConf(*mut rd::rd_kafka_topic_conf_t);

impl TopicConf {
    pub fn new() -> TopicConf {
        // SAFETY: takes no pointers.
        TopicConf(unsafe { rd::rd_kafka_topic_conf_new() })
    }

    /// A copy of the client's own topic-level settings, to put a topic's on top.
    pub fn of(client: &Client) -> TopicConf {
        // SAFETY: the client is live.
        TopicConf(unsafe { rd::rd_kafka_default_topic_conf_dup(client.as_ptr()) })
    }

    pub fn set(&mut self, key: &CString, value: &CString) -> Result<(), Refused> {
        let mut reason = [0 as c_char; ERROR_SPACE];
        // SAFETY: the conf is ours, the strings are terminated, `reason` has the room it says.
        let (code, reason) = unsafe {
            let code = rd::rd_kafka_topic_conf_set(self.0, key.as_ptr(), value.as_ptr(), reason.as_mut_ptr(), reason.len());
            (code, text(reason.as_ptr()))
        };
        refused(code, reason)
    }

    /// The value a property has here, as librdkafka prints it.
    pub fn property(&self, key: &CString) -> Option<String> {
        // SAFETY: the conf is ours; `printed` passes a place for the size and room for as much.
        printed(|value, size| unsafe { rd::rd_kafka_topic_conf_get(self.0, key.as_ptr(), value, size) })
    }

    /// A number of the caller's, which a topic made of these settings has: [`super::topic::Topic::mark`].
    pub fn mark(&mut self, mark: usize) {
        // SAFETY: the conf is ours; librdkafka only copies the number.
        unsafe { rd::rd_kafka_topic_conf_set_opaque(self.0, mark as *mut std::os::raw::c_void) };
    }

    /// For rd_kafka_topic_new, which frees it on every path.
    pub fn into_raw(self) -> *mut rd::rd_kafka_topic_conf_t {
        let conf = self.0;
        std::mem::forget(self);
        conf
    }
}

impl Drop for TopicConf {
    fn drop(&mut self) {
        // SAFETY: still ours, as `into_raw` forgets.
        unsafe { rd::rd_kafka_topic_conf_destroy(self.0) };
    }
}

/// What `get` prints into the room it is given, once it has told how much it needs.
pub fn printed(get: impl Fn(*mut c_char, *mut usize) -> rd::rd_kafka_conf_res_t) -> Option<String> {
    let mut size = 0;
    if get(std::ptr::null_mut(), &mut size) != rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
        return None;
    }
    let mut value = vec![0u8; size.max(1)];
    let mut room = value.len();
    if get(value.as_mut_ptr().cast(), &mut room) != rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
        return None;
    }
    let text = std::ffi::CStr::from_bytes_until_nul(&value).ok()?;
    Some(text.to_string_lossy().into_owned())
}

fn refused(code: rd::rd_kafka_conf_res_t, reason: String) -> Result<(), Refused> {
    match code {
        rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK => Ok(()),
        rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_UNKNOWN => Err(Refused::Unknown(reason)),
        _ => Err(Refused::Invalid(reason)),
    }
}
