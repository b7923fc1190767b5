//! What a simple consumer with a group has done of partitions it started at an offset of its own.
//! librdkafka commits only those that it started at what is stored.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::model::error::{KafkaError, ALL_BROKERS_DOWN, TIMED_OUT, TRANSPORT, WAIT_COORDINATOR};
use crate::model::partition::TopicPartition;
use crate::native::client::Client;
use crate::native::commits::{commit_now, Commit};

/// One try takes so long at the most (ms), so that a client that leaves is seen.
const LONGEST: i32 = 1_000;
const PAUSE: Duration = Duration::from_millis(100);

pub struct SimpleCommits {
    /// Never (0), or every so many ms.
    every: u64,
    /// When the last commit began, in the coarse clock.
    begun: Cell<u64>,
    under_way: RefCell<Option<Commit>>,
    /// By partition: done, and committed as far as known.
    places: RefCell<Vec<Place>>,
}

struct Place {
    done: TopicPartition,
    committed: i64,
}

impl SimpleCommits {
    /// `stores`: there is a group, and what is done is stored for it.
    pub fn new(client: &Client, stores: bool) -> SimpleCommits {
        let property = |key: &std::ffi::CStr| client.property(&key.to_owned()).unwrap_or_default();
        let commits = stores && property(c"enable.auto.commit") == "true";
        let every = if commits { property(c"auto.commit.interval.ms").parse().unwrap_or(0) } else { 0 };
        SimpleCommits { every, begun: Cell::new(0), under_way: RefCell::default(), places: RefCell::default() }
    }

    /// A partition begins; what was done of it before is settled.
    pub fn begin(&self, topic: &str, partition: i32) {
        self.forget(topic, partition);
        // An answer to come would be of what was done before.
        self.under_way.take();
        if self.every > 0 {
            let done = TopicPartition::new(topic, partition, -1);
            self.places.borrow_mut().push(Place { done, committed: -1 });
        }
    }

    /// It has ended. What is still to be committed of it.
    pub fn forget(&self, topic: &str, partition: i32) -> Option<TopicPartition> {
        let mut places = self.places.borrow_mut();
        let index = places.iter().position(|place| place.done.is_at(topic.as_bytes(), partition))?;
        let place = places.swap_remove(index);
        (place.done.offset > place.committed).then_some(place.done)
    }

    /// The program is done with what comes before `offset`.
    pub fn done(&self, topic: &[u8], partition: i32, offset: i64, leader_epoch: i32) {
        if self.every == 0 {
            return;
        }
        let mut places = self.places.borrow_mut();
        if let Some(place) = places.iter_mut().find(|place| place.done.is_at(topic, partition)) {
            place.done.offset = offset;
            place.done.leader_epoch = leader_epoch;
        }
    }

    /// What is done and not known to be committed.
    pub fn due(&self) -> Vec<TopicPartition> {
        let places = self.places.borrow();
        places.iter().filter(|place| place.done.offset > place.committed).map(|place| place.done.clone()).collect()
    }

    /// Commits what is due, from time to time; does not wait for the answer.
    pub fn commit_if_due(&self, client: &Client, now: u64) {
        if self.every == 0 || self.places.borrow().is_empty() {
            return;
        }
        let answer = self.under_way.borrow().as_ref().and_then(|commit| commit.wait(0).ok());
        if let Some(offsets) = answer {
            self.under_way.take();
            for place in self.places.borrow_mut().iter_mut() {
                let told = offsets.iter().find(|told| told.is_at(place.done.topic.as_bytes(), place.done.partition));
                place.committed = told.map_or(place.committed, |told| told.offset);
            }
        }
        if now.saturating_sub(self.begun.get()) < self.every {
            return;
        }
        self.begun.set(now);
        let due = self.due();
        if due.is_empty() {
            return;
        }
        // One without an answer by now is asked anew.
        let commit = Commit::prepare(client).and_then(|commit| commit.begin(client, Some(&due)).map(|()| commit));
        *self.under_way.borrow_mut() = commit.ok();
    }
}

/// Commits what is still due, and waits for the answer; asks again for `patience` (ms) while the group has no coordinator.
pub fn commit_patiently(client: &Client, due: &[TopicPartition], patience: i64) -> Result<(), KafkaError> {
    if due.is_empty() {
        return Ok(());
    }
    let end = Instant::now() + Duration::from_millis(patience.unsigned_abs());
    loop {
        let left = i32::try_from(end.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(i32::MAX);
        let error = match commit_now(client, Some(due), left.clamp(1, LONGEST)) {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        let passes = error.retriable || matches!(error.code, TIMED_OUT | TRANSPORT | ALL_BROKERS_DOWN | WAIT_COORDINATOR);
        if !passes || client.shared().is_leaving() || Instant::now() + PAUSE >= end {
            return Err(error);
        }
        std::thread::sleep(PAUSE);
    }
}
