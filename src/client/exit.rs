//! The exit guard: what the program left open gets its chance before the process ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::leaving::flush_until;
use super::loss::Loss;
use super::producer_leaving::abort_until;
use super::registry::{self, Live, Registry};
use crate::model::config::Kind;
use crate::native::client::Client;
use crate::native::{consumer, process, thread};

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
        registry.wait_until_gone(GRACE).warn("the process ended");
    });
}

fn leave(registry: &'static Registry, live: Live, client: Arc<Client>) {
    let deadline = Instant::now() + live.exit_timeout;
    let shared = client.shared().clone();
    let number = registry.begin_leaving(deadline, Some(shared.clone()));
    let witness = shared.clone();
    let job = move || {
        let loss = match live.kind {
            Kind::Producer if shared.counts.in_transaction().is_some() => abort_until(&client, deadline).loss,
            Kind::Producer => {
                flush_until(&client, deadline);
                Loss::of(&shared)
            }
            Kind::Consumer => {
                consumer::close(&client, deadline, &[]);
                Loss::default()
            }
        };
        registry.end_leaving(number, loss);
        // The process is ending: its threads go with it, and destroying could only wait.
        std::mem::forget(client);
    };
    if thread::spawn(c"kafka-exit", job).is_err() {
        registry.end_leaving(number, Loss::of(&witness));
    }
}
