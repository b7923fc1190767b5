//! A consumer: topics, receiving with a prefetch buffer, at-least-once storing, leaving.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::{build, check_topic_entries, Settings};
use super::handle::{Handle, Parts};
use super::leaving::{depart, Departure, Leave, Outcome, Tell};
use super::prefetch::Prefetch;
use super::registry;
use crate::model::config::{find, Entries, Kind};
use crate::model::error::{
    KafkaError, ASSIGN_PARTITIONS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, PARTITION_EOF, STATE, UNKNOWN_PARTITION,
    UNKNOWN_TOPIC,
};
use crate::model::event::Event;
use crate::model::partition::{TopicPartition, INVALID};
use crate::model::topic::{parse_entry, TopicEntry};
use crate::native::client::Client;
use crate::native::consumer as native;
use crate::native::error::from_code;
use crate::native::message::Message;
use crate::native::partitions::PartitionList;
use crate::native::process::coarse_ms;
use crate::native::shared::{Rebalance, Shared};

pub struct Consumer {
    handle: Handle,
    buffer: RefCell<Prefetch>,
    /// Handed out and not yet done: it is done when the next one is asked for.
    last: RefCell<Option<Message>>,
    /// The user's `enable.auto.offset.store=true`.
    store_at_hand_over: bool,
    /// When librdkafka's queue was last looked at.
    looked: Cell<u64>,
    /// When to assign again, in the same clock; 0 for never.
    assign_again_at: Cell<u64>,
}

/// What asking for a message brought.
pub enum Next {
    /// To be given to [`Consumer::handed_out`].
    Message(Message),
    Nothing,
    /// Events wait to be served first.
    Events,
    Error(KafkaError),
    /// A topic or partition that is not there: the classic call raises it.
    Local(String),
}

/// A program that takes its time over buffered messages still looks this often (ms) for a
/// rebalance, and shows the group that it lives.
const LOOK_EVERY: u64 = 100;

/// How long (ms) a coordinator gets to be found.
const ASSIGN_AGAIN_AFTER: u64 = 200;

