//! A reference to one of librdkafka's queues.

use std::ffi::CString;
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::callbacks;
use super::client::Client;
use super::wake::Wake;

pub struct Queue(*mut rd::rd_kafka_queue_t);

// SAFETY: queues are locked inside librdkafka and may be used from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// # Safety
    /// `queue` is null or a reference the caller gives away.
    pub unsafe fn own(queue: *mut rd::rd_kafka_queue_t) -> Option<Queue> {
        (!queue.is_null()).then_some(Queue(queue))
    }

    /// An empty queue of our own, to which partitions may be led.
    pub fn new(client: &Client) -> Option<Queue> {
        // SAFETY: the client is live; the reference is ours.
        unsafe { Queue::own(rd::rd_kafka_queue_new(client.as_ptr())) }
    }

    /// Where the messages of one partition arrive before they go to the consumer's queue.
    pub fn of_partition(client: &Client, topic: &CString, partition: i32) -> Option<Queue> {
        // SAFETY: the client is live, the name terminated; the reference is ours.
        unsafe { Queue::own(rd::rd_kafka_queue_get_partition(client.as_ptr(), topic.as_ptr(), partition)) }
    }

    pub fn as_ptr(&self) -> *mut rd::rd_kafka_queue_t {
        self.0
    }

    /// Leads what arrives, and what is there, to another queue; with none it stays here.
    pub fn forward(&self, to: Option<&Queue>) {
        // SAFETY: both references are live; null ends the forwarding.
        unsafe { rd::rd_kafka_queue_forward(self.0, to.map_or(std::ptr::null_mut(), Queue::as_ptr)) };
    }

    pub fn len(&self) -> usize {
        // SAFETY: the reference is ours.
        unsafe { rd::rd_kafka_queue_length(self.0) }
    }

    /// From here on nobody is told when the queue fills.
    pub fn forget_events(&self) {
        // SAFETY: the reference is ours; null switches the callback off.
        unsafe { rd::rd_kafka_queue_cb_event_enable(self.0, None, std::ptr::null_mut()) };
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and given back once.
        unsafe { rd::rd_kafka_queue_destroy(self.0) };
    }
}

/// A queue that raises a wake-up of its own when it fills.
pub struct WakingQueue {
    queue: Queue,
    /// Librdkafka holds its address until the queue forgets its events.
    _wake: Arc<Wake>,
}

impl WakingQueue {
    pub fn new(queue: Queue, wake: Arc<Wake>) -> WakingQueue {
        // SAFETY: the reference is ours; the address is that of `wake`, which `drop` outlives.
        unsafe {
            let opaque = Arc::as_ptr(&wake) as *mut _;
            rd::rd_kafka_queue_cb_event_enable(queue.as_ptr(), Some(callbacks::on_feed_filled), opaque);
        }
        WakingQueue { queue, _wake: wake }
    }

    pub fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl Drop for WakingQueue {
    fn drop(&mut self) {
        self.queue.forget_events();
    }
}
