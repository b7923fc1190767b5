//! Storing and committing, and how far behind a consumer is.

use std::cell::OnceCell;
use std::ffi::CString;

use super::consumer::Consumer;
use crate::model::error::KafkaError;
use crate::model::event::{Committed, Event};
use crate::model::partition::{TopicPartition, INVALID};
use crate::native::client::Client;
use crate::native::commits::{self, Commit};
use crate::native::offsets;
use crate::native::queue::Queue;

/// Answers to `commit_async`, in the order librdkafka gives them.
#[derive(Default)]
pub struct Commits(OnceCell<Queue>);

impl Commits {
    fn queue(&self, client: &Client) -> Result<&Queue, KafkaError> {
        if self.0.get().is_none() {
            let _ = self.0.set(commits::waking_queue(client)?);
        }
        self.0.get().ok_or_else(|| KafkaError::new(-196, "_FAIL", "no queue could be made"))
    }

    pub fn are_answered(&self) -> bool {
        self.0.get().is_some_and(|queue| queue.len() > 0)
    }
}

impl Consumer {
    /// Begins a commit of these offsets or, without, of what is stored and was handed out last.
    pub fn commit(&self, list: Option<&[TopicPartition]>) -> Result<Commit, KafkaError> {
        self.count_as_done(list);
        Commit::begin(self.handle.client(), list)
    }

    /// As [`Consumer::commit`]; the answer comes as an event with the number of the call.
    pub fn commit_async(&self, list: Option<&[TopicPartition]>, call: usize) -> Result<(), KafkaError> {
        self.count_as_done(list);
        let client = self.handle.client();
        commits::begin_commit(client, list, self.commits.queue(client)?, call)
    }

    /// Makes events of the answers that came.
    pub(super) fn hear_commits(&self) {
        let Some(queue) = self.commits.0.get() else { return };
        while let Some((call, error, offsets)) = commits::take_commit(queue, 0) {
            self.shared().push(Event::Commit(Box::new(Committed { error, offsets, call: Some(call as u64) })));
        }
    }

    /// A commit without offsets of its own covers what was handed out last.
    fn count_as_done(&self, list: Option<&[TopicPartition]>) {
        if list.is_none() {
            self.finish_last();
            self.feeds.finish_last();
        }
    }

    /// What the next commit commits, besides what is stored already.
    pub fn store_offsets(&self, list: &[TopicPartition]) -> Result<(), KafkaError> {
        commits::store(self.handle.client(), list)
    }

    /// How many messages each assigned partition has before its end, as far as known.
    pub fn lag(&self) -> Result<Vec<(TopicPartition, Option<i64>)>, KafkaError> {
        let places = self.position(None)?;
        let lag_of = |place: &TopicPartition| {
            let topic = CString::new(place.topic.as_str()).ok()?;
            let (_, high) = offsets::cached_watermarks(self.handle.client(), &topic, place.partition)?;
            (place.offset >= 0).then_some((high - place.offset).max(0))
        };
        Ok(places.into_iter().map(|place| (place.clone(), lag_of(&place))).collect())
    }

    /// What a question about committed offsets is about: the list given, or what is assigned.
    pub fn or_assigned(&self, of: Option<Vec<TopicPartition>>) -> Result<Vec<TopicPartition>, KafkaError> {
        let of = of.map_or_else(|| self.assignment(), Ok)?;
        Ok(of.into_iter().map(|place| TopicPartition::new(place.topic, place.partition, INVALID)).collect())
    }
}
