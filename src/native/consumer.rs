//! Group membership, assignment, batches and the way out.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;

use super::callbacks::tell_commit;
use super::client::Client;
use super::commits::{commit_now, committed_only};
use super::error::{check, take};
use super::group::cooperates;
use super::message::Message;
use super::partitions::PartitionList;
use super::queue::Queue;
use crate::model::error::{
    KafkaError, ASSIGN_PARTITIONS, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, STATE, UNKNOWN_MEMBER_ID,
};
use crate::model::partition::TopicPartition;

pub fn subscribe(client: &Client, topics: &PartitionList) -> Result<(), KafkaError> {
    // SAFETY: client and list are live; the list is copied.
    check(unsafe { rd::rd_kafka_subscribe(client.as_ptr(), topics.as_ptr()) })
}

/// Does what a rebalance announced, by the protocol the group uses.
///
/// # Safety
/// `rk` is a live consumer.
pub unsafe fn answer_rebalance(rk: *mut rd::rd_kafka_t, code: i32, partitions: &PartitionList) -> Result<(), KafkaError> {
    // SAFETY: by the caller's promise; lists are copied.
    unsafe {
        match (code == ASSIGN_PARTITIONS, cooperates(rk)) {
            (true, true) => take(rd::rd_kafka_incremental_assign(rk, partitions.as_ptr())),
            (false, true) => take(rd::rd_kafka_incremental_unassign(rk, partitions.as_ptr())),
            (true, false) => check(rd::rd_kafka_assign(rk, partitions.as_ptr())),
            (false, false) => check(rd::rd_kafka_assign(rk, std::ptr::null())),
        }
    }
}

/// As [`answer_rebalance`], for a client of ours.
pub fn answer(client: &Client, code: i32, partitions: &PartitionList) -> Result<(), KafkaError> {
    // SAFETY: the client is live and a consumer.
    unsafe { answer_rebalance(client.as_ptr(), code, partitions) }
}

/// Stops fetching partitions; one that is not assigned any more is passed over.
pub fn pause(client: &Client, partitions: &[TopicPartition]) {
    let list = PartitionList::of(partitions);
    // SAFETY: client and list are live.
    unsafe { rd::rd_kafka_pause_partitions(client.as_ptr(), list.as_ptr()) };
}

/// Fetches them again, after what was handed to us.
pub fn resume(client: &Client, partitions: &[TopicPartition]) {
    let list = PartitionList::of(partitions);
    // SAFETY: client and list are live.
    unsafe { rd::rd_kafka_resume_partitions(client.as_ptr(), list.as_ptr()) };
}

/// How many messages one call takes at the most.
pub const BATCH: usize = 256;

/// Takes what is local, up to `most`, without waiting, and returns how many; serves callbacks on the way. With
/// `most = 0` it only tells the group that the program is alive.
pub fn take_local(queue: &Queue, most: usize, into: &mut VecDeque<Message>) -> usize {
    let mut batch = [std::ptr::null_mut(); BATCH];
    // SAFETY: `batch` has room for as many pointers as are asked for; those filled are ours.
    unsafe {
        let count = rd::rd_kafka_consume_batch_queue(queue.as_ptr(), 0, batch.as_mut_ptr(), most.min(BATCH));
        let count = usize::try_from(count).unwrap_or(0);
        into.extend(batch.iter().take(count).map(|message| Message::own(*message)));
        count
    }
}

/// How a queue's messages are taken. A batch counts what has an offset as a message, also the end of a partition
/// and a fetch that was refused, which have that of the next one: after a pause or a rebalance librdkafka would go on
/// behind it. One by one it does not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Take {
    Batches,
    /// For ends, which are many; refused fetches are mended, see [`behind_refusals`].
    OneByOne,
}

impl Take {
    pub fn of(client: &Client) -> Take {
        match client.property(&c"enable.partition.eof".to_owned()).as_deref() {
            Some("true") => Take::OneByOne,
            _ => Take::Batches,
        }
    }

    /// Takes what is local, up to `most` but no more than [`BATCH`], as [`take_local`].
    pub fn take(self, queue: &Queue, most: usize, into: &mut VecDeque<Message>) -> usize {
        if self == Take::Batches || most == 0 {
            return take_local(queue, most, into);
        }
        let most = most.min(BATCH);
        for count in 0..most {
            // SAFETY: the queue is live; a message is ours.
            unsafe {
                let message = rd::rd_kafka_consume_queue(queue.as_ptr(), 0);
                if message.is_null() {
                    return count;
                }
                into.push_back(Message::own(message));
            }
        }
        most
    }
}

/// Where partitions are whose fetch was refused and of which nothing came since: librdkafka is to be told.
pub fn behind_refusals<'a>(taken: impl Iterator<Item = &'a Message> + Clone) -> Vec<TopicPartition> {
    let mut places: Vec<TopicPartition> = Vec::new();
    if !taken.clone().any(Message::is_refused_fetch) {
        return places;
    }
    for message in taken {
        let topic = message.topic().unwrap_or_default();
        places.retain(|place| !place.is_at(topic, message.partition()));
        if message.is_refused_fetch() {
            places.push(TopicPartition::new(String::from_utf8_lossy(topic), message.partition(), message.offset()));
        }
    }
    places
}

/// librdkafka goes on there, whatever it counted.
pub fn keep_places(client: &Client, places: &[TopicPartition]) {
    if !places.is_empty() {
        // One that is not read any more has no place to keep.
        let _ = super::positions::seek(client, places, 0);
    }
}

