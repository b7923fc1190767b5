//! Where a consumer stands in what it reads, and taking it back there.

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::{check, take};
use super::partitions::PartitionList;
use crate::model::error::KafkaError;
use crate::model::partition::TopicPartition;

/// The partitions that are the consumer's now.
pub fn assignment(client: &Client) -> Result<Vec<TopicPartition>, KafkaError> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the client is live; the list is ours once librdkafka made it.
    unsafe {
        check(rd::rd_kafka_assignment(client.as_ptr(), &mut list))?;
        Ok(PartitionList::own(list).entries())
    }
}

/// Whether the consumer is, or wants to be, a member of its group.
pub fn is_subscribed(client: &Client) -> bool {
    let mut list = std::ptr::null_mut();
    // SAFETY: as above.
    unsafe {
        check(rd::rd_kafka_subscription(client.as_ptr(), &mut list)).is_ok() && !PartitionList::own(list).entries().is_empty()
    }
}

/// Goes on reading from the offsets given. Does not wait; what was fetched before is outdated at once.
pub fn seek(client: &Client, places: &[TopicPartition]) -> Result<(), KafkaError> {
    if places.is_empty() {
        return Ok(());
    }
    let list = PartitionList::of(places);
    // SAFETY: client and list are live; the error object is taken over.
    unsafe { take(rd::rd_kafka_seek_partitions(client.as_ptr(), list.as_ptr(), 0)) }
}

/// The group's offsets of some partitions, asked of its coordinator within `ms`.
pub fn committed(client: &Client, places: &[TopicPartition], ms: i32) -> Result<Vec<TopicPartition>, KafkaError> {
    let list = PartitionList::of(places);
    // SAFETY: as above; librdkafka writes offsets into the list.
    check(unsafe { rd::rd_kafka_committed(client.as_ptr(), list.as_ptr(), ms) })?;
    Ok(list.entries())
}
