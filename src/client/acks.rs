//! At least once: when a message counts as done, so that a commit may cover it.
//!
//! By default a message is done when the next one is asked for. With `ack="manual"` or `"required"`
//! the program says so, in any order, and what comes first in the order of delivery is stored.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::acks_by_list::Lists;
use super::consumer::Consumer;
use super::prefetch::Hold;
use crate::model::error::{KafkaError, QUEUE_FULL, STATE, UNKNOWN_PARTITION};
use crate::model::event::Event;
use crate::model::partition::TopicPartition;
use crate::model::unacked::{Position, Unacked};
use crate::native::commits;
use crate::native::message::Message;

/// When a message is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// When the next one is asked for.
    #[default]
    Auto,
    /// When it is handed out: the user's `enable.auto.offset.store=true`.
    AtHandOver,
    /// When the program says so.
    Manual,
    /// As `Manual`, and before that no other one of its partition is handed out.
    Required,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Yes,
    No,
    NotOurs,
}

/// What the program was given and has not finished.
#[derive(Default)]
pub struct Acks {
    mode: Mode,
    /// How many may be handed out and not be stored.
    most: usize,
    /// Of `Auto`: handed out and not yet done, the last of each run of a partition.
    last: RefCell<Vec<Message>>,
    /// Of `Auto`: what was cancelled; from there on nothing of the partition is stored.
    cancelled: RefCell<Vec<TopicPartition>>,
    /// Of `Manual` and `Required`.
    unacked: RefCell<Unacked>,
    pub(super) lists: Lists,
    /// The last error for too many of them is not over.
    told_full: Cell<bool>,
    /// Counts what takes partitions away or reads them from elsewhere. What was handed out before is
    /// neither acked nor committed by its message any more.
    generation: Cell<u64>,
    /// Partition → topic and the generation its messages count from.
    since: RefCell<HashMap<i32, Vec<(String, u64)>>>,
    all_since: Cell<u64>,
    /// Messages to come are of a new generation, which the Lua face does not know yet.
    renewed: Rc<Cell<bool>>,
}

impl Acks {
    pub fn new(mode: Mode, most: usize) -> Acks {
        Acks { mode, most, ..Acks::default() }
    }

    fn is_explicit(&self) -> bool {
        matches!(self.mode, Mode::Manual | Mode::Required)
    }

    /// How many more messages may be handed out.
    pub fn room(&self) -> usize {
        if self.is_explicit() {
            self.most.saturating_sub(self.unacked.borrow().len())
        } else {
            usize::MAX
        }
    }

    pub fn is_one_by_one(&self) -> bool {
        self.mode == Mode::Required
    }

    pub fn into_held(self) -> Vec<Message> {
        self.last.into_inner()
    }

    pub fn is_renewed(&self) -> bool {
        self.renewed.get()
    }

    /// The flag itself, for queues beside the consumer's own.
    pub fn renewed_flag(&self) -> Rc<Cell<bool>> {
        self.renewed.clone()
    }

    /// Whether a message of `generation` is still the program's business.
    fn is_current(&self, topic: &str, partition: i32, generation: u64) -> bool {
        let since = self.since.borrow();
        let of = since.get(&partition).and_then(|of| of.iter().find(|(name, _)| name == topic));
        generation >= self.all_since.get() && of.is_none_or(|(_, since)| generation >= *since)
    }

    fn next_generation(&self) -> u64 {
        self.generation.set(self.generation.get() + 1);
        self.renewed.set(true);
        self.generation.get()
    }
}

impl Consumer {
    /// The program has the message.
    pub(super) fn note(&self, message: Message) {
        if message.code() != 0 {
            return;
        }
        self.input.note(&message);
        match self.acks.mode {
            Mode::Auto => {
                let mut last = self.acks.last.borrow_mut();
                match last.last_mut() {
                    Some(before) if before.is_beside(&message) => *before = message,
                    _ => last.push(message),
                }
            }
            Mode::AtHandOver => self.store(&message),
            Mode::Manual | Mode::Required => {
                let topic = String::from_utf8_lossy(message.topic().unwrap_or_default());
                let (partition, offset) = (message.partition(), message.offset());
                self.acks.unacked.borrow_mut().give(&topic, partition, offset, message.leader_epoch());
                self.tell_if_full();
            }
        }
    }

