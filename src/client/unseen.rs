//! Partitions that a simple consumer has started and that may not exist. librdkafka looks for them in
//! the first metadata of their topic only: of one that is started later it never says a word.

use std::cell::RefCell;
use std::ffi::CString;
use std::rc::{Rc, Weak};

use super::consumer::Consumer;
use super::feed::Feed;
use crate::model::error::{KafkaError, UNKNOWN_PARTITION};
use crate::native::metadata::Scope;
use crate::native::process::coarse_ms;
use crate::native::topic::Topic;

/// librdkafka gets so long (ms) to say it itself.
const PATIENCE: u64 = 1_000;

#[derive(Default)]
pub struct Unseen(RefCell<Vec<Entry>>);

struct Entry {
    topic: String,
    partition: i32,
    since: u64,
    is_asked: bool,
    feed: Weak<Feed>,
}

impl Unseen {
    pub fn add(&self, topic: &str, partition: i32, feed: &Rc<Feed>) {
        let entry = Entry { topic: topic.into(), partition, since: coarse_ms(), is_asked: false, feed: Rc::downgrade(feed) };
        self.0.borrow_mut().push(entry);
    }

    pub fn remove(&self, topic: &str, partition: i32) {
        self.0.borrow_mut().retain(|entry| entry.topic != topic || entry.partition != partition);
    }

    /// A topic to look at now, and whether for the first time.
    fn due(&self) -> Option<(String, bool)> {
        let mut entries = self.0.borrow_mut();
        if entries.is_empty() {
            return None;
        }
        entries.retain(|entry| entry.feed.upgrade().is_some_and(|feed| !feed.has_missed(&entry.topic, entry.partition)));
        let now = coarse_ms();
        let topic = entries.iter().find(|entry| now.saturating_sub(entry.since) >= PATIENCE)?.topic.clone();
        let mut is_first = false;
        for entry in entries.iter_mut().filter(|entry| entry.topic == topic) {
            is_first |= !std::mem::replace(&mut entry.is_asked, true);
        }
        Some((topic, is_first))
    }

    /// The topic has `count` partitions. Returns those that are missing; nothing waits for it any more.
    fn settle(&self, topic: &str, count: i32) -> Vec<i32> {
        let mut missing = Vec::new();
        self.0.borrow_mut().retain(|entry| {
            let is_of_it = entry.topic == topic;
            if is_of_it && entry.partition >= count {
                missing.push(entry.partition);
            }
            !is_of_it
        });
        missing
    }
}

impl Consumer {
    /// Lets the next waiting call tell of started partitions that are not there.
    pub(super) fn look_for_missing(&self) {
        let Some((topic, is_first)) = self.feeds.unseen.due() else { return };
        let metadata = self.handle.metadata();
        if is_first {
            metadata.expire(&topic);
        }
        let scope = || Topic::open(self.handle.client(), &CString::new(topic.as_str()).ok()?, None).ok().map(Scope::Topic);
        self.handle.learn_of(&topic, scope);
        let Some(count) = metadata.fresh_partition_count(&topic) else { return };
        for partition in self.feeds.unseen.settle(&topic, count) {
            let has = if count == 1 { "1 partition, 0".into() } else { format!("{count} partitions, 0 to {}", count - 1) };
            let text = format!(
                "{topic} [{partition}]: no such partition; the topic has {has}: call consume_stop, and start one of those"
            );
            let error = KafkaError::new(UNKNOWN_PARTITION, "_UNKNOWN_PARTITION", text);
            self.shared().set_last_error(error.clone());
            self.shared().raise_once(error);
        }
    }
}