impl Consumer {
    pub fn create(entries: &Entries, topic_entries: &Entries, settings: Settings) -> Result<Consumer, String> {
        check(entries, &settings)?;
        check_topic_entries(topic_entries)?;
        let built = build(Kind::Consumer, &[entries.as_slice(), topic_entries.as_slice()].concat(), &settings)?;
        let store_at_hand_over = built.store_at_hand_over;
        Ok(Consumer {
            handle: Handle::create(Kind::Consumer, built, settings)?,
            buffer: RefCell::default(),
            last: RefCell::default(),
            store_at_hand_over,
            looked: Cell::new(0),
            assign_again_at: Cell::new(0),
        })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    /// Subscribes, or assigns if the entries name partitions.
    pub fn start(&self, topics: &[Vec<u8>]) -> Result<(), String> {
        let entries = topics.iter().map(|entry| parse_entry(entry)).collect::<Result<Vec<_>, _>>()?;
        let assigned = check_mixture(&entries)?;
        let wanted = entries.iter().map(|entry| TopicPartition::new(&*entry.topic, entry.partition.unwrap_or(-1), INVALID));
        let list = PartitionList::of(&wanted.collect::<Vec<_>>());
        if assigned {
            native::assign(self.handle.client(), &list).map_err(|error| format!("rd_kafka_assign failed: {}", error.message))
        } else {
            native::subscribe(self.handle.client(), &list)
                .map_err(|error| format!("rd_kafka_subscribe failed: {}", error.message))
        }
    }

    /// The program has the message, or could not take it: then it is the next one again.
    pub fn handed_out(&self, message: Message, taken: bool) {
        if !taken {
            self.buffer.borrow_mut().put_back(message);
            return;
        }
        if self.store_at_hand_over {
            self.store(&message);
        }
        *self.last.borrow_mut() = Some(message);
    }

    /// Asks for the next message, which says that the last one is done. Never waits.
    pub fn next(&self) -> Next {
        self.finish_last();
        if self.shared().pending() > 0 {
            return Next::Events;
        }
        let now = coarse_ms();
        self.assign_again_if_due(now);
        if self.buffer.borrow().is_empty() || now.saturating_sub(self.looked.get()) >= LOOK_EVERY {
            self.looked.set(now);
            self.look();
            if self.shared().pending() > 0 {
                return Next::Events;
            }
        }
        self.hand_out()
    }

    fn hand_out(&self) -> Next {
        let message = loop {
            let message = self.buffer.borrow_mut().pop();
            // The end of a partition is no message to the classic call.
            if message.as_ref().is_none_or(|message| message.code() != PARTITION_EOF) {
                break message;
            }
        };
        self.settle_if_drained();
        let Some(message) = message else { return self.nothing() };
        match message.code() {
            0 => {
                self.shared().forget_raised();
                Next::Message(message)
            }
            code => self.consumer_error(code, &message),
        }
    }

    /// No message: but perhaps a reason why.
    fn nothing(&self) -> Next {
        if let Some(error) = self.shared().take_raised() {
            return match error.code {
                UNKNOWN_PARTITION | UNKNOWN_TOPIC => Next::Local(local_text(&error)),
                _ => Next::Error(error),
            };
        }
        match self.handle.client().fatal_error() {
            Some(error) => Next::Error(error),
            None => Next::Nothing,
        }
    }

    /// librdkafka asks for committed offsets once; a group whose coordinator is new or has moved
    /// then never delivers. Such an error is an event that mends itself.
    fn is_lost_coordinator(error: &KafkaError) -> bool {
        matches!(error.code, COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR)
            && error.message.starts_with("Failed to fetch committed offset")
    }

    fn assign_again_if_due(&self, now: u64) {
        let due = self.assign_again_at.get();
        if due == 0 || now < due {
            return;
        }
        self.assign_again_at.set(0);
        if let Err(error) = native::assign_again(self.handle.client()) {
            self.shared().set_last_error(error.clone());
            self.shared().raise_once(error);
        }
    }

    fn consumer_error(&self, code: i32, message: &Message) -> Next {
        let error = from_code(code, Some(message.error_text()));
        self.shared().set_last_error(error.clone());
        if matches!(code, UNKNOWN_PARTITION | UNKNOWN_TOPIC) {
            let topic = String::from_utf8_lossy(message.topic().unwrap_or_default()).into_owned();
            return Next::Local(format!(
                "topic: {topic} partition: {} offset: {} err: {}",
                message.partition(),
                message.offset(),
                error.message
            ));
        }
        if self.shared().wanted.errors {
            self.shared().push(Event::Error(error.clone()));
        }
        if Self::is_lost_coordinator(&error) {
            self.assign_again_at.set(coarse_ms() + ASSIGN_AGAIN_AFTER);
            return Next::Nothing;
        }
        Next::Error(error)
    }

    /// The last message is done: a commit may cover it.
    fn finish_last(&self) {
        if let Some(message) = self.last.borrow_mut().take() {
            if !self.store_at_hand_over {
                self.store(&message);
            }
        }
    }

    fn store(&self, message: &Message) {
        if let Err(error) = message.store() {
            // A partition that is no longer ours has a new owner, who starts where we committed.
            if error.code != STATE && error.code != UNKNOWN_PARTITION {
                self.shared().set_last_error(error);
            }
        }
    }

    /// The last message shall be read again by whoever comes next.
    pub fn forget_last(&self) {
        *self.last.borrow_mut() = None;
    }

    /// Takes in what librdkafka has queued, and does what rebalances ask.
    pub fn look(&self) {
        let Some(queue) = self.handle.client().queue() else { return };
        self.shared().wake.lower();
        self.shared().serve(|| self.buffer.borrow_mut().fill(queue));
        while let Some(rebalance) = self.shared().take_rebalance() {
            self.rebalance(&rebalance);
        }
        self.settle();
    }

    fn rebalance(&self, rebalance: &Rebalance) {
        if rebalance.code != ASSIGN_PARTITIONS {
            if native::is_cooperative(self.handle.client()) {
                self.buffer.borrow_mut().drop_partitions(&rebalance.partitions.entries());
            } else {
                self.buffer.borrow_mut().clear();
            }
        }
        if let Err(error) = native::answer(self.handle.client(), rebalance.code, &rebalance.partitions) {
            self.shared().set_last_error(error.clone());
            self.shared().raise_once(error);
        }
    }

    fn buffered(&self) -> bool {
        !self.buffer.borrow().is_empty()
    }

    pub fn settle(&self) {
        self.handle.settle(self.buffered());
    }

    fn settle_if_drained(&self) {
        if self.handle.is_exported() && !self.buffered() {
            self.handle.settle(false);
        }
    }

    pub fn export(&self) -> i32 {
        self.handle.export(self.buffered())
    }

    /// Counts the last message as done, for an explicit `close`.
    pub fn finish(&self) {
        self.finish_last();
        self.buffer.borrow_mut().clear();
    }

    /// Hands everything to the reaper, which leaves the group.
    pub fn leave(self, patience: Duration, tell: Tell) -> Arc<Departure> {
        let registered = self.handle.registered();
        let auto_commit = self.handle.client().property(&c"enable.auto.commit".to_owned());
        let commits = tell == Tell::Caller && auto_commit.as_deref() == Some("true");
        let Parts { client, shared, workers } = self.handle.into_parts();
        let held = (self.buffer.into_inner(), self.last.into_inner());
        let departure =
            depart(Box::new(Leaver { shared, held: Some(held), commits, workers: Some(workers), client }), patience, tell);
        registry::current().remove(registered);
        departure
    }
}

/// The classic sentence for what librdkafka tells as `topic [partition]: reason`. It knows no
/// offset then.
fn local_text(error: &KafkaError) -> String {
    const NO_OFFSET: i64 = -1001;
    let place = error.message.split_once("]: ").and_then(|(place, reason)| {
        let (topic, partition) = place.rsplit_once(" [")?;
        Some(format!("topic: {topic} partition: {partition} offset: {NO_OFFSET} err: {reason}"))
    });
    place.unwrap_or_else(|| error.message.clone())
}

/// The configuration itself and a group: what the classic call looks at before a topic's settings.
pub fn check(entries: &Entries, settings: &Settings) -> Result<(), String> {
    build(Kind::Consumer, entries, settings)?;
    match find(entries, "group.id").map(|value| value.text()) {
        Some(group) if !group.is_empty() => Ok(()),
        _ => Err("group.id must be set".into()),
    }
}

/// Whether the entries name partitions: all of them or none.
fn check_mixture(entries: &[TopicEntry]) -> Result<bool, String> {
    let with = entries.iter().find(|entry| entry.partition.is_some());
    let without = entries.iter().find(|entry| entry.partition.is_none());
    match (with, without) {
        (Some(with), Some(without)) => Err(format!(
            "topics mix '{}:{}' with '{}': give every topic a partition (assigned) or none (subscribed)",
            with.topic,
            with.partition.unwrap_or(0),
            without.topic
        )),
        (with, _) => Ok(with.is_some()),
    }
}

/// Fields in the order they must go: messages before their client.
struct Leaver {
    shared: Arc<Shared>,
    held: Option<(Prefetch, Option<Message>)>,
    /// `close` says whether the offsets arrived, so it asks for the answer itself.
    commits: bool,
    workers: Option<super::worker::Workers>,
    client: Arc<Client>,
}

impl Leave for Leaver {
    fn leave(&mut self, deadline: Instant) -> Outcome {
        self.held = None;
        let committed = if self.commits { native::commit_stored(&self.client, deadline) } else { Ok(()) };
        let left = native::close(&self.client, deadline);
        if let Some(workers) = self.workers.take() {
            workers.join();
        }
        let failure = match (committed, left) {
            (Err(error), _) => Some(error),
            (Ok(()), false) => Some(KafkaError::timed_out("the group was not left in time")),
            (Ok(()), true) => None,
        };
        Outcome { undelivered: 0, failure }
    }

    fn last_error(&self) -> Option<String> {
        self.shared.last_error().map(|error| error.message)
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        Some(self.shared.clone())
    }
}
