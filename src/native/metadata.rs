//! What brokers say of the cluster. The calls that ask block.

use std::ffi::CString;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::{check, code_at, from_code, text};
use super::topic::Topic;
use crate::model::error::{KafkaError, UNKNOWN_TOPIC_OR_PART};
use crate::model::metadata::{Broker, Metadata, PartitionMetadata, TopicMetadata};

/// What is asked for, besides brokers.
pub enum Scope {
    All,
    /// One topic. A producer's question makes a broker create it if brokers may do that; a
    /// consumer's does so with `allow.auto.create.topics`.
    Topic(Topic),
    /// One topic picked out of all. librdkafka has no other way that leaves no handle behind, and
    /// a handle would keep settings that a later one should have.
    Named(CString),
}

/// Asks a broker within `ms`.
pub fn query(client: &Client, scope: &Scope, ms: i32) -> Result<Metadata, KafkaError> {
    let only = if let Scope::Topic(topic) = scope { topic.as_ptr() } else { std::ptr::null_mut() };
    let mut found = std::ptr::null();
    // SAFETY: client and topic are live, `found` is valid for writing; what it then points to is
    // ours, read while it lives, and destroyed once.
    let metadata = unsafe {
        check(rd::rd_kafka_metadata(client.as_ptr(), i32::from(only.is_null()), only, &mut found, ms))?;
        let copy = copy(&*found);
        rd::rd_kafka_metadata_destroy(found);
        copy
    };
    Ok(match scope {
        Scope::Named(name) => metadata.only(&name.to_string_lossy(), || from_code(UNKNOWN_TOPIC_OR_PART, None)),
        _ => metadata,
    })
}

/// The cluster's id; none within `ms` if no broker has answered yet, or if brokers are too old.
pub fn cluster_id(client: &Client, ms: i32) -> Option<String> {
    // SAFETY: the client is live; the string is ours, terminated, and freed by librdkafka's free.
    unsafe {
        let id = rd::rd_kafka_clusterid(client.as_ptr(), ms);
        if id.is_null() {
            return None;
        }
        let copy = text(id);
        rd::rd_kafka_mem_free(client.as_ptr(), id.cast());
        Some(copy)
    }
}

/// The controlling broker's id; none as for [`cluster_id`].
pub fn controller_id(client: &Client, ms: i32) -> Option<i32> {
    // SAFETY: the client is live.
    let id = unsafe { rd::rd_kafka_controllerid(client.as_ptr(), ms) };
    (id >= 0).then_some(id)
}

/// The `count` values at `first`.
///
/// # Safety
/// There are that many, and they outlive the slice; `first` may be null when there are none.
unsafe fn slice<'a, T>(first: *const T, count: i32) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: by the caller's promise.
        Ok(count) if count > 0 && !first.is_null() => unsafe { std::slice::from_raw_parts(first, count) },
        _ => &[],
    }
}

/// # Safety
/// `error` is readable; brokers may send codes the enum does not know.
unsafe fn error_at(error: *const rd::rd_kafka_resp_err_t) -> Option<KafkaError> {
    // SAFETY: by the caller's promise.
    let code = unsafe { code_at(error) };
    (code != 0).then(|| from_code(code, None))
}

/// # Safety
/// `metadata` came from librdkafka and lives during the call.
unsafe fn copy(metadata: &rd::rd_kafka_metadata) -> Metadata {
    // SAFETY: counts and arrays belong together, names are terminated.
    unsafe {
        Metadata {
            brokers: slice(metadata.brokers, metadata.broker_cnt)
                .iter()
                .map(|broker| Broker { id: broker.id, host: text(broker.host), port: broker.port })
                .collect(),
            topics: slice(metadata.topics, metadata.topic_cnt)
                .iter()
                .map(|topic| TopicMetadata {
                    name: text(topic.topic),
                    partitions: slice(topic.partitions, topic.partition_cnt).iter().map(|one| copy_partition(one)).collect(),
                    error: error_at(&raw const topic.err),
                })
                .collect(),
        }
    }
}

/// # Safety
/// As [`copy`].
unsafe fn copy_partition(partition: &rd::rd_kafka_metadata_partition) -> PartitionMetadata {
    // SAFETY: counts and arrays belong together.
    unsafe {
        PartitionMetadata {
            id: partition.id,
            leader: partition.leader,
            replicas: slice(partition.replicas, partition.replica_cnt).to_vec(),
            isr: slice(partition.isrs, partition.isr_cnt).to_vec(),
            error: error_at(&raw const partition.err),
        }
    }
}
