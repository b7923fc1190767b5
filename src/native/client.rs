//! The owner of one `rd_kafka_t` and of the queue its events arrive in.

use std::ffi::CString;
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::callbacks;
use super::conf::printed;
use super::queue::Queue;
use super::shared::Shared;
use crate::model::config::Kind;
use crate::model::error::KafkaError;

/// `rd_kafka_consumer_close` inside destroy waits for a broker that may be dead.
const NO_CONSUMER_CLOSE: i32 = 0x8;

/// Dropping destroys the client and may take a while: never on the Lua thread.
pub struct Client {
    rk: *mut rd::rd_kafka_t,
    queue: Option<Queue>,
    shared: Arc<Shared>,
    pub generation: u32,
}

// SAFETY: librdkafka's calls on one client may come from any thread at any time.
unsafe impl Send for Client {}
// SAFETY: as above; the other fields are only read.
unsafe impl Sync for Client {}

impl Client {
    /// # Safety
    /// `rk` is a fresh client that nobody else holds and whose opaque is `shared`.
    pub unsafe fn own(rk: *mut rd::rd_kafka_t, kind: Kind, shared: Arc<Shared>) -> Client {
        // SAFETY: `rk` is live; a queue of it is ours until dropped. The event callback's opaque
        // is `shared`, which outlives the queue: `drop` switches the callback off first.
        unsafe {
            let queue = match kind {
                Kind::Producer => rd::rd_kafka_queue_get_main(rk),
                Kind::Consumer => {
                    rd::rd_kafka_poll_set_consumer(rk);
                    let queue = rd::rd_kafka_queue_get_consumer(rk);
                    if queue.is_null() {
                        rd::rd_kafka_queue_get_main(rk)
                    } else {
                        queue
                    }
                }
            };
            rd::rd_kafka_queue_cb_event_enable(queue, Some(callbacks::on_queue_filled), Arc::as_ptr(&shared) as *mut _);
            Client { rk, queue: Queue::own(queue), shared, generation: super::process::generation() }
        }
    }

    pub fn as_ptr(&self) -> *mut rd::rd_kafka_t {
        self.rk
    }

    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub fn queue(&self) -> Option<&Queue> {
        self.queue.as_ref()
    }

    pub fn name(&self) -> String {
        // SAFETY: the name lives as long as the client.
        unsafe { super::error::text(rd::rd_kafka_name(self.rk)) }
    }

    /// Adds to the brokers the client starts from; returns how many were understood.
    pub fn add_brokers(&self, list: &CString) -> i32 {
        // SAFETY: the client is live, the string terminated and copied.
        unsafe { rd::rd_kafka_brokers_add(self.rk, list.as_ptr()) }
    }

    /// Serves what is queued without waiting: callbacks copy into `shared`.
    pub fn serve(&self) {
        // SAFETY: the client is live.
        unsafe { rd::rd_kafka_poll(self.rk, 0) };
    }

    pub fn fatal_error(&self) -> Option<KafkaError> {
        // SAFETY: the client is live.
        unsafe { callbacks::fatal_error(self.rk) }
    }

    /// Whether there is a [`Client::fatal_error`].
    pub fn is_unusable(&self) -> bool {
        // SAFETY: the client is live; without room nothing is written.
        unsafe { rd::rd_kafka_fatal_error(self.rk, std::ptr::null_mut(), 0) as i32 != 0 }
    }

    /// Makes the client believe that `code`, one of librdkafka's own table, has made it unusable.
    pub fn test_fatal_error(&self, code: i32, reason: &CString) -> Result<(), KafkaError> {
        // SAFETY: the client is live, the text terminated and copied, the code a value of the enum.
        super::error::check(unsafe {
            let code = std::mem::transmute::<i32, rd::rd_kafka_resp_err_t>(code);
            rd::rd_kafka_test_fatal_error(self.rk, code, reason.as_ptr())
        })
    }

    /// The value a property has in this client, as librdkafka prints it.
    pub fn property(&self, key: &CString) -> Option<String> {
        // SAFETY: the conf belongs to the client and is only read; `printed` passes a place for
        // the size and room for as much.
        printed(|value, size| unsafe { rd::rd_kafka_conf_get(rd::rd_kafka_conf(self.rk), key.as_ptr(), value, size) })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.generation != super::process::generation() {
            // The parent's threads are not here; its memory is left as it is.
            std::mem::forget(self.queue.take());
            std::mem::forget(self.shared.clone());
            return;
        }
        if let Some(queue) = self.queue.take() {
            queue.forget_events();
        }
        // SAFETY: this is the last owner; topics, queues and messages hold a count of their own
        // and so are gone.
        super::process::apart_from_fork(|| unsafe { rd::rd_kafka_destroy_flags(self.rk, NO_CONSUMER_CLOSE) });
    }
}
