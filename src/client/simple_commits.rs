//! What a simple consumer with a group has done. librdkafka would commit only the partitions that it
//! started at what is stored, whatever `enable.auto.commit` says, and tell nobody that it could not.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::model::error::{KafkaError, ALL_BROKERS_DOWN, TIMED_OUT, TRANSPORT, WAIT_COORDINATOR};
use crate::model::partition::TopicPartition;
use crate::native::client::Client;
use crate::native::commits::{begin_commit, commit_now, reply_queue, take_commit};
use crate::native::queue::Queue;

/// One try takes so long at the most (ms), so that a client that leaves is seen.
const LONGEST: i32 = 1_000;
const PAUSE: Duration = Duration::from_millis(100);

pub struct SimpleCommits {
    /// What is done is committed by a stop and by `close`, and every so many ms (0: not).
    commits: bool,
    every: u64,
    /// librdkafka writes what is stored of partitions started at "stored" into a file.
    pub in_file: bool,
    /// When the last commit began, in the coarse clock.
    begun: Cell<u64>,
    /// One at a time: librdkafka sends one that was refused again, behind what came after it.
    under_way: RefCell<Option<Arc<UnderWay>>>,
    /// By partition: done, and committed as far as known.
    places: RefCell<Vec<Place>>,
}

struct Place {
    done: TopicPartition,
    committed: i64,
    /// The commit under way is of what this place did.
    asked: bool,
}

/// A commit without its answer. Must go before the client, which cannot end while its queue is there.
pub struct UnderWay {
    queue: Queue,
    /// What was committed: nothing, when it was refused.
    answer: Mutex<Option<Vec<TopicPartition>>>,
}

impl UnderWay {
    fn begin(client: &Client, due: &[TopicPartition]) -> Result<UnderWay, KafkaError> {
        let queue = reply_queue(client)?;
        begin_commit(client, Some(due), &queue, 0)?;
        Ok(UnderWay { queue, answer: Mutex::default() })
    }

    /// What was committed, if the answer is there.
    fn committed(&self) -> Option<Vec<TopicPartition>> {
        let mut answer = match self.answer.try_lock() {
            Err(TryLockError::WouldBlock) => return None,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Ok(answer) => answer,
        };
        self.hear(&mut answer, 0);
        answer.clone()
    }

    fn hear(&self, answer: &mut Option<Vec<TopicPartition>>, ms: i32) {
        if answer.is_none() {
            *answer = take_commit(&self.queue, ms).map(|(_, error, offsets)| if error.is_some() { Vec::new() } else { offsets });
        }
    }

    /// Waits for the answer until `end`, or until `given_up`.
    fn wait(&self, end: Instant, given_up: impl Fn() -> bool) {
        loop {
            let left = end.saturating_duration_since(Instant::now()).min(PAUSE);
            let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
            self.hear(&mut answer, i32::try_from(left.as_millis()).unwrap_or(0));
            if answer.is_some() || left.is_zero() || given_up() {
                return;
            }
        }
    }
}

/// What is still to be committed, and what goes before it.
pub struct Due {
    pub places: Vec<TopicPartition>,
    under_way: Option<Arc<UnderWay>>,
}

impl Due {
    /// Lets the commit under way end first, at the longest until `end`.
    pub fn take_turn(&self, end: Instant, given_up: impl Fn() -> bool) {
        if let Some(under_way) = self.under_way.as_ref().filter(|_| !self.places.is_empty()) {
            under_way.wait(end, given_up);
        }
    }
}

impl SimpleCommits {
    /// `stores`: there is a group, and what is done is stored for it.
    pub fn new(client: &Client, stores: bool) -> SimpleCommits {
        let property = |key: &std::ffi::CStr| client.property(&key.to_owned()).unwrap_or_default();
        let method = property(c"offset.store.method");
        let commits = stores && property(c"enable.auto.commit") == "true" && method != "none";
        SimpleCommits {
            commits,
            every: property(c"auto.commit.interval.ms").parse().unwrap_or(0),
            in_file: method == "file",
            begun: Cell::new(0),
            under_way: RefCell::default(),
            places: RefCell::default(),
        }
    }

    /// A partition begins; what was done of it before is settled.
    pub fn begin(&self, topic: &str, partition: i32) {
        self.remove(topic, partition);
        if self.commits {
            let done = TopicPartition::new(topic, partition, -1);
            self.places.borrow_mut().push(Place { done, committed: -1, asked: false });
        }
    }

    fn remove(&self, topic: &str, partition: i32) -> Option<TopicPartition> {
        let mut places = self.places.borrow_mut();
        let index = places.iter().position(|place| place.done.is_at(topic.as_bytes(), partition))?;
        let place = places.swap_remove(index);
        (place.done.offset > place.committed).then_some(place.done)
    }

    /// It has ended. What is still to be committed of it.
    pub fn forget(&self, topic: &str, partition: i32) -> Due {
        Due { places: self.remove(topic, partition).into_iter().collect(), under_way: self.under_way.borrow().clone() }
    }

    /// The program is done with what comes before `offset`.
    pub fn done(&self, topic: &[u8], partition: i32, offset: i64, leader_epoch: i32) {
        if !self.commits {
            return;
        }
        let mut places = self.places.borrow_mut();
        if let Some(place) = places.iter_mut().find(|place| place.done.is_at(topic, partition)) {
            place.done.offset = offset;
            place.done.leader_epoch = leader_epoch;
        }
    }

    fn due(&self) -> Vec<TopicPartition> {
        let places = self.places.borrow();
        places.iter().filter(|place| place.done.offset > place.committed).map(|place| place.done.clone()).collect()
    }

    /// The client leaves. What is done and not known to be committed.
    pub fn leave(&self) -> Due {
        let due = self.due();
        self.places.take();
        Due { places: due, under_way: self.under_way.take() }
    }

    /// Commits what is due, from time to time; does not wait for the answer.
    pub fn commit_if_due(&self, client: &Client, now: u64) {
        if self.every == 0 || self.places.borrow().is_empty() {
            return;
        }
        self.hear();
        if self.under_way.borrow().is_some() || now.saturating_sub(self.begun.get()) < self.every {
            return;
        }
        self.begun.set(now);
        let due = self.due();
        if due.is_empty() {
            return;
        }
        let under_way = UnderWay::begin(client, &due).ok();
        for place in self.places.borrow_mut().iter_mut() {
            place.asked = under_way.is_some() && place.done.offset > place.committed;
        }
        *self.under_way.borrow_mut() = under_way.map(Arc::new);
    }

    fn hear(&self) {
        let Some(offsets) = self.under_way.borrow().as_ref().and_then(|under_way| under_way.committed()) else { return };
        self.under_way.take();
        for place in self.places.borrow_mut().iter_mut().filter(|place| place.asked) {
            let told = offsets.iter().find(|told| told.is_at(place.done.topic.as_bytes(), place.done.partition));
            place.committed = told.map_or(place.committed, |told| told.offset);
        }
    }
}

/// Commits what is still due, and waits for the answer; asks again for `patience` (ms) while the group has no coordinator.
pub fn commit_patiently(client: &Client, due: &Due, patience: i64) -> Result<(), KafkaError> {
    if due.places.is_empty() {
        return Ok(());
    }
    let end = Instant::now() + Duration::from_millis(patience.unsigned_abs());
    due.take_turn(end, || client.shared().is_leaving());
    loop {
        let left = i32::try_from(end.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(i32::MAX);
        let error = match commit_now(client, Some(&due.places), left.clamp(1, LONGEST)) {
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
