//! A reference to one of librdkafka's queues.

use rdkafka::bindings as rd;

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

    pub fn as_ptr(&self) -> *mut rd::rd_kafka_queue_t {
        self.0
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
