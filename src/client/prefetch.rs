//! Messages taken from librdkafka ahead of the program, handed out one by one.
//!
//! The buffer is the front of librdkafka's own queue: it may only hold what that queue could
//! still hand out, so whatever takes partitions away drops theirs from here too.

use std::collections::VecDeque;

use crate::model::partition::TopicPartition;
use crate::native::consumer::{take_local, BATCH};
use crate::native::message::Message;
use crate::native::queue::Queue;

#[derive(Default)]
pub struct Prefetch {
    messages: VecDeque<Message>,
}

impl Prefetch {
    pub fn pop(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    pub fn put_back(&mut self, message: Message) {
        self.messages.push_front(message);
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Fills up from what is local; with a full buffer still one, so that a rebalance behind the
    /// messages is seen.
    pub fn fill(&mut self, queue: &Queue) {
        let room = BATCH.saturating_sub(self.messages.len()).max(1);
        take_local(queue, room, &mut self.messages);
    }

    pub fn clear(&mut self) {
        self.messages.clear();
    }

    /// Drops what belongs to partitions that are going away.
    pub fn drop_partitions(&mut self, gone: &[TopicPartition]) {
        self.messages.retain(|message| {
            let topic = message.topic().unwrap_or_default();
            !gone.iter().any(|place| place.is_at(topic, message.partition()))
        });
    }
}
