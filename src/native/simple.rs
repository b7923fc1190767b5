//! Reading single partitions without being a member of a group.

use rdkafka::bindings as rd;

use super::error::{from_code, last_code};
use super::queue::Queue;
use super::topic::Topic;
use crate::model::error::KafkaError;

fn checked(result: i32) -> Result<(), KafkaError> {
    if result == 0 {
        return Ok(());
    }
    Err(from_code(last_code(), None))
}

/// Fetches from `offset` on into `queue`. The partition must not be started already.
pub fn start(topic: &Topic, partition: i32, offset: i64, queue: &Queue) -> Result<(), KafkaError> {
    // SAFETY: topic and queue are live references of ours.
    checked(unsafe { rd::rd_kafka_consume_start_queue(topic.as_ptr(), partition, offset, queue.as_ptr()) })
}

/// Ends that and waits for librdkafka's threads to have done so, which may take a commit. One at a
/// time a partition: librdkafka ends the process over a second one.
pub fn stop(topic: &Topic, partition: i32) -> Result<(), KafkaError> {
    // SAFETY: the topic is a live reference of ours.
    checked(unsafe { rd::rd_kafka_consume_stop(topic.as_ptr(), partition) })
}
