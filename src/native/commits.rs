//! Offsets a group has committed, what is stored for the next commit, and committing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::client::Client;
use super::error::check;
use super::partitions::PartitionList;
use super::queue::Queue;
use crate::model::error::{KafkaError, NO_OFFSET};
use crate::model::partition::TopicPartition;

/// What the group has committed, asked of its coordinator within `ms`.
pub fn committed(client: &Client, of: &[TopicPartition], ms: i32) -> Result<Vec<TopicPartition>, KafkaError> {
    let list = PartitionList::of(of);
    // SAFETY: client and list are live; the list is filled in place.
    check(unsafe { rd::rd_kafka_committed(client.as_ptr(), list.as_ptr(), ms) })?;
    Ok(list.entries())
}

/// Marks offsets as what the next commit commits. Entries that could not be stored carry their error.
pub fn store(client: &Client, offsets: &[TopicPartition]) -> Result<(), KafkaError> {
    let list = PartitionList::of(offsets);
    // SAFETY: client and list are live.
    let code = check(unsafe { rd::rd_kafka_offsets_store(client.as_ptr(), list.as_ptr()) });
    list.entries().iter().find_map(refusal).map_or(code, Err)
}

/// A commit with a queue of its own for the answer.
#[derive(Clone)]
pub struct Commit(Arc<Inner>);

struct Inner {
    queue: Queue,
    taken: AtomicBool,
}

impl Commit {
    pub fn prepare(client: &Client) -> Result<Commit, KafkaError> {
        Ok(Commit(Arc::new(Inner { queue: waking_queue(client)?, taken: AtomicBool::new(false) })))
    }

    /// Asks the group to commit `offsets`, or what is stored. Does not wait.
    pub fn begin(&self, client: &Client, offsets: Option<&[TopicPartition]>) -> Result<(), KafkaError> {
        begin_commit(client, offsets, &self.0.queue, 0)
    }

    /// Waits up to `ms` for the answer, which brings what was committed.
    pub fn wait(&self, ms: i32) -> Result<Vec<TopicPartition>, KafkaError> {
        let late = || KafkaError::timed_out("the offsets were not committed in time");
        let (_, error, offsets) = take_commit(&self.0.queue, ms).ok_or_else(late)?;
        self.0.taken.store(true, Ordering::Release);
        error.map_or(Ok(offsets), Err)
    }

    /// The answer is there, whether or not anybody still waits for it.
    pub fn is_answered(&self) -> bool {
        self.0.queue.len() > 0 || self.0.taken.load(Ordering::Acquire)
    }
}

/// Commits `offsets`, or what is stored, and waits up to `ms` for the answer.
pub fn commit_now(client: &Client, offsets: Option<&[TopicPartition]>, ms: i32) -> Result<Vec<TopicPartition>, KafkaError> {
    let commit = Commit::prepare(client)?;
    commit.begin(client, offsets)?;
    commit.wait(ms)
}

/// A queue of our own for answers; it is no client's main queue.
pub fn reply_queue(client: &Client) -> Result<Queue, KafkaError> {
    // SAFETY: the client is live; the reference is ours.
    let queue = unsafe { Queue::own(rd::rd_kafka_queue_new(client.as_ptr())) };
    queue.ok_or_else(|| KafkaError::new(-196, "_FAIL", "no queue could be made"))
}

/// As [`reply_queue`], one that wakes the client when an answer comes.
pub fn waking_queue(client: &Client) -> Result<Queue, KafkaError> {
    let queue = reply_queue(client)?;
    let shared = std::sync::Arc::as_ptr(client.shared()).cast_mut().cast();
    // SAFETY: the queue is ours; the client keeps its `Shared` until it is destroyed.
    unsafe { rd::rd_kafka_queue_cb_event_enable(queue.as_ptr(), Some(super::callbacks::on_queue_filled), shared) };
    Ok(queue)
}

/// Asks for a commit of `offsets`, or of what is stored; the answer comes to `queue` with `call`.
pub fn begin_commit(client: &Client, offsets: Option<&[TopicPartition]>, queue: &Queue, call: usize) -> Result<(), KafkaError> {
    let list = offsets.map(PartitionList::of);
    let raw = list.as_ref().map_or(std::ptr::null_mut(), PartitionList::as_ptr);
    // SAFETY: client and queue are live, the list is copied; a null list means what is stored. The
    // opaque is a number.
    check(unsafe { rd::rd_kafka_commit_queue(client.as_ptr(), raw, queue.as_ptr(), None, call as *mut std::os::raw::c_void) })
}

/// The next answer to a commit within `ms`: its call, what went wrong, what it was about. Nothing to
/// commit is no error.
pub fn take_commit(queue: &Queue, ms: i32) -> Option<(usize, Option<KafkaError>, Vec<TopicPartition>)> {
    // SAFETY: the queue is ours; the event is ours until destroyed, and so is what it points to.
    unsafe {
        let event = rd::rd_kafka_queue_poll(queue.as_ptr(), ms);
        if event.is_null() {
            return None;
        }
        let call = rd::rd_kafka_event_opaque(event) as usize;
        let error = check(rd::rd_kafka_event_error(event)).err();
        let offsets = committed_only(PartitionList::copy_of(rd::rd_kafka_event_topic_partition_list(event)).entries());
        rd::rd_kafka_event_destroy(event);
        match error {
            Some(error) if error.code == NO_OFFSET => Some((call, None, Vec::new())),
            Some(error) => Some((call, Some(error), offsets)),
            None => Some((call, offsets.iter().find_map(refusal), offsets)),
        }
    }
}

/// librdkafka lists partitions too that had nothing to commit.
pub fn committed_only(mut offsets: Vec<TopicPartition>) -> Vec<TopicPartition> {
    offsets.retain(|entry| entry.offset >= 0);
    offsets
}

pub fn refusal(entry: &TopicPartition) -> Option<KafkaError> {
    let mut error = entry.error.clone()?;
    error.message = format!("{} [{}]: {}", entry.topic, entry.partition, error.message);
    Some(error)
}
