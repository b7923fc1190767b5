//! What is lost when a producer ends, and the line that says so.

use crate::native::process;
use crate::native::shared::Shared;

/// Messages that nobody will see.
#[derive(Clone, Default)]
pub struct Loss {
    /// Not delivered.
    pub undelivered: u64,
    /// Of a transaction that was not committed, delivered or not.
    pub uncommitted: u64,
    /// The client's last error.
    pub reason: Option<String>,
}

impl Loss {
    /// What is lost if `shared`'s client ends now: what is still here, and what failed without
    /// anybody having been told.
    pub fn of(shared: &Shared) -> Loss {
        let counts = &shared.counts;
        let (undelivered, uncommitted) = match counts.in_transaction() {
            Some(messages) => (0, messages),
            None => (counts.unreported() + counts.untold_failures() + shared.owed_failures(), 0),
        };
        let mut loss = Loss { undelivered, uncommitted, reason: None };
        if !loss.is_none() {
            loss.reason = shared.last_error().map(|error| error.message);
        }
        loss
    }

    pub fn is_none(&self) -> bool {
        self.undelivered + self.uncommitted == 0
    }

    pub fn add(&mut self, other: Loss) {
        self.undelivered += other.undelivered;
        self.uncommitted += other.uncommitted;
        self.reason = other.reason.or(self.reason.take());
    }

    /// One line on stderr, if there is something to tell.
    pub fn warn(&self, when: &str) {
        let reason = self.reason.as_ref().map(|text| format!(" (last error: {text})")).unwrap_or_default();
        let (what, cure) = match (self.undelivered, self.uncommitted) {
            (0, 0) => return,
            (lost, 0) => (format!("{} not delivered", messages(lost)), "call flush() or close() first, or raise exit_timeout"),
            (0, open) => (
                format!("{} not committed, in a transaction left open,", messages(open)),
                "call commit_transaction() or abort_transaction() first",
            ),
            (lost, open) => (
                format!("{} not delivered, and {} not committed", messages(lost), messages(open)),
                "call commit_transaction() and close() first, or raise exit_timeout",
            ),
        };
        process::warn(&format!("{what} before {when}{reason}; {cure}"));
    }
}

fn messages(count: u64) -> String {
    if count == 1 {
        "1 message was".into()
    } else {
        format!("{count} messages were")
    }
}
