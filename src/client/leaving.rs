//! The reaper: clients leave on a thread of their own, so that neither the collector nor `close`
//! ever waits for a broker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::loss::Loss;
use super::registry;
use crate::model::error::KafkaError;
use crate::native::client::Client;
use crate::native::producer::flush;
use crate::native::shared::Shared;
use crate::native::thread::{self, Thread};

/// A client with everything that hangs on it. Dropping it destroys it, which may take a while.
pub trait Leave: Send {
    /// Flushes or says goodbye until `deadline`.
    fn leave(&mut self, deadline: Instant) -> Outcome;
    fn shared(&self) -> Option<Arc<Shared>>;
}

/// How a client left.
#[derive(Default)]
pub struct Outcome {
    pub loss: Loss,
    /// What else could not be done in time.
    pub failure: Option<KafkaError>,
}

/// What `close` waits for.
#[derive(Default)]
pub struct Departure {
    gone: AtomicBool,
    thread: Mutex<Option<Thread>>,
    failure: Mutex<Option<KafkaError>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Departure {
    /// Whether client and thread are no more.
    pub fn is_gone(&self) -> bool {
        let gone = self.gone.load(Ordering::Acquire);
        if gone {
            // Its last act was to say so: this takes no time.
            if let Some(thread) = lock(&self.thread).take() {
                thread.join();
            }
        }
        gone
    }

    /// What could not be done, once the client is gone.
    pub fn failure(&self) -> Option<KafkaError> {
        lock(&self.failure).clone()
    }
}

/// Who learns of messages that are lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// The caller has counted them.
    Caller,
    /// One line on stderr, as nobody else is there to hear it.
    Stderr,
}

/// Lets `client` leave in the background.
pub fn depart(client: Box<dyn Leave>, patience: Duration, tell: Tell) -> Arc<Departure> {
    let departure = Arc::new(Departure::default());
    let deadline = Instant::now() + patience;
    let registry = registry::current();
    // Of what a caller has counted nothing is told.
    let witness = if tell == Tell::Stderr { client.shared() } else { None };
    let number = registry.begin_leaving(deadline, witness.clone());
    let ours = departure.clone();
    let job = move || {
        let mut client = client;
        let shared = client.shared();
        let Outcome { loss, failure } = client.leave(deadline);
        *lock(&ours.failure) = failure;
        let loss = if tell == Tell::Stderr { loss } else { Loss::default() };
        if let Some(untold) = registry.end_leaving(number, loss) {
            untold.warn("the producer was collected");
        }
        drop(client);
        ours.gone.store(true, Ordering::Release);
        if let Some(shared) = shared {
            shared.wake.raise();
        }
    };
    match thread::spawn(c"kafka-reaper", job) {
        Ok(thread) => *lock(&departure.thread) = Some(thread),
        Err(_) => {
            // No thread is to be had, so nobody waits for brokers, and the client is destroyed already.
            let why = "no thread could be started to close a client";
            let mut loss = witness.as_deref().map(Loss::of).unwrap_or_default();
            loss.reason = Some(why.into());
            if let Some(untold) = registry.end_leaving(number, loss) {
                untold.warn("the producer was collected");
            }
            *lock(&departure.failure) = Some(KafkaError::new(-196, "_FAIL", why));
            departure.gone.store(true, Ordering::Release);
        }
    }
    departure
}

/// Flushes until everything is reported or `deadline` has come.
pub fn flush_until(client: &Client, deadline: Instant) {
    const SLICE: Duration = Duration::from_millis(100);
    let shared = client.shared();
    while shared.unreported() > 0 {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        flush(client, i32::try_from(left.min(SLICE).as_millis()).unwrap_or(100));
    }
}
