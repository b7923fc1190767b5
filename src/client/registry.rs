//! Every client of this process that is alive or leaving, for the exit guard.
//!
//! One registry a fork generation: a child never touches its parent's, whose lock may have been
//! held at the fork by a thread that the child does not have.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

use crate::model::config::Kind;
use crate::native::client::Client;
use crate::native::process::generation;

pub struct Registry {
    generation: u32,
    state: Mutex<State>,
    changed: Condvar,
    next: OnceBox<Registry>,
}

#[derive(Default)]
struct State {
    live: HashMap<u64, Live>,
    last_id: u64,
    /// Clients flushing or saying goodbye.
    leaving: usize,
    /// When the last of them gives up.
    deadline: Option<Instant>,
    exiting: bool,
    lost: u64,
    last_error: Option<String>,
}

/// A client that the program has not closed.
#[derive(Clone)]
pub struct Live {
    pub client: Weak<Client>,
    pub kind: Kind,
    pub exit_timeout: Duration,
}

static FIRST: OnceBox<Registry> = OnceBox::new();

fn fresh() -> Box<Registry> {
    Box::new(Registry { generation: generation(), state: Mutex::default(), changed: Condvar::new(), next: OnceBox::new() })
}

/// This generation's registry, made when first needed.
pub fn current() -> &'static Registry {
    let mut registry = FIRST.get_or_init(fresh);
    while registry.generation != generation() {
        registry = registry.next.get_or_init(fresh);
    }
    registry
}

/// This generation's registry if any client was ever made in it.
pub fn existing() -> Option<&'static Registry> {
    let mut registry = FIRST.get()?;
    while registry.generation != generation() {
        registry = registry.next.get()?;
    }
    Some(registry)
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a client; the number is for [`Registry::remove`].
    pub fn add(&self, client: &Arc<Client>, kind: Kind, exit_timeout: Duration) -> u64 {
        let mut state = self.lock();
        state.last_id += 1;
        let id = state.last_id;
        state.live.insert(id, Live { client: Arc::downgrade(client), kind, exit_timeout });
        id
    }

    pub fn remove(&self, id: u64) {
        self.lock().live.remove(&id);
    }

    /// Counts a client that is on its way out until `deadline` at the latest.
    pub fn begin_leaving(&self, deadline: Instant) {
        let mut state = self.lock();
        state.leaving += 1;
        state.deadline = state.deadline.max(Some(deadline));
    }

    /// Ends what `begin_leaving` began. Returns whether the process is exiting, in which case the
    /// loss is told once for all.
    pub fn end_leaving(&self, lost: u64, last_error: Option<String>) -> bool {
        let mut state = self.lock();
        state.leaving = state.leaving.saturating_sub(1);
        if state.exiting {
            state.lost += lost;
            state.last_error = last_error.or(state.last_error.take());
        }
        self.changed.notify_all();
        state.exiting
    }

    /// From here on losses are gathered. Returns every client the program left open.
    pub fn begin_exit(&self) -> Vec<Live> {
        let mut state = self.lock();
        state.exiting = true;
        state.live.drain().map(|(_, live)| live).collect()
    }

    /// Waits until nobody is leaving any more, `grace` past the last deadline at the latest.
    pub fn wait_until_gone(&self, grace: Duration) {
        let mut state = self.lock();
        while state.leaving > 0 {
            let Some(end) = state.deadline.map(|deadline| deadline + grace) else { return };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Messages lost since the exit began, and why if it is known.
    pub fn losses(&self) -> (u64, Option<String>) {
        let state = self.lock();
        (state.lost, state.last_error.clone())
    }
}
