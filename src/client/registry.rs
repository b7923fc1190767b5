//! Every client of this process that is alive or leaving, for the exit guard.
//!
//! One registry a fork generation: a child never touches its parent's, whose lock may have been
//! held at the fork by a thread that the child does not have.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

use super::loss::Loss;
use crate::model::config::Kind;
use crate::native::client::Client;
use crate::native::process::generation;
use crate::native::shared::Shared;

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
    /// Clients flushing or saying goodbye; with what tells of their messages, if somebody is to hear.
    leaving: HashMap<u64, Option<Arc<Shared>>>,
    /// When the last of them gives up.
    deadline: Option<Instant>,
    exiting: bool,
    loss: Loss,
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

    /// Counts a client that is on its way out until `deadline` or soon after. Should the process not
    /// wait for it, `witness` tells what was lost. The number is for [`Registry::end_leaving`].
    pub fn begin_leaving(&self, deadline: Instant, witness: Option<Arc<Shared>>) -> u64 {
        let mut state = self.lock();
        state.last_id += 1;
        let id = state.last_id;
        state.leaving.insert(id, witness);
        state.deadline = state.deadline.max(Some(deadline));
        id
    }

    /// Ends what `begin_leaving` began. Returns the loss unless the process is exiting, in which
    /// case it is told once for all.
    pub fn end_leaving(&self, id: u64, loss: Loss) -> Option<Loss> {
        let mut state = self.lock();
        let is_awaited = state.leaving.remove(&id).is_some();
        self.changed.notify_all();
        if !state.exiting {
            return Some(loss);
        }
        if is_awaited {
            state.loss.add(loss);
        }
        None
    }

    /// From here on losses are gathered. Returns every client the program left open.
    pub fn begin_exit(&self) -> Vec<Live> {
        let mut state = self.lock();
        state.exiting = true;
        state.live.drain().map(|(_, live)| live).collect()
    }

    /// Waits until nobody is leaving any more, `grace` past the last deadline at the latest. Returns
    /// what was lost since the exit began, and what those lose who have not left.
    pub fn wait_until_gone(&self, grace: Duration) -> Loss {
        let mut state = self.lock();
        let end = state.deadline.unwrap_or_else(Instant::now) + grace;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if state.leaving.is_empty() || left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let late: Vec<_> = state.leaving.drain().filter_map(|(_, witness)| witness).collect();
        for shared in late {
            state.loss.add(Loss::of(&shared));
        }
        state.loss.clone()
    }
}
