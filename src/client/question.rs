//! A question put to librdkafka on a thread of the client's own, and its answer.
//!
//! An answer that nobody has taken yet keeps the client's descriptor readable, as a message does:
//! whoever waits for it must be woken. A question that is given up stops doing so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::error::KafkaError;
use crate::native::shared::Shared;

pub struct Question<T> {
    state: Mutex<State<T>>,
    shared: Arc<Shared>,
}

enum State<T> {
    Open,
    Answered(Result<T, KafkaError>),
    /// Taken, or given up: an answer that still comes is dropped.
    Over,
}

impl<T> Question<T> {
    pub fn new(shared: Arc<Shared>) -> Question<T> {
        Question { state: Mutex::new(State::Open), shared }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer has come.
    pub fn settle(&self, answer: Result<T, KafkaError>) {
        let mut state = self.lock();
        if matches!(*state, State::Open) {
            *state = State::Answered(answer);
            self.shared.answer_came();
        }
    }

    pub fn is_answered(&self) -> bool {
        matches!(*self.lock(), State::Answered(_))
    }

    /// The answer, once, if it is there.
    pub fn take(&self) -> Option<Result<T, KafkaError>> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Answered(answer) => {
                self.shared.answer_taken();
                Some(answer)
            }
            other => {
                *state = other;
                None
            }
        }
    }
}

/// A question of whatever kind that may be given up.
pub trait Waiting {
    /// Nobody waits any more.
    fn give_up(&self);
    /// An answer would be taken.
    fn is_wanted(&self) -> bool;
}

impl<T> Waiting for Question<T> {
    fn is_wanted(&self) -> bool {
        !matches!(*self.lock(), State::Over)
    }

    fn give_up(&self) {
        let state = std::mem::replace(&mut *self.lock(), State::Over);
        if matches!(state, State::Answered(_)) {
            self.shared.answer_taken();
        }
    }
}