/// Commits what is stored and waits for the answer, asking again while the group has no
/// coordinator, until `deadline`. Returns what was committed.
pub fn commit_stored(client: &Client, deadline: Instant) -> Result<Vec<TopicPartition>, KafkaError> {
    commit_until(client, None, deadline)
}

/// As [`commit_stored`], for these offsets if there are some.
pub fn commit_until(
    client: &Client,
    offsets: Option<&[TopicPartition]>,
    deadline: Instant,
) -> Result<Vec<TopicPartition>, KafkaError> {
    const PAUSE: Duration = Duration::from_millis(100);
    const REBALANCE_PATIENCE: Duration = Duration::from_secs(1);
    let start = Instant::now();
    loop {
        // Some events are needed to commit at all: a token, say.
        serve(client);
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = i32::try_from(left.as_millis()).unwrap_or(i32::MAX).max(1);
        let error = match commit_now(client, offsets, wait) {
            Ok(offsets) => return Ok(offsets),
            Err(error) => error,
        };
        // A partition that was revoked meanwhile was committed by that, as far as it could be.
        let moving = matches!(error.code, ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | REBALANCE_IN_PROGRESS);
        let lasting = matches!(error.code, FENCED_INSTANCE_ID | STATE) || moving && start.elapsed() > REBALANCE_PATIENCE;
        if lasting || deadline.saturating_duration_since(Instant::now()) <= PAUSE {
            return Err(error);
        }
        std::thread::sleep(PAUSE);
        // While the group moves no answer is given here: librdkafka would join again, and the goodbye
        // wait behind that. `close` answers.
        if error.code != REBALANCE_IN_PROGRESS {
            answer_rebalances(client);
        }
    }
}

/// From here on nobody else will: answers what was announced and what comes in the queue.
fn answer_rebalances(client: &Client) {
    let shared = client.shared();
    shared.answer_at_once.store(true, Ordering::SeqCst);
    while let Some(rebalance) = shared.take_rebalance() {
        let _ = answer(client, rebalance.code, &rebalance.partitions);
    }
    serve(client);
}

/// Takes in what is queued. Messages met on the way were never handed out; the partition's next owner
/// reads them.
fn serve(client: &Client) {
    if let Some(queue) = client.queue() {
        take_local(queue, BATCH, &mut VecDeque::new());
    }
}

/// Leaves the group: revokes, commits what is stored (with auto commit), says goodbye. Returns
/// whether it was done by `deadline`. `told`: what is known to be committed already.
pub fn close(client: &Client, deadline: Instant, told: &[TopicPartition]) -> bool {
    let shared = client.shared();
    shared.answer_at_once.store(true, Ordering::SeqCst);
    // SAFETY: a queue of our own on a live client.
    let Some(queue) = (unsafe { Queue::own(rd::rd_kafka_queue_new(client.as_ptr())) }) else { return false };
    // SAFETY: client and queue are live; the error object is taken over.
    if unsafe { take(rd::rd_kafka_consumer_close_queue(client.as_ptr(), queue.as_ptr())) }.is_err() {
        return false;
    }
    // Not before it is known that we leave: librdkafka would join again, and the goodbye wait behind that.
    if let Some(last) = std::iter::from_fn(|| shared.take_rebalance()).last() {
        answer_leaving(client, last.code, &last.partitions);
    }
    loop {
        // SAFETY: the client is live.
        if unsafe { rd::rd_kafka_consumer_closed(client.as_ptr()) } != 0 {
            while queue.len() > 0 {
                serve_closing(client, &queue, Duration::ZERO, told);
            }
            return true;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        serve_closing(client, &queue, left.min(Duration::from_millis(100)), told);
    }
}

/// Gives up what the group revokes, which it waits for. It does not wait for the answer to an assignment,
/// and a call that meets the group's end is dropped inside librdkafka: its caller would wait for ever.
fn answer_leaving(client: &Client, code: i32, partitions: &PartitionList) {
    if code != ASSIGN_PARTITIONS {
        let _ = answer(client, code, partitions);
    }
}

fn is_among(place: &TopicPartition, list: &[TopicPartition]) -> bool {
    list.iter().any(|entry| entry.is_at(place.topic.as_bytes(), place.partition) && entry.offset == place.offset)
}

/// Answers or tells at most one event of a closing consumer: they come here, and not by the callbacks.
fn serve_closing(client: &Client, queue: &Queue, wait: Duration, told: &[TopicPartition]) {
    // SAFETY: the queue is ours; an event is ours until destroyed, and so is what it points to.
    unsafe {
        let event = rd::rd_kafka_queue_poll(queue.as_ptr(), i32::try_from(wait.as_millis()).unwrap_or(100).max(1));
        if event.is_null() {
            return;
        }
        let code = rd::rd_kafka_event_error(event) as i32;
        let partitions = || PartitionList::copy_of(rd::rd_kafka_event_topic_partition_list(event));
        match rd::rd_kafka_event_type(event) {
            rd::RD_KAFKA_EVENT_REBALANCE => answer_leaving(client, code, &partitions()),
            rd::RD_KAFKA_EVENT_OFFSET_COMMIT if client.shared().wanted.commits => {
                // librdkafka commits what is stored once more when partitions go.
                let offsets = committed_only(partitions().entries());
                if code != 0 || !offsets.iter().all(|entry| is_among(entry, told)) {
                    tell_commit(client.shared(), code, offsets);
                }
            }
            _ => {}
        }
        rd::rd_kafka_event_destroy(event);
    }
}
