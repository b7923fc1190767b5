//! How a producer leaves: what is queued is flushed, an open transaction is aborted.

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
    /// A transaction is open: whoever reads committed messages need not wait until it times out.
    pub aborts: bool,
    pub workers: Option<Workers>,
    pub client: Arc<Client>,
}

impl Leaver {
    fn flush(&self, deadline: Instant) -> Loss {
        flush_until(&self.client, deadline);
        Loss::of(&self.shared)
    }
}

/// Ends the open transaction, whose messages are lost, unless a commit that is under way does.
pub fn abort_until(client: &Client, deadline: Instant) -> Loss {
    const LEAST: Duration = Duration::from_secs(1);
    const STEP: Duration = Duration::from_millis(10);
    let counts = &client.shared().counts;
    // What the abort takes back fails with errors of its own, which are not why.
    let loss = Loss::of(client.shared());
    let end = deadline.max(Instant::now() + LEAST);
    while counts.in_transaction().is_some() {
        let patience = end.saturating_duration_since(Instant::now());
        if counts.committing.load(Ordering::Acquire) && patience > STEP {
            std::thread::sleep(STEP);
            continue;
        }
        // If it fails, the broker does it when transaction.timeout.ms is over.
        match abort_within(client, i32::try_from(patience.as_millis()).unwrap_or(i32::MAX)) {
            Err(error) if error.code == CONFLICT && patience > STEP => std::thread::sleep(STEP),
            _ => return loss,
        }
    }
    Loss::default()
}

impl Leave for Leaver {
    fn leave(&mut self, deadline: Instant) -> Outcome {
        let mut loss = if self.aborts { abort_until(&self.client, deadline) } else { self.flush(deadline) };
        if self.shared.unreported() > 0 {
            purge(&self.client);
        }
        self.topics.clear();
        if let Some(workers) = self.workers.take() {
            workers.join();
        }
        if self.shared.counts.in_transaction().is_none() {
            loss.uncommitted = 0; // a commit under way has ended meanwhile
        }
        Outcome { loss, failure: None }
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        Some(self.shared.clone())
    }
}
