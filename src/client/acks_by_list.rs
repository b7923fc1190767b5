//! What a program stores or commits by a list is its last word on how far a partition is done, until acks
//! bring it further. librdkafka commits what is stored when a partition goes: that must be the same.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::acks::Stored;
use super::consumer::Consumer;
use crate::model::partition::TopicPartition;
use crate::native::commits;

/// The partitions that lists were about.
#[derive(Default)]
pub struct Lists {
    known: RefCell<HashMap<i32, Vec<Known>>>,
    /// Counts what acks store of them.
    moves: Cell<u64>,
}

struct Known {
    topic: String,
    /// Acks store nothing before it.
    least: i64,
    /// What acks stored last, and when.
    stored: i64,
    moved: u64,
}

impl Lists {
    fn with<R>(&self, topic: &[u8], partition: i32, body: impl FnOnce(&mut Known) -> R) -> Option<R> {
        let mut known = self.known.borrow_mut();
        known.get_mut(&partition)?.iter_mut().find(|known| known.topic.as_bytes() == topic).map(body)
    }

    /// A list is on its way. What acks store from here on is newer.
    pub fn begin(&self, list: &[TopicPartition]) -> u64 {
        for place in list {
            if self.with(place.topic.as_bytes(), place.partition, |_| ()).is_none() {
                let known = Known { topic: place.topic.clone(), least: 0, stored: -1, moved: 0 };
                self.known.borrow_mut().entry(place.partition).or_default().push(known);
            }
        }
        self.moves.get()
    }

    /// Whether acks may store this.
    pub fn let_store(&self, topic: &[u8], partition: i32, offset: i64) -> bool {
        if self.known.borrow().is_empty() {
            return true;
        }
        let moved = self.moves.get() + 1;
        let lets = self.with(topic, partition, |known| {
            if offset < known.least {
                return false;
            }
            (known.stored, known.moved) = (offset, moved);
            true
        });
        self.moves.set(moved);
        lets.unwrap_or(true)
    }

    /// Whether this place of a list that began at `mark` is the last word still.
    fn is_last_word(&self, place: &TopicPartition, mark: u64) -> bool {
        let last = self.with(place.topic.as_bytes(), place.partition, |known| {
            let last = known.moved <= mark || known.stored <= place.offset;
            if last {
                known.least = place.offset;
            }
            last
        });
        last.unwrap_or(false)
    }

    pub fn forget(&self, gone: &TopicPartition) {
        if let Some(of) = self.known.borrow_mut().get_mut(&gone.partition) {
            of.retain(|known| known.topic != gone.topic);
        }
    }

    pub fn clear(&self) {
        self.known.borrow_mut().clear();
    }
}

impl Consumer {
    /// The program is about to commit these offsets itself: the mark for [`Consumer::done_since`].
    pub fn begin_list(&self, list: &[TopicPartition]) -> u64 {
        self.acks.lists.begin(list)
    }

    /// The program has stored these offsets itself: what comes before them is done.
    pub fn done_before(&self, list: &[TopicPartition]) {
        self.done_since(list, self.begin_list(list));
    }

    /// As [`Consumer::done_before`], for a list that began at `mark` and is committed.
    pub fn done_since(&self, list: &[TopicPartition], mark: u64) {
        for place in list.iter().filter(|place| place.offset >= 0) {
            let is_last_word = self.acks.lists.is_last_word(place, mark);
            let position = self.ack_before(place);
            // What was acked behind them is done as well.
            if let Some(position) = position.filter(|position| position.offset > place.offset) {
                self.store_position(&place.topic, place.partition, position);
            } else if is_last_word
                && self.stored(commits::store(self.handle.client(), std::slice::from_ref(place))) == Stored::NotOurs
            {
                self.acks.lists.forget(place);
            }
            self.let_next_come(&place.topic, place.partition);
        }
    }
}