    /// Too many are not acked: a program that waits for more shall know why nothing comes.
    fn tell_if_full(&self) {
        if self.acks.room() > 0 || self.acks.told_full.replace(true) {
            return;
        }
        let error = self.full_error();
        self.shared().set_last_error(error.clone());
        if self.shared().wanted.errors {
            self.shared().push(Event::Error(error));
        }
        self.handle.ignore_queue(true);
    }

    /// The program acked, or lost, some: there is room again.
    fn look_for_room(&self) {
        if self.acks.room() > 0 && self.acks.told_full.replace(false) {
            self.handle.ignore_queue(false);
            self.shared().wake.raise();
        }
    }

    pub fn full_error(&self) -> KafkaError {
        let count = self.acks.unacked.borrow().len();
        let why = format!(
            "{count} messages are handed out and cannot be stored yet (max_unacked={}): call message:ack() for each one \
             that is done; one that is never acked keeps all behind it in its partition",
            self.acks.most
        );
        let mut error = KafkaError::new(QUEUE_FULL, "_QUEUE_FULL", why);
        error.retriable = true;
        error
    }

    /// What was handed out last is done: a commit may cover it. Acks of the program's own are not
    /// replaced by this.
    pub fn finish_last(&self) {
        let mut last = self.acks.last.borrow_mut();
        if last.is_empty() {
            return;
        }
        for message in last.drain(..) {
            if !self.is_cancelled(&message) {
                self.store(&message);
            }
        }
    }

    fn is_cancelled(&self, message: &Message) -> bool {
        let cancelled = self.acks.cancelled.borrow();
        let is_after = |place: &TopicPartition| {
            place.is_at(message.topic().unwrap_or_default(), message.partition()) && place.offset <= message.offset()
        };
        !cancelled.is_empty() && cancelled.iter().any(is_after)
    }

    fn store(&self, message: &Message) {
        if self.acks.lists.let_store(message.topic().unwrap_or_default(), message.partition(), message.offset() + 1) {
            self.stored(message.store());
        }
    }

    pub(super) fn store_position(&self, topic: &str, partition: i32, position: Position) {
        if !self.acks.lists.let_store(topic.as_bytes(), partition, position.offset) {
            return;
        }
        let mut place = TopicPartition::new(topic, partition, position.offset);
        place.leader_epoch = position.leader_epoch;
        self.stored(commits::store(self.handle.client(), &[place]));
    }

    pub(super) fn stored(&self, result: Result<(), KafkaError>) -> Stored {
        match result {
            Ok(()) => Stored::Yes,
            // A partition that is no longer ours has a new owner, who starts where we committed.
            Err(error) if error.code == STATE || error.code == UNKNOWN_PARTITION => Stored::NotOurs,
            Err(error) => {
                self.shared().set_last_error(error);
                Stored::No
            }
        }
    }

    /// The message is done, says the program. False when that is no news, or nobody's business any
    /// more; an error when it is not asked to say so.
    pub fn ack(&self, topic: &str, partition: i32, offset: i64, generation: u64) -> Result<bool, String> {
        if !self.acks.is_explicit() {
            return Err("message:ack() is for consumers with ack=\"manual\" or ack=\"required\"; with this one a message is \
                        done when the next one is asked for"
                .into());
        }
        if !self.acks.is_current(topic, partition, generation) {
            return Ok(false);
        }
        let (counts, position) = self.acks.unacked.borrow_mut().ack(topic, partition, offset);
        if let Some(position) = position {
            self.store_position(topic, partition, position);
        }
        if counts {
            self.let_next_come(topic, partition);
        }
        Ok(counts)
    }

    /// The message shall be read again by whoever comes next: from it on nothing of its partition is
    /// stored, until that is sought or assigned anew.
    /// False when a queue handed it out, whose loop ends then.
    pub fn cancel(&self, topic: &str, partition: i32, offset: i64, generation: u64) -> bool {
        if !self.acks.is_current(topic, partition, generation) {
            return true;
        }
        if self.feeds.cancel(topic, partition, offset) {
            return false;
        }
        if self.acks.is_explicit() {
            self.acks.unacked.borrow_mut().cancel(topic, partition, offset);
            self.let_next_come(topic, partition);
            return true;
        }
        let mut cancelled = self.acks.cancelled.borrow_mut();
        match cancelled.iter_mut().find(|place| place.is_at(topic.as_bytes(), partition)) {
            Some(place) => place.offset = place.offset.min(offset),
            None => cancelled.push(TopicPartition::new(topic, partition, offset)),
        }
        drop(cancelled);
        self.keep_what_came_before(topic, partition, offset);
        true
    }

