//! A topic-partition list of librdkafka's.

use std::ffi::CString;

use rdkafka::bindings as rd;

use super::error::{code_at, from_code, text};
use crate::model::partition::TopicPartition;

pub struct PartitionList(*mut rd::rd_kafka_topic_partition_list_t);

// SAFETY: a list is plain memory without ties to a thread; one owner at a time uses it.
unsafe impl Send for PartitionList {}

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

    /// A list of the entries given. Topics were checked before: one that holds NUL is left out.
    pub fn of(entries: &[TopicPartition]) -> PartitionList {
        let mut list = PartitionList::new(entries.len());
        for entry in entries {
            list.add(entry);
        }
        list
    }

    pub fn add(&mut self, entry: &TopicPartition) {
        let Ok(topic) = CString::new(entry.topic.as_str()) else { return };
        // SAFETY: the list is ours, the name is terminated and copied. The metadata is malloc's and
        // the list's from here on; a list of librdkafka frees it with the entry.
        unsafe {
            let added = rd::rd_kafka_topic_partition_list_add(self.0, topic.as_ptr(), entry.partition);
            (*added).offset = entry.offset;
            if entry.leader_epoch >= 0 {
                rd::rd_kafka_topic_partition_set_leader_epoch(added, entry.leader_epoch);
            }
            if let Some(metadata) = &entry.metadata {
                let copy: *mut u8 = libc::malloc(metadata.len().max(1)).cast();
                if !copy.is_null() {
                    std::ptr::copy_nonoverlapping(metadata.as_ptr(), copy, metadata.len());
                    (*added).metadata = copy.cast();
                    (*added).metadata_size = metadata.len();
                }
            }
        }
    }

    pub fn as_ptr(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0
    }

    pub fn entries(&self) -> Vec<TopicPartition> {
        // SAFETY: `elems` holds `cnt` initialised entries with terminated topic names; metadata is
        // null or holds as many bytes as it says.
        unsafe {
            let list = &*self.0;
            if list.cnt <= 0 {
                return Vec::new();
            }
            std::slice::from_raw_parts(list.elems, list.cnt as usize)
                .iter()
                .map(|entry| {
                    let code = code_at(&raw const entry.err);
                    let metadata = (!entry.metadata.is_null() && entry.metadata_size > 0)
                        .then(|| std::slice::from_raw_parts(entry.metadata.cast::<u8>(), entry.metadata_size).to_vec());
                    TopicPartition {
                        topic: text(entry.topic),
                        partition: entry.partition,
                        offset: entry.offset,
                        metadata,
                        leader_epoch: rd::rd_kafka_topic_partition_get_leader_epoch(entry),
                        error: (code != 0).then(|| from_code(code, None)),
                    }
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
