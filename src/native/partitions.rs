//! A topic-partition list of librdkafka's.

use std::ffi::{CStr, CString};

use rdkafka::bindings as rd;

use super::error::code_at;

pub struct PartitionList(*mut rd::rd_kafka_topic_partition_list_t);

// SAFETY: a list is plain memory without ties to a thread; one owner at a time uses it.
unsafe impl Send for PartitionList {}

/// One entry, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    pub topic: Vec<u8>,
    pub partition: i32,
    pub offset: i64,
    pub code: i32,
}

impl PartitionList {
    pub fn new(capacity: usize) -> PartitionList {
        // SAFETY: takes no pointers.
        PartitionList(unsafe { rd::rd_kafka_topic_partition_list_new(i32::try_from(capacity).unwrap_or(0)) })
    }

    /// # Safety
    /// `list` is a live list the caller gives away.
    pub unsafe fn own(list: *mut rd::rd_kafka_topic_partition_list_t) -> PartitionList {
        PartitionList(list)
    }

    /// Copies librdkafka's own list; null copies as empty.
    ///
    /// # Safety
    /// `list` is null or a live list.
    pub unsafe fn copy_of(list: *const rd::rd_kafka_topic_partition_list_t) -> PartitionList {
        if list.is_null() {
            return PartitionList::new(0);
        }
        // SAFETY: by the caller's promise.
        PartitionList(unsafe { rd::rd_kafka_topic_partition_list_copy(list) })
    }

    /// Adds an entry without an offset. The topic was checked before: it holds no NUL.
    pub fn add(&mut self, topic: &CString, partition: i32) {
        // SAFETY: the list is ours, the name is terminated and copied.
        unsafe { rd::rd_kafka_topic_partition_list_add(self.0, topic.as_ptr(), partition) };
    }

    pub fn as_ptr(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0
    }

    pub fn entries(&self) -> Vec<Partition> {
        // SAFETY: `elems` holds `cnt` initialised entries with terminated topic names.
        unsafe {
            let list = &*self.0;
            if list.cnt <= 0 {
                return Vec::new();
            }
            std::slice::from_raw_parts(list.elems, list.cnt as usize)
                .iter()
                .map(|entry| Partition {
                    topic: CStr::from_ptr(entry.topic).to_bytes().to_vec(),
                    partition: entry.partition,
                    offset: entry.offset,
                    code: code_at(&raw const entry.err),
                })
                .collect()
        }
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: the list is ours and destroyed once.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.0) };
    }
}
