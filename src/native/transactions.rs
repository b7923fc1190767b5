//! The transactional calls. All but `begin` block for as long as brokers take: never on the Lua
//! thread. They get no timeout, as librdkafka recommends: "other values risk internal state
//! desynchronization".

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::take;
use super::group_metadata::GroupMetadata;
use super::partitions::PartitionList;
use crate::model::error::KafkaError;

const NO_TIMEOUT: i32 = -1;

/// Gets a producer id and fences whoever had it. Twice `transaction.timeout.ms` at the most.
pub fn init(client: &Client) -> Result<(), KafkaError> {
    // SAFETY: the client is live; the error object is taken over.
    unsafe { take(rd::rd_kafka_init_transactions(client.as_ptr(), NO_TIMEOUT)) }
}

/// Asks librdkafka's main thread only.
pub fn begin(client: &Client) -> Result<(), KafkaError> {
    // SAFETY: as above.
    unsafe { take(rd::rd_kafka_begin_transaction(client.as_ptr())) }
}

/// `transaction.timeout.ms` at the most.
pub fn send_offsets(client: &Client, offsets: &PartitionList, group: &GroupMetadata) -> Result<(), KafkaError> {
    // SAFETY: as above; list and metadata are live and copied.
    unsafe { take(rd::rd_kafka_send_offsets_to_transaction(client.as_ptr(), offsets.as_ptr(), group.as_ptr(), NO_TIMEOUT)) }
}

/// Flushes, serving reports on this thread, and commits.
pub fn commit(client: &Client) -> Result<(), KafkaError> {
    // SAFETY: as above.
    unsafe { take(rd::rd_kafka_commit_transaction(client.as_ptr(), NO_TIMEOUT)) }
}

/// Fails what is queued, waits for what is under way, and aborts.
pub fn abort(client: &Client) -> Result<(), KafkaError> {
    abort_within(client, NO_TIMEOUT)
}

/// As [`abort`], for a client that is about to be destroyed, whose state no longer matters.
pub fn abort_within(client: &Client, ms: i32) -> Result<(), KafkaError> {
    // SAFETY: as above.
    unsafe { take(rd::rd_kafka_abort_transaction(client.as_ptr(), ms)) }
}
