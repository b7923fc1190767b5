//! A topic handle: what `produce` needs to know of a topic.

use std::ffi::CString;
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::client::Client;
use super::conf::TopicConf;
use super::error::{from_code, last_code};
use crate::model::error::KafkaError;

pub struct Topic {
    handle: *mut rd::rd_kafka_topic_t,
    /// Keeps the client alive for at least as long as the handle.
    client: Arc<Client>,
}

// SAFETY: topic handles are counted and locked inside librdkafka.
unsafe impl Send for Topic {}
// SAFETY: as above.
unsafe impl Sync for Topic {}

impl Topic {
    /// Opens a handle. Without `conf` the client's topic-level settings hold.
    pub fn open(client: &Arc<Client>, name: &CString, conf: Option<TopicConf>) -> Result<Topic, KafkaError> {
        let conf = conf.map_or(std::ptr::null_mut(), TopicConf::into_raw);
        // SAFETY: the client is live, the name terminated; the conf is librdkafka's from here on,
        // whatever the outcome.
        let handle = unsafe { rd::rd_kafka_topic_new(client.as_ptr(), name.as_ptr(), conf) };
        if handle.is_null() {
            return Err(from_code(last_code(), None));
        }
        Ok(Topic { handle, client: client.clone() })
    }

    /// The mark of the settings in force, 0 of those without one. They may be older than the ones it
    /// was opened with: librdkafka knows a topic for as long as the client lives.
    pub fn mark(&self) -> usize {
        // SAFETY: the handle is live; the opaque is a number, see `TopicConf::mark`.
        unsafe { rd::rd_kafka_topic_opaque(self.handle) as usize }
    }

    pub fn as_ptr(&self) -> *mut rd::rd_kafka_topic_t {
        self.handle
    }

    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        if self.client.generation != super::process::generation() {
            return;
        }
        // SAFETY: the reference is ours and given back once, before the client's.
        unsafe { rd::rd_kafka_topic_destroy(self.handle) };
    }
}
