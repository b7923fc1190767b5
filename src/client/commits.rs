//! Commits reach the group's coordinator in the order of the calls: one is under way at a time.
//!
//! librdkafka would let them overtake each other: it sets those aside that come before it knows the coordinator, and
//! tries again what was refused for the moment, while later ones go their way. Then an older offset ends up committed.
//! Calls of `commit_async` that wait go together, the latest offset of each partition, and each hears of its own.

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::model::error::KafkaError;
use crate::model::event::Committed;
use crate::model::partition::TopicPartition;
use crate::native::client::Client;
use crate::native::commits::{begin_commit, committed_only, refusal, take_commit, waking_queue, Commit};
use crate::native::queue::Queue;

/// What is to be committed; without a list what is stored.
type List = Option<Vec<TopicPartition>>;

#[derive(Default)]
pub struct Commits {
    /// Answers to `commit_async`.
    answers: OnceCell<Queue>,
    under_way: RefCell<Option<Asker>>,
    waiting: RefCell<VecDeque<Waiting>>,
}

/// Who gets the answer.
enum Asker {
    /// Calls of `commit_async`, by their numbers, whose lists went together.
    Calls(Vec<(usize, List)>),
    Commit(Commit),
}

enum Waiting {
    Call(usize, List),
    Commit(Commit, List),
}

impl Commits {
    /// A commit whose answer is waited for.
    pub fn ask(&self, client: &Client, list: Option<&[TopicPartition]>) -> Result<Commit, KafkaError> {
        let commit = Commit::prepare(client)?;
        self.take_turn(client, Waiting::Commit(commit.clone(), list.map(<[_]>::to_vec)))?;
        Ok(commit)
    }

    /// A commit whose answer [`Commits::hear`] tells.
    pub fn ask_for_call(&self, client: &Client, list: Option<&[TopicPartition]>, call: usize) -> Result<(), KafkaError> {
        if self.answers.get().is_none() {
            let _ = self.answers.set(waking_queue(client)?);
        }
        self.take_turn(client, Waiting::Call(call, list.map(<[_]>::to_vec)))
    }

    pub fn are_answered(&self) -> bool {
        self.answers.get().is_some_and(|queue| queue.len() > 0) || self.is_over() && !self.waiting.borrow().is_empty()
    }

    /// Tells the answers that came, and sends what waited for them.
    pub fn hear(&self, client: &Client, mut tell: impl FnMut(Committed)) {
        while let Some((_, error, offsets)) = self.answers.get().and_then(|queue| take_commit(queue, 0)) {
            if let Some(Asker::Calls(calls)) = self.under_way.take() {
                tell_each(calls, error, offsets, &mut tell);
            }
        }
        while self.is_over() {
            self.under_way.take();
            let Some(next) = self.next() else { break };
            if let Err((error, Asker::Calls(calls))) = self.begin(client, next) {
                tell_each(calls, Some(error), Vec::new(), &mut tell);
            }
        }
    }

    /// The client leaves: what waits has half the time that is left for it to go in turn, and then goes at once.
    pub fn begin_rest(&self, client: &Client, deadline: Instant) {
        const PAUSE: Duration = Duration::from_millis(5);
        let in_turn = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
        while !self.waiting.borrow().is_empty() && Instant::now() < in_turn {
            self.hear(client, |_| ());
            std::thread::sleep(PAUSE);
        }
        while let Some(next) = self.next() {
            let _ = self.begin(client, next);
        }
        // A queue with an answer nobody takes would keep librdkafka's threads.
        self.under_way.take();
    }

    fn take_turn(&self, client: &Client, asked: Waiting) -> Result<(), KafkaError> {
        self.waiting.borrow_mut().push_back(asked);
        if self.waiting.borrow().len() > 1 || !self.is_over() {
            return Ok(());
        }
        self.next().map_or(Ok(()), |next| self.begin(client, next).map_err(|(error, _)| error))
    }

    /// Nothing is under way, or its answer is there. That of calls is taken by `hear`.
    fn is_over(&self) -> bool {
        match &*self.under_way.borrow() {
            None => true,
            Some(Asker::Calls(_)) => false,
            Some(Asker::Commit(commit)) => commit.is_answered(),
        }
    }

