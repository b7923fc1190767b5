//! Subscription and assignment of a consumer.

use std::ffi::CStr;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::{check, take, text};
use super::partitions::PartitionList;
use crate::model::error::KafkaError;
use crate::model::partition::TopicPartition;

pub fn unsubscribe(client: &Client) -> Result<(), KafkaError> {
    // SAFETY: the client is live.
    check(unsafe { rd::rd_kafka_unsubscribe(client.as_ptr()) })
}

/// Topics and patterns subscribed to.
pub fn subscription(client: &Client) -> Result<Vec<TopicPartition>, KafkaError> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the client is live; the list is ours once librdkafka made it.
    unsafe {
        check(rd::rd_kafka_subscription(client.as_ptr(), &mut list))?;
        Ok(PartitionList::own(list).entries())
    }
}

pub fn assignment(client: &Client) -> Result<Vec<TopicPartition>, KafkaError> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the client is live; the list is ours once librdkafka made it.
    unsafe {
        check(rd::rd_kafka_assignment(client.as_ptr(), &mut list))?;
        Ok(PartitionList::own(list).entries())
    }
}

/// Reads exactly these partitions from here on; none at all without a list.
pub fn assign(client: &Client, partitions: Option<&PartitionList>) -> Result<(), KafkaError> {
    let list = partitions.map_or(std::ptr::null_mut(), PartitionList::as_ptr);
    // SAFETY: client and list are live; the list is copied.
    check(unsafe { rd::rd_kafka_assign(client.as_ptr(), list) })
}

pub fn incremental_assign(client: &Client, partitions: &PartitionList) -> Result<(), KafkaError> {
    // SAFETY: client and list are live; the list is copied, the error object taken over.
    unsafe { take(rd::rd_kafka_incremental_assign(client.as_ptr(), partitions.as_ptr())) }
}

pub fn incremental_unassign(client: &Client, partitions: &PartitionList) -> Result<(), KafkaError> {
    // SAFETY: client and list are live; the list is copied, the error object taken over.
    unsafe { take(rd::rd_kafka_incremental_unassign(client.as_ptr(), partitions.as_ptr())) }
}

/// Whether the group has given our partitions to others already.
pub fn is_assignment_lost(client: &Client) -> bool {
    // SAFETY: the client is live.
    unsafe { rd::rd_kafka_assignment_lost(client.as_ptr()) != 0 }
}

/// `NONE`, `EAGER` or `COOPERATIVE`.
pub fn rebalance_protocol(client: &Client) -> String {
    // SAFETY: the client is live; the name is static, or null for a client without a group.
    unsafe { text(rd::rd_kafka_rebalance_protocol(client.as_ptr())) }
}

pub fn is_cooperative(client: &Client) -> bool {
    // SAFETY: the client is live.
    unsafe { cooperates(client.as_ptr()) }
}

/// Its group assigns all partitions at once or none.
pub fn is_eager(client: &Client) -> bool {
    // SAFETY: the client is live.
    unsafe { has_protocol(client.as_ptr(), c"EAGER") }
}

/// # Safety
/// `rk` is a live consumer.
pub unsafe fn cooperates(rk: *mut rd::rd_kafka_t) -> bool {
    // SAFETY: by the caller's promise.
    unsafe { has_protocol(rk, c"COOPERATIVE") }
}

/// # Safety
/// `rk` is a live consumer.
unsafe fn has_protocol(rk: *mut rd::rd_kafka_t, wanted: &CStr) -> bool {
    // SAFETY: by the caller's promise; the name is static, or null once the group has been left.
    unsafe {
        let name = rd::rd_kafka_rebalance_protocol(rk);
        !name.is_null() && CStr::from_ptr(name) == wanted
    }
}

/// What the group calls this member; none before it joined.
pub fn member_id(client: &Client) -> Option<String> {
    // SAFETY: the client is live; the text is ours and freed by librdkafka's allocator.
    unsafe {
        let id = rd::rd_kafka_memberid(client.as_ptr());
        if id.is_null() {
            return None;
        }
        let copy = text(id);
        rd::rd_kafka_mem_free(client.as_ptr(), id.cast());
        Some(copy).filter(|id| !id.is_empty())
    }
}
