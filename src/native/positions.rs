//! Where a consumer is in its partitions, and moving it.

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::{check, take};
use super::partitions::PartitionList;
use crate::model::error::KafkaError;
use crate::model::partition::TopicPartition;

/// Where librdkafka will hand out from next, its own queue of ours aside.
pub fn position(client: &Client, of: &[TopicPartition]) -> Result<Vec<TopicPartition>, KafkaError> {
    let list = PartitionList::of(of);
    // SAFETY: client and list are live; the list is filled in place.
    check(unsafe { rd::rd_kafka_position(client.as_ptr(), list.as_ptr()) })?;
    Ok(list.entries())
}

/// Moves partitions that are being read. This is between librdkafka's threads: no broker is asked,
/// and when it returns what was fetched before is out of date. Errors lie in the entries.
pub fn seek(client: &Client, to: &[TopicPartition], ms: i32) -> Result<Vec<TopicPartition>, KafkaError> {
    let list = PartitionList::of(to);
    // SAFETY: client and list are live; the error object is taken over.
    unsafe { take(rd::rd_kafka_seek_partitions(client.as_ptr(), list.as_ptr(), ms)) }?;
    Ok(list.entries())
}

/// Stops or goes on fetching. Entries that are not assigned carry their error.
pub fn set_paused(client: &Client, partitions: &[TopicPartition], paused: bool) -> Result<Vec<TopicPartition>, KafkaError> {
    let list = PartitionList::of(partitions);
    // SAFETY: client and list are live.
    check(unsafe {
        if paused {
            rd::rd_kafka_pause_partitions(client.as_ptr(), list.as_ptr())
        } else {
            rd::rd_kafka_resume_partitions(client.as_ptr(), list.as_ptr())
        }
    })?;
    Ok(list.entries())
}
