//! Commits reach the group's coordinator in the order of the calls.
//!
//! librdkafka sets those aside that come before it knows the coordinator, and sends them after others
//! that come in the moment it is found: an older offset would end up committed. So until an answer
//! shows that the coordinator is known, one commit is under way at a time, and the others wait here.
//! When it fails, they go together.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::model::error::KafkaError;
use crate::model::event::Committed;
use crate::model::partition::TopicPartition;
use crate::native::client::Client;
use crate::native::commits::{begin_commit, take_commit, waking_queue, Answer, Commit};
use crate::native::queue::Queue;

#[derive(Default)]
pub struct Commits {
    /// Answers to `commit_async`.
    answers: OnceCell<Queue>,
    /// The last answer came from the coordinator.
    reached: Cell<bool>,
    /// What the others wait for.
    alone: RefCell<Option<Asker>>,
    waiting: RefCell<VecDeque<(Option<Vec<TopicPartition>>, Asker)>>,
}

/// Who gets the answer.
enum Asker {
    /// A call of `commit_async`, by its number.
    Call(usize),
    Commit(Commit),
}

impl Commits {
    /// A commit whose answer is waited for.
    pub fn ask(&self, client: &Client, list: Option<&[TopicPartition]>) -> Result<Commit, KafkaError> {
        let commit = Commit::prepare(client)?;
        self.take_turn(client, list, Asker::Commit(commit.clone()))?;
        Ok(commit)
    }

    /// A commit whose answer [`Commits::hear`] tells.
    pub fn ask_for_call(&self, client: &Client, list: Option<&[TopicPartition]>, call: usize) -> Result<(), KafkaError> {
        if self.answers.get().is_none() {
            let _ = self.answers.set(waking_queue(client)?);
        }
        self.take_turn(client, list, Asker::Call(call))
    }

    pub fn are_answered(&self) -> bool {
        self.answers.get().is_some_and(|queue| queue.len() > 0) || self.is_over() && !self.waiting.borrow().is_empty()
    }

    /// Tells the answers that came, and sends what waited for them.
    pub fn hear(&self, client: &Client, mut tell: impl FnMut(Committed)) {
        let mut failed = false;
        while let Some((call, error, offsets)) = self.answers.get().and_then(|queue| take_commit(queue, 0)) {
            let ours = self.alone.borrow_mut().take_if(|asker| matches!(asker, Asker::Call(alone) if *alone == call));
            // Nothing to commit is answered without the coordinator.
            if error.is_some() || !offsets.is_empty() {
                self.reached.set(error.is_none());
                failed |= ours.is_some() && error.is_some();
            }
            tell(Committed { error, offsets, call: Some(call as u64) });
        }
        if self.is_over() {
            if let Some(Asker::Commit(commit)) = self.alone.take() {
                self.reached.set(commit.answer() == Answer::Committed);
                failed |= commit.answer() == Answer::Failed;
            }
        }
        // A coordinator that cannot be found keeps each commit waiting: they wait together then.
        while self.may_begin() {
            let Some((list, asker)) = self.waiting.borrow_mut().pop_front() else { break };
            let call = if let Asker::Call(call) = &asker { Some(*call as u64) } else { None };
            let begun = self.begin(client, list.as_deref(), asker, !failed);
            if let Err(error) = begun {
                tell(Committed { error: Some(error), offsets: list.unwrap_or_default(), call });
            }
        }
    }

    /// The client leaves: what waits has half the time that is left for it to go in turn, and then goes at once.
    pub fn begin_rest(&self, client: &Client, deadline: Instant, mut tell: impl FnMut(Committed)) {
        const PAUSE: Duration = Duration::from_millis(5);
        let in_turn = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
        while !self.waiting.borrow().is_empty() && Instant::now() < in_turn {
            self.hear(client, &mut tell);
            std::thread::sleep(PAUSE);
        }
        for (list, asker) in self.waiting.take() {
            let _ = self.begin(client, list.as_deref(), asker, false);
        }
    }

    fn take_turn(&self, client: &Client, list: Option<&[TopicPartition]>, asker: Asker) -> Result<(), KafkaError> {
        if self.may_begin() && self.waiting.borrow().is_empty() {
            return self.begin(client, list, asker, true);
        }
        self.waiting.borrow_mut().push_back((list.map(<[_]>::to_vec), asker));
        Ok(())
    }

    /// The coordinator is known, or nothing is under way that might pass or be passed.
    fn may_begin(&self) -> bool {
        self.reached.get() || self.is_over()
    }

    /// Nothing is under way alone, or its answer is there. That of a call is taken by `hear`.
    fn is_over(&self) -> bool {
        match &*self.alone.borrow() {
            None => true,
            Some(Asker::Call(_)) => false,
            Some(Asker::Commit(commit)) => commit.answer() != Answer::Open,
        }
    }

    fn begin(&self, client: &Client, list: Option<&[TopicPartition]>, asker: Asker, others_wait: bool) -> Result<(), KafkaError> {
        match &asker {
            Asker::Commit(commit) => commit.begin(client, list)?,
            Asker::Call(call) => match self.answers.get() {
                Some(queue) => begin_commit(client, list, queue, *call)?,
                None => return Err(KafkaError::new(-196, "_FAIL", "no queue could be made")),
            },
        }
        if others_wait && !self.reached.get() {
            self.alone.replace(Some(asker));
        }
        Ok(())
    }
}
