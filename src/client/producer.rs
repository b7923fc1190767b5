//! A producer: topics, sending, flushing, closing.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock;
use super::config::{build, Settings};
use super::handle::{Handle, Parts};
use super::leaving::{depart, Departure, Tell};
use super::producer_leaving::Leaver;
use super::question::Question;
use super::registry;
use super::topics::{conf_with, Topics};
use super::transactions::{Call, Transactions};
use crate::model::config::{Entries, Kind};
use crate::model::error::{KafkaError, MSG_SIZE_TOO_LARGE, QUEUE_FULL};
use crate::model::event::{Event, Mark};
use crate::model::topic::check_name;
use crate::native::conf::TopicConf;
use crate::native::metadata::Scope;
use crate::native::producer::{flush, produce, purge, Extras, Payload};
use crate::native::shared::{Notice, Shared};
use crate::native::topic::Topic;

pub struct Producer {
    handle: Handle,
    topics: Topics,
    /// Messages whose callback or opaque waits in a slot: their reports must reach Lua.
    slots_in_use: Cell<u32>,
    sends: Cell<u32>,
    flushing: RefCell<Option<Arc<Flush>>>,
    flush_waiters: Arc<Waiters>,
    flushes: Cell<u64>,
    transactions: Transactions,
}

/// A flush that runs on the worker for as long as anybody waits for it.
struct Flush {
    done: AtomicBool,
    waiters: Arc<Waiters>,
}

/// Calls that wait for a flush, each until its deadline: one that was interrupted, and so never
/// said that it is over, ends by itself.
#[derive(Default)]
struct Waiters(Mutex<Vec<(u64, f64)>>);

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, Vec<(u64, f64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn any(&self) -> bool {
        let now = clock::now_ms();
        self.lock().iter().any(|(_, deadline)| *deadline > now)
    }
}

/// A call that waits for a flush.
pub struct FlushWait {
    id: u64,
    waiters: Arc<Waiters>,
}

impl Drop for FlushWait {
    fn drop(&mut self) {
        let now = clock::now_ms();
        self.waiters.lock().retain(|(other, deadline)| *other != self.id && *deadline > now);
    }
}

/// Why a topic handle was not opened.
pub enum Refusal {
    Property(String),
    Topic(String),
}

/// A message on its way in.
pub struct Outgoing<'a> {
    pub partition: i32,
    pub value: Payload<'a>,
    pub key: Option<&'a [u8]>,
    pub mark: Mark,
    pub extras: Extras,
}

/// Without a listener, `send` looks for reports to drop once in so many calls.
const SELF_SERVE_EVERY: u32 = 64;

