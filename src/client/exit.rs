//! The exit guard: what the program left open gets its chance before the process ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::leaving::{flush_until, warn_of_loss};
use super::registry::{self, Live, Registry};
use crate::model::config::Kind;
use crate::native::client::Client;
use crate::native::{consumer, process};

/// Installs the process's handlers; called whenever the module is opened.
pub fn install() {
    // A panic becomes a Lua error; stderr is the host's. The hook is this library's own.
    std::panic::set_hook(Box::new(|_| {}));
    process::install(at_exit);
}

/// Past a client's deadline, for threads to be scheduled.
const GRACE: Duration = Duration::from_millis(250);

extern "C" fn at_exit() {
    let _ = std::panic::catch_unwind(|| {
        // A forked child that made no client of its own has nothing to do.
        let Some(registry) = registry::existing() else { return };
        for live in registry.begin_exit() {
            if let Some(client) = live.client.upgrade() {
                leave(registry, live, client);
            }
        }
        registry.wait_until_gone(GRACE);
        if let (lost @ 1.., reason) = registry.losses() {
            warn_of_loss(lost, "the process ended", reason);
        }
    });
}

fn leave(registry: &'static Registry, live: Live, client: Arc<Client>) {
    let deadline = Instant::now() + live.exit_timeout;
    registry.begin_leaving(deadline);
    let job = move || {
        let lost = match live.kind {
            Kind::Producer => flush_until(&client, deadline),
            Kind::Consumer => {
                consumer::close(&client, deadline);
                0
            }
        };
        let reason = if lost > 0 { client.shared().last_error().map(|error| error.message) } else { None };
        registry.end_leaving(lost, reason);
        // The process is ending: its threads go with it, and destroying could only wait.
        std::mem::forget(client);
    };
    if process::spawn("kafka-exit", job).is_err() {
        registry.end_leaving(0, None);
    }
}
