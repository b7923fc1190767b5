//! The part of a client that librdkafka's callbacks may touch: a list of events, counters, the
//! wake-up. Any thread may call it; nobody holds its lock while calling out.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::counts::Counts;
use super::progress::Progress;
use super::wake::Wake;
use crate::model::checkpoint::Progress as Told;
use crate::model::error::KafkaError;
use crate::model::event::Event;
use crate::model::partition::TopicPartition;

/// Events nobody serves must not fill the memory; reports are bounded by librdkafka's own queue.
const MOST_EVENTS: usize = 1_000;

/// What the user listens to; nothing else is copied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    pub errors: bool,
    pub stats: bool,
    pub throttle: bool,
    pub tokens: bool,
    pub reports: bool,
    pub only_failed_reports: bool,
    /// Of reports without trouble each so many-th is told; 0 and 1 for all.
    pub report_every: u32,
    pub checkpoints: bool,
    /// A waiting call returns errors (a consumer's does).
    pub raised_errors: bool,
    /// The program has callbacks for rebalances: they answer them.
    pub rebalances: bool,
    pub commits: bool,
}

pub struct Shared {
    pub wake: Wake,
    pub wanted: Wanted,
    events: Mutex<VecDeque<Event>>,
    pending: AtomicUsize,
    /// The Lua thread is inside a serving call and will look at the list itself.
    serving: AtomicBool,
    /// Threads that serve in its place.
    elsewhere: AtomicUsize,
    pub counts: Counts,
    pub progress: Progress,
    last_error: Mutex<Option<KafkaError>>,
    /// The latest statistics, as JSON.
    stats: Mutex<Option<String>>,
    /// The client is on its way out: questions are not asked again.
    leaving: AtomicBool,
    /// Errors that the next waiting call returns, each cause once.
    raised: Mutex<Raised>,
    /// Partitions that librdkafka said do not exist, as "topic [partition]".
    missing: Mutex<HashSet<String>>,
    /// Something is in `raised`; spares the lock for each message.
    has_raised: AtomicBool,
    /// What else keeps the descriptor readable until it is looked at; bits of [`Notice`].
    notices: AtomicUsize,
    /// Answers to questions that nobody has taken yet.
    answers: AtomicUsize,
    rebalances: Mutex<VecDeque<Rebalance>>,
    /// Rebalances are answered where they arrive: the client is leaving.
    pub answer_at_once: AtomicBool,
}

/// Something the next call will want to know, without an event of its own.
#[derive(Clone, Copy)]
pub enum Notice {
    /// A flush on the worker has ended.
    Flushed = 1,
    /// An error waits for the next waiting call.
    Raised = 2,
}

#[derive(Default)]
struct Raised {
    waiting: VecDeque<KafkaError>,
    /// Told since the last message came.
    seen: HashSet<String>,
}

/// A rebalance as librdkafka announced it.
pub struct Rebalance {
    pub code: i32,
    pub partitions: super::partitions::PartitionList,
}

/// A worker that serves in place of the Lua thread.
pub struct Elsewhere(Arc<Shared>);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.elsewhere.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A message without what librdkafka appends of times and repeats.
fn cause(message: &str) -> &str {
    message.split(" (after ").next().unwrap_or(message)
}

impl Shared {
    pub fn new(wanted: Wanted) -> io::Result<Shared> {
        let counts = Counts::default();
        counts.every.store(u64::from(wanted.report_every), Ordering::Relaxed);
        Ok(Shared {
            wake: Wake::new()?,
            wanted,
            events: Mutex::default(),
            pending: AtomicUsize::new(0),
            serving: AtomicBool::new(false),
            elsewhere: AtomicUsize::new(0),
            counts,
            progress: Progress::default(),
            last_error: Mutex::default(),
            stats: Mutex::default(),
            leaving: AtomicBool::new(false),
            raised: Mutex::default(),
            missing: Mutex::default(),
            has_raised: AtomicBool::new(false),
            notices: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
            rebalances: Mutex::default(),
            answer_at_once: AtomicBool::new(false),
        })
    }

    /// Adds an event; a listener that never serves loses the oldest ones.
    pub fn push(&self, event: Event) {
        let bounded = event.is_droppable();
        {
            let mut events = lock(&self.events);
            if bounded && events.len() >= MOST_EVENTS {
                if let Some(oldest) = events.iter().position(Event::is_droppable) {
                    events.remove(oldest);
                }
            }
            events.push_back(event);
            self.pending.store(events.len(), Ordering::SeqCst);
        }
        if !self.serving.load(Ordering::SeqCst) {
            self.wake.raise();
        }
    }

    /// Tells how far delivery has got, in place of what nobody has heard yet.
    pub fn push_checkpoint(&self, told: Told) {
        if let Some(Event::Checkpoint(last)) = lock(&self.events).back_mut() {
            *last = told;
            return;
        }
        self.push(Event::Checkpoint(told));
    }

    pub fn pop(&self) -> Option<Event> {
        if self.pending() == 0 {
            return None;
        }
        let mut events = lock(&self.events);
        let event = events.pop_front();
        self.pending.store(events.len(), Ordering::SeqCst);
        if events.is_empty() && events.capacity() > MOST_EVENTS {
            events.shrink_to(MOST_EVENTS);
        }
        event
    }

    /// The event could not be handed over: it is the next one again.
    pub fn put_back(&self, event: Event) {
        let mut events = lock(&self.events);
        events.push_front(event);
        self.pending.store(events.len(), Ordering::SeqCst);
    }