impl Producer {
    pub fn create(entries: &Entries, settings: Settings) -> Result<Producer, String> {
        let built = build(Kind::Producer, entries, &settings)?;
        let handle = Handle::create(Kind::Producer, built, settings)?;
        Ok(Producer {
            handle,
            topics: Topics::default(),
            slots_in_use: Cell::new(0),
            sends: Cell::new(0),
            flushing: RefCell::default(),
            flush_waiters: Arc::default(),
            flushes: Cell::new(0),
            transactions: Transactions::default(),
        })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    /// Opens a topic handle with the client's topic-level settings and `entries` on top. Where others
    /// are in force already they stay, which is told once.
    pub fn create_topic(&self, name: &[u8], entries: &Entries) -> Result<(), Refusal> {
        check_name(name).map_err(Refusal::Topic)?;
        if !self.topics.has(name) {
            self.topics.open(self.handle.client(), name, entries)?;
        }
        if let Some(error) = self.topics.unmet(self.handle.client(), name, entries) {
            self.shared().set_last_error(error.clone());
            if self.shared().wanted.errors {
                self.shared().push(Event::Error(error));
            }
        }
        Ok(())
    }

    /// The settings a topic has here, or would get.
    pub fn conf_of(&self, name: &[u8]) -> Result<TopicConf, String> {
        conf_with(self.handle.client(), &self.topics.settings(name))
    }

    pub fn has_topic(&self, name: &[u8]) -> bool {
        self.topics.has(name)
    }

    pub fn destroy_topic(&self, name: &[u8]) {
        self.topics.remove(name);
    }

    pub fn topics(&self) -> Vec<Box<[u8]>> {
        self.topics.names()
    }

    /// How to ask for a topic's metadata.
    pub fn scope_of(&self, name: &CString) -> Option<Scope> {
        if !self.topics.has(name.as_bytes()) {
            return Some(Scope::Named(name.clone()));
        }
        Topic::open(self.handle.client(), name, None).ok().map(Scope::Topic)
    }

    /// Nobody in Lua wants to see reports: they are only counted.
    fn drops_reports(&self) -> bool {
        !self.shared().wanted.reports && self.slots_in_use.get() == 0
    }

    /// Enqueues to a topic that has a handle; `None` when it has none.
    #[inline]
    pub fn send(&self, topic: &[u8], message: &mut Outgoing) -> Option<Result<(), i32>> {
        if !self.shared().wanted.checkpoints {
            return self.enqueue_to(topic, message);
        }
        let Mark::Sequence(id) = message.mark else { return self.enqueue_to(topic, message) };
        // Before it can be reported.
        self.shared().progress.sent(id);
        let sent = self.enqueue_to(topic, message);
        if sent != Some(Ok(())) {
            self.shared().progress.unsent(id);
        }
        sent
    }

    #[inline]
    fn enqueue_to(&self, topic: &[u8], message: &mut Outgoing) -> Option<Result<(), i32>> {
        if self.sends.replace(self.sends.get().wrapping_add(1)) % SELF_SERVE_EVERY == 0
            && self.shared().wake.is_up()
            && self.drops_reports()
        {
            self.serve();
        }
        self.topics.with(topic, |topic| {
            let mut result = enqueue(topic, message);
            if result == Err(QUEUE_FULL) && self.drops_reports() {
                self.serve();
                result = enqueue(topic, message);
            }
            if result.is_ok() {
                self.shared().counts.accept();
            } else if result == Err(QUEUE_FULL) && self.never_fits(message.value.len()) {
                result = Err(MSG_SIZE_TOO_LARGE);
            }
            result
        })
    }

    /// As [`Producer::send`], opening a handle when there is none.
    #[inline]
    pub fn produce(&self, topic: &[u8], message: &mut Outgoing) -> Result<Result<(), KafkaError>, String> {
        let sent = match self.send(topic, message) {
            Some(sent) => sent,
            None => {
                self.create_topic(topic, &Entries::new()).map_err(|refusal| match refusal {
                    Refusal::Property(why) | Refusal::Topic(why) => why,
                })?;
                self.send(topic, message).unwrap_or(Ok(()))
            }
        };
        Ok(sent.map_err(|code| self.explain_refusal(code, message)))
    }

    pub fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    pub fn begin_transaction(&self) -> Result<(), KafkaError> {
        self.transactions.begin(&self.handle)
    }

    /// As [`Transactions::call`].
    pub fn call_transactions(&self, call: Call, deadline: f64) -> Result<(Arc<Question<()>>, u64), KafkaError> {
        self.transactions.call(&self.handle, call, deadline)
    }

    /// As [`Transactions::outcome`], which also tells of messages that failed or were taken back.
    pub fn transactions_outcome(&self, id: u64) -> Result<(), KafkaError> {
        let outcome = self.transactions.outcome(id);
        self.shared().counts.tell_failures();
        outcome
    }

    /// How long (ms) a transaction may take.
    pub fn transaction_timeout(&self) -> i64 {
        const DEFAULT: i64 = 60_000;
        let value = self.handle.client().property(&c"transaction.timeout.ms".to_owned());
        value.and_then(|value| value.parse().ok()).unwrap_or(DEFAULT)
    }

    pub fn slot_taken(&self) {
        self.slots_in_use.set(self.slots_in_use.get() + 1);
    }

    pub fn slot_freed(&self) {
        self.slots_in_use.set(self.slots_in_use.get().saturating_sub(1));
    }

    pub fn slots_in_use(&self) -> u32 {
        self.slots_in_use.get()
    }

    /// Takes in what librdkafka has queued, without waiting.
    pub fn serve(&self) {
        self.shared().wake.lower();
        self.shared().serve(|| {
            if !self.shared().is_served_elsewhere() {
                self.handle.client().serve();
            }
        });
        self.settle();
    }

    pub fn settle(&self) {
        if self.shared().is_noticed(Notice::Flushed) && !self.flush_waiters.any() {
            self.shared().seen(Notice::Flushed);
        }
        self.handle.settle(false);
    }

    /// Begins to wait for everything to be reported, until the deadline or what is returned is dropped.
    pub fn begin_flush(&self, deadline: f64) -> FlushWait {
        let id = self.flushes.get() + 1;
        self.flushes.set(id);
        self.flush_waiters.lock().push((id, deadline));
        FlushWait { id, waiters: self.flush_waiters.clone() }
    }

    /// Lets the worker flush unless it does already.
    fn keep_flushing(&self) -> Result<(), KafkaError> {
        const SLICE: i32 = 50;
        let mut flushing = self.flushing.borrow_mut();
        if flushing.as_ref().is_some_and(|flush| !flush.done.load(Ordering::SeqCst)) {
            return Ok(());
        }
        let job = Arc::new(Flush { done: AtomicBool::new(false), waiters: self.flush_waiters.clone() });
        let (client, shared, ours) = (self.handle.client().clone(), self.shared().clone(), job.clone());
        self.handle.in_background(move || {
            let serving = shared.serve_elsewhere();
            while shared.unreported() > 0 && ours.waiters.any() {
                flush(&client, SLICE);
            }
            drop(serving);
            drop(client);
            ours.done.store(true, Ordering::SeqCst);
            if ours.waiters.any() {
                shared.notify(Notice::Flushed);
            }
        })?;
        *flushing = Some(job);
        Ok(())
    }

    /// Whether everything is reported. If not, the worker is at it.
    pub fn is_flushed(&self) -> Result<bool, KafkaError> {
        self.shared().wake.lower();
        self.shared().seen(Notice::Flushed);
        if self.shared().unreported() == 0 {
            return Ok(true);
        }
        self.keep_flushing()?;
        Ok(false)
    }

    /// Nobody waits for a flush any more.
    fn cancel_flush(&self) {
        self.flush_waiters.lock().clear();
    }

    /// Accepted messages without a report yet.
    pub fn unreported(&self) -> u64 {
        self.shared().unreported()
    }

    /// Why not everything was delivered: what is still here, or else what failed untold.
    pub fn flush_error(&self) -> KafkaError {
        let left = self.unreported();
        let last = self.handle.last_error();
        let reason = last.as_ref().map(|error| format!("; last error: {}: {}", error.name, error.message)).unwrap_or_default();
        match last {
            Some(mut error) if left == 0 => {
                error.message = format!("{} message(s) were not delivered{reason}", self.shared().counts.untold_failures());
                error
            }
            _ => {
                let failed = self.shared().counts.untold_failures();
                let before = if failed > 0 { format!(", {failed} failed before") } else { String::new() };
                KafkaError::timed_out(format!("{left} message(s) not delivered in time{before}{reason}"))
            }
        }
    }

    /// What `close` has to tell: not reported, or failed without anybody having heard.
    pub fn undelivered(&self) -> u64 {
        self.unreported() + self.shared().counts.untold_failures()
    }

    /// Fails what is undelivered, so that each message has its report, and takes those in. However many they are: it
    /// gives up when none comes any more, because a thread of librdkafka's is held up.
    pub fn purge(&self) {
        const STILL: Duration = Duration::from_millis(300);
        self.cancel_flush();
        if self.unreported() > 0 {
            purge(self.handle.client());
        }
        let (mut left, mut end) = (u64::MAX, Instant::now());
        loop {
            self.serve();
            let now = self.unreported();
            if now < left {
                (left, end) = (now, Instant::now() + STILL);
            }
            if now == 0 || Instant::now() >= end {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Hands everything to the reaper.
    pub fn leave(self, patience: Duration, tell: Tell) -> Arc<Departure> {
        self.cancel_flush();
        let registered = self.handle.registered();
        let Parts { client, shared, workers } = self.handle.into_parts();
        let leaver = Leaver { shared, topics: self.topics.into_topics(), workers: Some(workers), client };
        let departure = depart(Box::new(leaver), patience, tell);
        registry::current().remove(registered);
        departure
    }
}

fn enqueue(topic: &Topic, message: &mut Outgoing) -> Result<(), i32> {
    produce(topic, message.partition, &mut message.value, message.key, message.mark, &mut message.extras)
}