    /// Of a batch, what came before the cancelled message is done all the same.
    fn keep_what_came_before(&self, topic: &str, partition: i32, offset: i64) {
        let is_after = |message: &Message| {
            message.partition() == partition && message.topic() == Some(topic.as_bytes()) && message.offset() >= offset
        };
        let mut last = self.acks.last.borrow_mut();
        let Some(epoch) = last.iter().find(|message| is_after(message)).map(Message::leader_epoch) else { return };
        last.retain(|message| !is_after(message));
        drop(last);
        self.store_position(topic, partition, Position { offset, leader_epoch: epoch });
    }

    /// How many more messages may be handed out.
    pub fn room(&self) -> usize {
        self.acks.room()
    }

    /// The generation of messages to come, if it is news.
    pub fn renewed(&self) -> Option<u64> {
        self.acks.is_renewed().then(|| self.acks.generation.get())
    }

    /// It is known now.
    pub fn known(&self) {
        self.acks.renewed.set(false);
    }

    /// Whether a commit of this message is still the program's business.
    pub fn is_current(&self, topic: &str, partition: i32, generation: u64) -> bool {
        self.acks.is_current(topic, partition, generation)
    }

    /// The program has committed the message: it is done, and so is what came before it.
    pub fn committed(&self, topic: &str, partition: i32, offset: i64) {
        if self.acks.is_explicit() {
            let position = self.acks.unacked.borrow_mut().ack_through(topic, partition, offset);
            if let Some(position) = position {
                self.store_position(topic, partition, position);
            }
            self.let_next_come(topic, partition);
        }
    }

    /// The program is done with what comes before this place.
    pub(super) fn ack_before(&self, place: &TopicPartition) -> Option<Position> {
        if !self.acks.is_explicit() {
            return None;
        }
        self.acks.unacked.borrow_mut().ack_through(&place.topic, place.partition, place.offset - 1)
    }

    pub(super) fn let_next_come(&self, topic: &str, partition: i32) {
        if self.acks.mode == Mode::Required {
            self.release(topic, partition, Hold::Unacked);
        }
        self.look_for_room();
    }

    /// These partitions are no longer read, or from elsewhere: their messages go, handed out or not.
    pub(super) fn discard(&self, gone: &[TopicPartition]) {
        self.buffer.borrow_mut().drop_partitions(gone);
        gone.iter().for_each(|place| self.feeds.forget_partition(place));
        let generation = self.acks.next_generation();
        let mut since = self.acks.since.borrow_mut();
        let mut unacked = self.acks.unacked.borrow_mut();
        for place in gone {
            let is_there = |message: &Message| place.is_at(message.topic().unwrap_or_default(), message.partition());
            self.acks.last.borrow_mut().retain(|message| !is_there(message));
            self.acks.cancelled.borrow_mut().retain(|cancelled| !place.is_at(cancelled.topic.as_bytes(), cancelled.partition));
            unacked.forget(&place.topic, place.partition);
            self.acks.lists.forget(place);
            let of = since.entry(place.partition).or_default();
            match of.iter_mut().find(|(topic, _)| *topic == place.topic) {
                Some((_, since)) => *since = generation,
                None => of.push((place.topic.clone(), generation)),
            }
        }
        drop(unacked);
        self.look_for_room();
    }

    /// As [`Consumer::discard`], for all that is assigned.
    pub(super) fn discard_all(&self) {
        self.buffer.borrow_mut().clear();
        self.acks.all_since.set(self.acks.next_generation());
        self.acks.since.borrow_mut().clear();
        self.acks.last.borrow_mut().clear();
        self.acks.cancelled.borrow_mut().clear();
        self.acks.unacked.borrow_mut().clear();
        self.acks.lists.clear();
        self.look_for_room();
    }

    /// What was handed out last shall be read again by whoever comes next.
    pub fn forget_last(&self) {
        self.acks.last.borrow_mut().clear();
        self.feeds.forget_last();
    }

    /// Counts what was handed out last as done, for an explicit `close`.
    pub fn finish(&self) {
        self.finish_last();
        self.feeds.finish_last();
    }
}
