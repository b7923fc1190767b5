//! What a cluster says of itself: brokers, topics, and who leads which partition.

use super::error::KafkaError;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub brokers: Vec<Broker>,
    pub topics: Vec<TopicMetadata>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    pub id: i32,
    pub host: String,
    pub port: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMetadata {
    pub name: String,
    pub partitions: Vec<PartitionMetadata>,
    pub error: Option<KafkaError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionMetadata {
    pub id: i32,
    /// The leading broker; -1 for none.
    pub leader: i32,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub error: Option<KafkaError>,
}

impl Metadata {
    /// One topic alone; one that is not there has the error `missing`.
    pub fn only(mut self, name: &str, missing: impl FnOnce() -> KafkaError) -> Metadata {
        self.topics.retain(|topic| topic.name == name);
        if self.topics.is_empty() {
            self.topics.push(TopicMetadata { name: name.into(), partitions: Vec::new(), error: Some(missing()) });
        }
        self
    }
}
