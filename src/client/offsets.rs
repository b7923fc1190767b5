//! Storing and committing, and how far behind a consumer is.

use std::ffi::CString;

use super::consumer::Consumer;
use crate::model::error::KafkaError;
use crate::model::event::Event;
use crate::model::partition::{TopicPartition, INVALID};
use crate::native::commits::{self, Commit};
use crate::native::offsets;

impl Consumer {
    /// Asks for a commit of these offsets or, without, of what is stored and was handed out last.
    pub fn commit(&self, list: Option<&[TopicPartition]>) -> Result<Commit, KafkaError> {
        self.count_as_done(list);
        self.commits.ask(self.handle.client(), list)
    }

    /// As [`Consumer::commit`]; the answer comes as an event with the number of the call.
    pub fn commit_async(&self, list: Option<&[TopicPartition]>, call: usize) -> Result<(), KafkaError> {
        self.count_as_done(list);
        self.commits.ask_for_call(self.handle.client(), list, call)
    }

    /// Makes events of the answers that came, and sends the commits that waited for them.
    pub(super) fn hear_commits(&self) {
        self.commits.hear(self.handle.client(), |committed| self.shared().push(Event::Commit(Box::new(committed))));
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
        commits::store(self.handle.client(), list)?;
        self.done_before(list);
        Ok(())
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
