//! What brokers know of a partition's offsets. The calls that ask block.

use std::ffi::CString;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::check;
use super::partitions::PartitionList;
use crate::model::error::KafkaError;
use crate::model::partition::{TopicPartition, INVALID};

/// The first offset of a partition and the one after its last, asked of its leader within `ms`.
pub fn watermarks(client: &Client, topic: &CString, partition: i32, ms: i32) -> Result<(i64, i64), KafkaError> {
    let (mut low, mut high) = (0, 0);
    // SAFETY: the client is live, the name terminated, both places valid for writing.
    check(unsafe { rd::rd_kafka_query_watermark_offsets(client.as_ptr(), topic.as_ptr(), partition, &mut low, &mut high, ms) })?;
    Ok((low, high))
}

/// The same as far as this client has heard: of what it consumes, or has asked for.
pub fn cached_watermarks(client: &Client, topic: &CString, partition: i32) -> Option<(i64, i64)> {
    let (mut low, mut high) = (INVALID, INVALID);
    // SAFETY: as above.
    check(unsafe { rd::rd_kafka_get_watermark_offsets(client.as_ptr(), topic.as_ptr(), partition, &mut low, &mut high) }).ok()?;
    (low >= 0 && high >= 0).then_some((low, high))
}

/// For each partition the first offset at or after the timestamp that stands in the offset's
/// place; [`END`](crate::model::partition::END) where no message is that late.
pub fn for_times(client: &Client, wanted: &[TopicPartition], ms: i32) -> Result<Vec<TopicPartition>, KafkaError> {
    let list = PartitionList::of(wanted);
    // SAFETY: client and list are live; the list is filled in place.
    check(unsafe { rd::rd_kafka_offsets_for_times(client.as_ptr(), list.as_ptr(), ms) })?;
    Ok(list.entries())
}
