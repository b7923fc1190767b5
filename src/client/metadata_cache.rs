//! What this client last heard of its topics' partitions. Asking it never waits: what is missing
//! or old is asked for in the background and known a little later.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::model::error::{KafkaError, UNKNOWN_TOPIC_OR_PART};
use crate::model::metadata::{Metadata, TopicMetadata};
use crate::native::client::Client;
use crate::native::metadata::{query, Scope};

/// What is older than this is asked for again when it is used.
const FRESH: Duration = Duration::from_secs(30);
/// A topic that is not known yet is not asked for more often.
const RETRY: Duration = Duration::from_secs(1);
/// How long a question in the background may take (ms).
pub const PATIENCE: i32 = 5_000;

#[derive(Default)]
pub struct MetadataCache(Mutex<HashMap<String, Entry>>);

#[derive(Default)]
struct Entry {
    /// Whether each partition has a leader; empty while nothing is known.
    available: Vec<bool>,
    heard: Option<Instant>,
    asked: Option<Instant>,
    error: Option<KafkaError>,
    /// Somebody waited for it in vain.
    given_up: bool,
}

impl MetadataCache {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many partitions a topic has, if that is known.
    pub fn partition_count(&self, topic: &str) -> Option<i32> {
        let count = self.lock().get(topic)?.available.len();
        i32::try_from(count).ok().filter(|count| *count > 0)
    }

    /// Whether a partition exists and has a leader, if the topic is known.
    pub fn is_available(&self, topic: &str, partition: i32) -> Option<bool> {
        let topics = self.lock();
        let known = &topics.get(topic)?.available;
        let at = |index| known.get(index).copied().unwrap_or(false);
        (!known.is_empty()).then(|| usize::try_from(partition).is_ok_and(at))
    }

    /// Why a topic is not known, as a broker said last.
    pub fn error(&self, topic: &str) -> Option<KafkaError> {
        self.lock().get(topic)?.error.clone()
    }

    pub fn learn(&self, found: &Metadata) {
        let mut topics = self.lock();
        for topic in &found.topics {
            topics.entry(topic.name.clone()).or_default().learn(topic);
        }
    }

    /// What is known of a topic is too old for the caller: it is asked for again.
    pub fn expire(&self, topic: &str) {
        if let Some(entry) = self.lock().get_mut(topic) {
            (entry.heard, entry.asked) = (None, None);
        }
    }

    /// As [`MetadataCache::partition_count`], if it was heard since the last [`MetadataCache::expire`].
    pub fn fresh_partition_count(&self, topic: &str) -> Option<i32> {
        self.lock().get(topic)?.heard?;
        self.partition_count(topic)
    }

    /// Whether it is time to ask for a topic; then somebody is about to.
    pub fn begin_look_up(&self, topic: &str) -> bool {
        let mut topics = self.lock();
        let entry = topics.entry(topic.into()).or_default();
        let pause = if entry.available.is_empty() { RETRY } else { FRESH };
        let past = |moment: Option<Instant>, pause| moment.is_none_or(|moment| moment.elapsed() >= pause);
        let due = past(entry.heard.filter(|_| !entry.available.is_empty()), FRESH) && past(entry.asked, pause);
        if due {
            entry.asked = Some(Instant::now());
        }
        due
    }

    /// Why it is no use to wait for a topic once more, if somebody did in vain.
    pub fn given_up(&self, topic: &str) -> Option<KafkaError> {
        let topics = self.lock();
        let entry = topics.get(topic).filter(|entry| entry.given_up)?;
        Some(entry.error.clone().unwrap_or_else(|| unknown(topic)))
    }

    pub fn give_up(&self, topic: &str) {
        self.lock().entry(topic.into()).or_default().given_up = true;
    }

    fn fail(&self, topic: &str, error: &KafkaError) {
        self.lock().entry(topic.into()).or_default().error = Some(error.clone());
    }
}

impl Entry {
    fn learn(&mut self, topic: &TopicMetadata) {
        self.error = topic.error.clone();
        match &topic.error {
            None if !topic.partitions.is_empty() => {
                let count = topic.partitions.iter().map(|partition| partition.id).max().unwrap_or(-1) + 1;
                self.available = vec![false; usize::try_from(count).unwrap_or(0)];
                for partition in &topic.partitions {
                    if let Some(slot) = usize::try_from(partition.id).ok().and_then(|id| self.available.get_mut(id)) {
                        *slot = partition.leader >= 0;
                    }
                }
                self.heard = Some(Instant::now());
                self.given_up = false;
            }
            // Deleted. Any other error says nothing of the partitions.
            Some(error) if error.code == UNKNOWN_TOPIC_OR_PART => self.available.clear(),
            _ => {}
        }
    }
}

fn unknown(topic: &str) -> KafkaError {
    KafkaError::timed_out(format!("nothing is known of topic {topic} yet"))
}

/// Asks until the topic is known (a broker may be about to create it) or `ms` are over. Blocks.
pub fn look_up(client: &Client, cache: &MetadataCache, name: &str, scope: &Scope, ms: i32) -> Result<(), KafkaError> {
    const AGAIN_AFTER: Duration = Duration::from_millis(100);
    let end = u64::try_from(ms).ok().map(|ms| Instant::now() + Duration::from_millis(ms));
    loop {
        let left = end.map_or(-1, |end| {
            let left = end.saturating_duration_since(Instant::now()).as_millis();
            i32::try_from(left).unwrap_or(i32::MAX)
        });
        match query(client, scope, left) {
            Ok(found) => cache.learn(&found),
            Err(error) => cache.fail(name, &error),
        }
        if cache.partition_count(name).is_some() {
            return Ok(());
        }
        if end.is_some_and(|end| Instant::now() + AGAIN_AFTER >= end) {
            return Err(cache.error(name).unwrap_or_else(|| unknown(name)));
        }
        std::thread::sleep(AGAIN_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metadata::PartitionMetadata;

    fn found(leaders: &[i32], error: Option<KafkaError>) -> Metadata {
        let partition = |(id, leader): (usize, &i32)| PartitionMetadata {
            id: id as i32,
            leader: *leader,
            replicas: Vec::new(),
            isr: Vec::new(),
            error: None,
        };
        let partitions = leaders.iter().enumerate().map(partition).collect();
        Metadata { brokers: Vec::new(), topics: vec![TopicMetadata { name: "t".into(), partitions, error }] }
    }

    #[test]
    fn knows_what_it_heard_last() {
        let cache = MetadataCache::default();
        assert_eq!((cache.partition_count("t"), cache.is_available("t", 0)), (None, None));
        cache.learn(&found(&[1, -1, 2], None));
        assert_eq!(cache.partition_count("t"), Some(3));
        assert_eq!([0, 1, 2, 3, -1].map(|p| cache.is_available("t", p)), [true, false, true, false, false].map(Some));
        cache.learn(&found(&[], Some(KafkaError::new(5, "LEADER_NOT_AVAILABLE", ""))));
        assert_eq!(cache.partition_count("t"), Some(3));
        cache.learn(&found(&[], Some(KafkaError::new(UNKNOWN_TOPIC_OR_PART, "UNKNOWN_TOPIC_OR_PART", ""))));
        assert_eq!(cache.partition_count("t"), None);
        assert!(cache.error("t").is_some());
    }

    #[test]
    fn asks_once_for_what_is_missing() {
        let cache = MetadataCache::default();
        assert!(cache.begin_look_up("t"));
        assert!(!cache.begin_look_up("t"));
        cache.learn(&found(&[1], None));
        assert!(!cache.begin_look_up("t"));
    }
}
