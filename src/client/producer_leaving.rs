//! How a producer leaves: what is queued is flushed, an open transaction is aborted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::leaving::{flush_until, Leave, Outcome};
use super::worker::Workers;
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
    /// Ends the open transaction; its messages are lost.
    fn abort(&self, deadline: Instant) -> u64 {
        const LEAST: Duration = Duration::from_secs(1);
        let undelivered = self.shared.unreported();
        let patience = deadline.saturating_duration_since(Instant::now()).max(LEAST);
        // The broker does it when transaction.timeout.ms is over.
        let _ = abort_within(&self.client, i32::try_from(patience.as_millis()).unwrap_or(i32::MAX));
        undelivered
    }
}

impl Leave for Leaver {
    fn leave(&mut self, deadline: Instant) -> Outcome {
        let undelivered = if self.aborts { self.abort(deadline) } else { flush_until(&self.client, deadline) };
        if undelivered > 0 {
            purge(&self.client);
        }
        self.topics.clear();
        if let Some(workers) = self.workers.take() {
            workers.join();
        }
        Outcome { undelivered, failure: None }
    }

    fn last_error(&self) -> Option<String> {
        self.shared.last_error().map(|error| error.message)
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        Some(self.shared.clone())
    }
}
