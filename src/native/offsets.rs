//! What brokers know of a partition's offsets. The calls that ask block.

use std::ffi::CString;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::check;
use crate::model::error::KafkaError;

/// The first offset of a partition and the one after its last, asked of its leader within `ms`.
pub fn watermarks(client: &Client, topic: &CString, partition: i32, ms: i32) -> Result<(i64, i64), KafkaError> {
    let (mut low, mut high) = (0, 0);
    // SAFETY: the client is live, the name terminated, both places valid for writing.
    check(unsafe { rd::rd_kafka_query_watermark_offsets(client.as_ptr(), topic.as_ptr(), partition, &mut low, &mut high, ms) })?;
    Ok((low, high))
}
