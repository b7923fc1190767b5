//! How a producer leaves: what is queued is flushed, an open transaction is aborted, so that whoever reads committed messages
//! need not wait until it times out.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::leaving::{flush_until, Leave, Outcome};
use super::loss::Loss;
use super::worker::Workers;
use crate::model::error::CONFLICT;
use crate::native::client::Client;
use crate::native::producer::purge;
use crate::native::shared::Shared;
use crate::native::topic::Topic;
use crate::native::transactions::abort_within;

/// Fields in the order they must go: topics before their client.
pub struct Leaver {
    pub shared: Arc<Shared>,
    pub topics: Vec<Topic>,
    pub workers: Option<Workers>,
    pub client: Arc<Client>,
}

impl Leaver {
    fn flush(&self, deadline: Instant) -> Loss {
        flush_until(&self.client, deadline);
        Loss::of(&self.shared)
    }
}

/// Whether a transaction is open that nobody is about to end.
fn is_left_open(shared: &Shared) -> bool {
    // In this order: a commit that succeeds says so before it is no longer under way.
    !shared.counts.ending.load(Ordering::Acquire) && shared.counts.in_transaction().is_some()
}

/// What [`abort_until`] came to.
pub struct Abort {
    pub loss: Loss,
    /// Another call of this client was in the way until the end.
    was_barred: bool,
}

/// Ends the open transaction, whose messages are lost, unless a commit or an abort that is under way does.
pub fn abort_until(client: &Client, deadline: Instant) -> Abort {
    const LEAST: Duration = Duration::from_secs(1);
    const STEP: Duration = Duration::from_millis(10);
    let counts = &client.shared().counts;
    // What the abort takes back fails with errors of its own, which are not why.
    let loss = Loss::of(client.shared());
    let end = deadline.max(Instant::now() + LEAST);
    loop {
        // Before it is asked whether the transaction is open: as above.
        let is_ending = counts.ending.load(Ordering::Acquire);
        if counts.in_transaction().is_none() {
            return Abort { loss: Loss::default(), was_barred: false };
        }
        let patience = end.saturating_duration_since(Instant::now());
        if is_ending && patience > STEP {
            std::thread::sleep(STEP);
            continue;
        }
        // If it fails, the broker does it when transaction.timeout.ms is over.
        match abort_within(client, i32::try_from(patience.as_millis()).unwrap_or(i32::MAX)) {
            Err(error) if error.code == CONFLICT && patience > STEP => std::thread::sleep(STEP),
            outcome => {
                let was_barred = outcome.is_err_and(|error| error.code == CONFLICT);
                return Abort { loss, was_barred };
            }
        }
    }
}

impl Leave for Leaver {
    fn leave(&mut self, deadline: Instant) -> Outcome {
        let Abort { mut loss, was_barred } = if is_left_open(&self.shared) {
            abort_until(&self.client, deadline)
        } else {
            Abort { loss: self.flush(deadline), was_barred: true }
        };
        if self.shared.unreported() > 0 {
            purge(&self.client);
        }
        self.topics.clear();
        if let Some(workers) = self.workers.take() {
            workers.join();
        }
        // No call is under way any more: what is open now nobody else ends.
        if !is_left_open(&self.shared) {
            loss.uncommitted = 0;
        } else if was_barred {
            abort_until(&self.client, deadline);
        }
        Outcome { loss, failure: None }
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        Some(self.shared.clone())
    }
}