    /// What goes next: one commit, or all calls with lists of their own up to the next of another kind.
    fn next(&self) -> Option<(List, Asker)> {
        let mut waiting = self.waiting.borrow_mut();
        let mut calls = match waiting.pop_front()? {
            Waiting::Commit(commit, list) => return Some((list, Asker::Commit(commit))),
            Waiting::Call(call, None) => return Some((None, Asker::Calls(vec![(call, None)]))),
            Waiting::Call(call, list) => vec![(call, list)],
        };
        while matches!(waiting.front(), Some(Waiting::Call(_, Some(_)))) {
            if let Some(Waiting::Call(call, list)) = waiting.pop_front() {
                calls.push((call, list));
            }
        }
        Some((Some(latest(&calls)), Asker::Calls(calls)))
    }

    fn begin(&self, client: &Client, (list, asker): (List, Asker)) -> Result<(), (KafkaError, Asker)> {
        let list = list.as_deref();
        let begun = match (&asker, self.answers.get()) {
            (Asker::Commit(commit), _) => commit.begin(client, list),
            (Asker::Calls(_), Some(queue)) => begin_commit(client, list, queue, 0),
            (Asker::Calls(_), None) => Err(KafkaError::new(-196, "_FAIL", "no queue could be made")),
        };
        match begun {
            Ok(()) => {
                self.under_way.replace(Some(asker));
                Ok(())
            }
            Err(error) => Err((error, asker)),
        }
    }
}

/// The latest offset of each partition.
fn latest(calls: &[(usize, List)]) -> Vec<TopicPartition> {
    let mut merged: Vec<TopicPartition> = Vec::new();
    for place in calls.iter().filter_map(|(_, list)| list.as_ref()).flatten() {
        match merged.iter_mut().find(|other| is_same(other, place)) {
            // One without an offset says nothing.
            Some(_) if place.offset < 0 => {}
            Some(other) => *other = place.clone(),
            None => merged.push(place.clone()),
        }
    }
    merged
}

fn is_same(a: &TopicPartition, b: &TopicPartition) -> bool {
    a.partition == b.partition && a.topic == b.topic
}

/// Each call hears of the offsets it named, and of what went wrong with those.
fn tell_each(
    calls: Vec<(usize, List)>,
    error: Option<KafkaError>,
    offsets: Vec<TopicPartition>,
    tell: &mut impl FnMut(Committed),
) {
    let together = calls.len() > 1;
    for (call, list) in calls {
        let call = Some(call as u64);
        let Some(list) = list.filter(|_| together) else {
            tell(Committed { error: error.clone(), offsets: offsets.clone(), call });
            continue;
        };
        let mut own = committed_only(list);
        for place in &mut own {
            place.error = offsets.iter().find(|told| is_same(told, place)).and_then(|told| told.error.clone());
        }
        let of_all = error.clone().filter(|_| offsets.iter().all(|told| told.error.is_none()));
        tell(Committed { error: own.iter().find_map(refusal).or(of_all), offsets: own, call });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(partition: i32, offset: i64) -> TopicPartition {
        TopicPartition::new("t", partition, offset)
    }

    #[test]
    fn of_lists_that_go_together_the_latest_offsets_are_committed() {
        let calls = [(1, Some(vec![place(0, 5), place(1, 7)])), (2, Some(vec![place(0, 3)])), (3, Some(vec![place(1, -1)]))];
        let merged: Vec<_> = latest(&calls).iter().map(|place| (place.partition, place.offset)).collect();
        assert_eq!(merged, [(0, 3), (1, 7)]);
    }

    #[test]
    fn each_call_hears_of_what_it_named() {
        let mut refused = place(1, 7);
        refused.error = Some(KafkaError::new(3, "UNKNOWN_TOPIC_OR_PART", "unknown"));
        let calls = || vec![(1, Some(vec![place(0, 5)])), (2, Some(vec![place(1, 7)])), (3, Some(vec![place(0, 6)]))];
        let answers = |error: Option<KafkaError>, offsets: Vec<TopicPartition>| {
            let mut told = Vec::new();
            tell_each(calls(), error, offsets, &mut |answer: Committed| {
                told.push((
                    answer.call,
                    answer.error.map(|error| error.code),
                    answer.offsets.first().map_or(-1, |place| place.offset),
                ));
            });
            told
        };
        let first = refused.error.clone();
        assert_eq!(
            answers(first.clone(), vec![place(0, 6), refused]),
            [(Some(1), None, 5), (Some(2), Some(3), 7), (Some(3), None, 6)]
        );
        assert_eq!(answers(first, Vec::new()), [(Some(1), Some(3), 5), (Some(2), Some(3), 7), (Some(3), Some(3), 6)]);
        assert_eq!(answers(None, vec![place(0, 6), place(1, 7)]), [(Some(1), None, 5), (Some(2), None, 7), (Some(3), None, 6)]);
    }
}
