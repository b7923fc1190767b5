//! Partitions that a simple consumer has started and that may not exist. librdkafka looks for them in
//! the first metadata of their topic only: of one that is started later it never says a word.

use std::cell::RefCell;
use std::ffi::CString;

use super::consumer::Consumer;
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
    step: Step,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Waiting,
    Asked,
    /// The answer is there. librdkafka's own word on it is in the queue by the next look.
    Answered,
}

impl Unseen {
    pub fn add(&self, topic: &str, partition: i32) {
        self.0.borrow_mut().push(Entry { topic: topic.into(), partition, since: coarse_ms(), step: Step::Waiting });
    }

    pub fn remove(&self, topic: &str, partition: i32) {
        self.0.borrow_mut().retain(|entry| entry.topic != topic || entry.partition != partition);
    }

    /// A topic to look at now, and how far that is.
    fn due(&self) -> Option<(String, Step)> {
        let entries = self.0.borrow();
        if entries.is_empty() {
            return None;
        }
        let now = coarse_ms();
        let entry = entries.iter().find(|entry| now.saturating_sub(entry.since) >= PATIENCE)?;
        Some((entry.topic.clone(), entry.step))
    }

    fn advance(&self, topic: &str, step: Step) {
        self.0.borrow_mut().iter_mut().filter(|entry| entry.topic == topic).for_each(|entry| entry.step = step);
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
        let Some((topic, step)) = self.feeds.unseen.due() else { return };
        let metadata = self.handle.metadata();
        if step == Step::Waiting {
            metadata.expire(&topic);
            self.feeds.unseen.advance(&topic, Step::Asked);
        }
        let scope = || Topic::open(self.handle.client(), &CString::new(topic.as_str()).ok()?, None).ok().map(Scope::Topic);
        self.handle.learn_of(&topic, scope);
        let Some(count) = metadata.fresh_partition_count(&topic) else { return };
        if step != Step::Answered {
            return self.feeds.unseen.advance(&topic, Step::Answered);
        }
        for partition in self.feeds.unseen.settle(&topic, count) {
            let place = format!("{topic} [{partition}]");
            if self.shared().is_missing(&place) {
                continue;
            }
            let has = if count == 1 { "1 partition, 0".into() } else { format!("{count} partitions, 0 to {}", count - 1) };
            let text = format!("{place}: no such partition; the topic has {has}: call consume_stop, and start one of those");
            let error = KafkaError::new(UNKNOWN_PARTITION, "_UNKNOWN_PARTITION", text);
            self.shared().set_last_error(error.clone());
            self.shared().raise_once(error);
        }
    }
}
