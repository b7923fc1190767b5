//! A partition with what is said of it: an offset to read from, its metadata, an error.

use super::error::KafkaError;

/// Offsets with a meaning of their own, as Kafka numbers them.
pub const BEGINNING: i64 = -2;
pub const END: i64 = -1;
pub const STORED: i64 = -1000;
/// No offset is known, or none is meant.
pub const INVALID: i64 = -1001;
/// `TAIL - n` is n messages before the end.
pub const TAIL: i64 = -2000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPartition {
    pub topic: String,
    pub partition: i32,
    /// [`INVALID`] for none.
    pub offset: i64,
    /// What a commit carries besides the offset.
    pub metadata: Option<Vec<u8>>,
    /// -1 for unknown.
    pub leader_epoch: i32,
    pub error: Option<KafkaError>,
}

impl TopicPartition {
    pub fn new(topic: impl Into<String>, partition: i32, offset: i64) -> TopicPartition {
        TopicPartition { topic: topic.into(), partition, offset, metadata: None, leader_epoch: -1, error: None }
    }

    pub fn is_at(&self, topic: &[u8], partition: i32) -> bool {
        self.partition == partition && self.topic.as_bytes() == topic
    }
}