    pub fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    /// Marks a serving call of the Lua thread: events it causes need no wake-up.
    pub fn serve<T>(&self, body: impl FnOnce() -> T) -> T {
        self.serving.store(true, Ordering::SeqCst);
        let result = body();
        self.serving.store(false, Ordering::SeqCst);
        result
    }

    /// From here on a worker serves the reports, until all are in or what is returned is dropped: two threads at once
    /// would mix up their order.
    pub fn serve_elsewhere(self: &Arc<Shared>) -> Elsewhere {
        self.elsewhere.fetch_add(1, Ordering::SeqCst);
        while self.serving.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_micros(50));
        }
        Elsewhere(self.clone())
    }

    /// For the Lua thread inside [`Shared::serve`].
    pub fn is_served_elsewhere(&self) -> bool {
        self.elsewhere.load(Ordering::SeqCst) > 0 && self.unreported() > 0
    }

    pub fn unreported(&self) -> u64 {
        self.counts.unreported()
    }

    /// An event for a rebalance waits to be served.
    pub fn announces_rebalance(&self) -> bool {
        lock(&self.events).iter().any(|event| matches!(event, Event::Rebalance))
    }

    /// Failed messages whose callbacks have not been called.
    pub fn owed_failures(&self) -> u64 {
        lock(&self.events).iter().filter(|event| event.is_failure()).count() as u64
    }

    pub fn set_last_error(&self, error: KafkaError) {
        *lock(&self.last_error) = Some(error);
    }

    pub fn last_error(&self) -> Option<KafkaError> {
        lock(&self.last_error).clone()
    }

    pub fn set_stats(&self, json: String) {
        *lock(&self.stats) = Some(json);
    }

    pub fn stats(&self) -> Option<String> {
        lock(&self.stats).clone()
    }

    pub fn begin_leaving(&self) {
        self.leaving.store(true, Ordering::SeqCst);
    }

    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// Lets the next waiting call return `error`, unless this cause was told already.
    pub fn raise_once(&self, error: KafkaError) {
        let mut raised = lock(&self.raised);
        if raised.seen.len() < MOST_EVENTS && raised.seen.insert(cause(&error.message).to_string()) {
            raised.waiting.push_back(error);
            self.has_raised.store(true, Ordering::Release);
            // Under the lock, as taking it clears the notice there.
            self.notify(Notice::Raised);
            drop(raised);
        }
    }

    pub fn note_missing(&self, place: &str) {
        let mut missing = lock(&self.missing);
        if missing.len() < MOST_EVENTS {
            missing.insert(place.into());
        }
    }

    pub fn is_missing(&self, place: &str) -> bool {
        lock(&self.missing).contains(place)
    }

    pub fn forget_missing(&self, place: &str) {
        lock(&self.missing).remove(place);
    }

    pub fn take_raised(&self) -> Option<KafkaError> {
        let mut raised = lock(&self.raised);
        if raised.waiting.len() <= 1 {
            self.seen(Notice::Raised);
        }
        raised.waiting.pop_front()
    }

    /// Keeps the descriptor readable until [`Shared::seen`].
    pub fn notify(&self, notice: Notice) {
        self.notices.fetch_or(notice as usize, Ordering::SeqCst);
        self.wake.raise();
    }

    pub fn is_noticed(&self, notice: Notice) -> bool {
        self.notices.load(Ordering::SeqCst) & notice as usize != 0
    }

    pub fn seen(&self, notice: Notice) {
        self.notices.fetch_and(!(notice as usize), Ordering::SeqCst);
    }

    /// An answer waits to be taken.
    pub fn answer_came(&self) {
        self.answers.fetch_add(1, Ordering::SeqCst);
        self.wake.raise();
    }

    pub fn answer_taken(&self) {
        self.answers.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether anything waits here for the Lua thread.
    pub fn has_work(&self) -> bool {
        self.pending() > 0 || self.notices.load(Ordering::SeqCst) != 0 || self.answers.load(Ordering::SeqCst) > 0
    }

    /// The cause is gone (a message came): the same error may be told again.
    pub fn forget_raised(&self) {
        if !self.has_raised.load(Ordering::Acquire) {
            return;
        }
        let mut raised = lock(&self.raised);
        if raised.waiting.is_empty() {
            raised.seen.clear();
            self.has_raised.store(false, Ordering::Release);
        }
    }

    pub fn push_rebalance(&self, rebalance: Rebalance) {
        lock(&self.rebalances).push_back(rebalance);
    }

    /// What the next one is and for which partitions; it is not answered by that.
    pub fn first_rebalance(&self) -> Option<(i32, Vec<TopicPartition>)> {
        lock(&self.rebalances).front().map(|rebalance| (rebalance.code, rebalance.partitions.entries()))
    }

    pub fn has_rebalance(&self) -> bool {
        !lock(&self.rebalances).is_empty()
    }

    pub fn take_rebalance(&self) -> Option<Rebalance> {
        lock(&self.rebalances).pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once_until_a_message_comes() -> io::Result<()> {
        let shared = Shared::new(Wanted::default())?;
        let raise = |text: &str| shared.raise_once(KafkaError::new(-1, "_FAIL", text));
        raise("one");
        raise("one");
        raise("two");
        assert!(shared.take_raised().is_some() && shared.is_noticed(Notice::Raised));
        // Not all is told yet, so nothing is forgotten.
        shared.forget_raised();
        raise("one");
        assert!(shared.take_raised().is_some_and(|error| error.message == "two"));
        assert!(shared.take_raised().is_none() && !shared.is_noticed(Notice::Raised));
        shared.forget_raised();
        raise("one");
        assert!(shared.take_raised().is_some_and(|error| error.message == "one"));
        Ok(())
    }
}
