//! Consumer groups: who a consumer is in one, and what the cluster knows of one.

use super::error::KafkaError;
use super::metadata::Broker;
use super::partition::TopicPartition;

/// What fences offsets that are sent with a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMetadata {
    pub group_id: String,
    /// -1 for nobody in particular: such offsets are not fenced.
    pub generation_id: i32,
    pub member_id: String,
    /// `group.instance.id`, of a static member.
    pub group_instance_id: Option<String>,
}

/// The states of groups that can be asked for.
pub const STATES: [&str; 5] = ["PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty"];

/// What the cluster knows of a consumer group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub group_id: String,
    /// One of [`STATES`]; "Unknown" for what librdkafka has no name for.
    pub state: String,
    /// "Classic", or "Consumer" for the protocol of KIP-848.
    pub protocol: String,
    /// Its members assign partitions themselves and commit offsets only.
    pub is_simple: bool,
    pub assignor: String,
    pub coordinator: Option<Broker>,
    pub members: Vec<Member>,
    pub error: Option<KafkaError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub member_id: String,
    pub group_instance_id: Option<String>,
    pub client_id: String,
    pub host: String,
    pub assignment: Vec<TopicPartition>,
}
