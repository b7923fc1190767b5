//! Messages taken from librdkafka ahead of the program, handed out one by one.
//!
//! The buffer is the front of librdkafka's own queue: it may only hold what that queue could
//! still hand out, so whatever takes partitions away drops theirs from here too.

use std::collections::VecDeque;

use crate::model::partition::TopicPartition;
use crate::native::consumer::{take_local, BATCH};
use crate::native::message::Message;
use crate::native::queue::Queue;

/// How far over its size the buffer may grow in search of a rebalance.
const OVERFLOW: usize = 4 * BATCH;

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

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Fills up from what is local, to `most` if the program wants more than a buffer's worth; with a
    /// full buffer still one, so that a rebalance behind the messages is seen, up to a limit: a
    /// program that waits for something else looks for ever.
    pub fn fill(&mut self, queue: &Queue, most: usize) {
        let most = most.max(BATCH);
        if self.messages.len() >= most {
            let one = usize::from(self.messages.len() < most + OVERFLOW);
            take_local(queue, one, &mut self.messages);
            return;
        }
        loop {
            let room = (most - self.messages.len()).min(BATCH);
            if take_local(queue, room, &mut self.messages) < room || self.messages.len() >= most {
                return;
            }
        }
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
