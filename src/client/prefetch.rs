//! Messages taken from librdkafka ahead of the program, handed out one by one.
//!
//! The buffer is the front of librdkafka's own queue: it may only hold what that queue could
//! still hand out, so whatever takes partitions away drops theirs from here too. What belongs to
//! a partition that is held back waits aside, in its order.

use std::collections::{HashMap, VecDeque};

use crate::model::partition::{TopicPartition, INVALID};
use crate::native::consumer::{take_local, BATCH};
use crate::native::message::Message;
use crate::native::queue::Queue;

/// How far over its size the buffer may grow in search of a rebalance.
const OVERFLOW: usize = 4 * BATCH;

/// Why a partition's messages are not handed out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The user paused it.
    Paused = 1,
    /// Its last message is not acked (`ack="required"`).
    Unacked = 2,
}

#[derive(Default)]
pub struct Prefetch {
    /// Handed out next.
    ready: VecDeque<Message>,
    /// Of partitions that are held back.
    aside: VecDeque<Message>,
    /// By partition.
    holds: HashMap<i32, Vec<Held>>,
}

struct Held {
    topic: Box<[u8]>,
    /// Bits of [`Hold`].
    reasons: u8,
    /// librdkafka was told to stop fetching it.
    parked: bool,
}

impl Prefetch {
    pub fn pop(&mut self) -> Option<Message> {
        self.ready.pop_front()
    }

    pub fn put_back(&mut self, message: Message) {
        self.ready.push_front(message);
    }

    /// Nothing can be handed out.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub fn len(&self) -> usize {
        self.ready.len()
    }

    /// Fills up from what is local, to `most` if the program wants more than a buffer's worth; with a
    /// full buffer still one, so that a rebalance behind the messages is seen, up to a limit: a
    /// program that waits for something else looks for ever.
    pub fn fill(&mut self, queue: &Queue, most: usize) {
        let before = self.ready.len();
        let most = most.max(BATCH);
        if before >= most {
            take_local(queue, usize::from(before < most + OVERFLOW), &mut self.ready);
        }
        while self.ready.len() < most {
            let room = (most - self.ready.len()).min(BATCH);
            if take_local(queue, room, &mut self.ready) < room {
                break;
            }
        }
        if !self.holds.is_empty() {
            let new = self.ready.split_off(before);
            for message in new {
                if self.is_held(&message) {
                    self.aside.push_back(message);
                } else {
                    self.ready.push_back(message);
                }
            }
        }
    }

    fn is_held(&self, message: &Message) -> bool {
        let Some(of) = self.holds.get(&message.partition()) else { return false };
        of.iter().any(|held| message.topic() == Some(&held.topic))
    }

    /// Keeps a partition's messages back.
    pub fn hold(&mut self, topic: &[u8], partition: i32, why: Hold) {
        let of = self.holds.entry(partition).or_default();
        match of.iter_mut().find(|held| *held.topic == *topic) {
            Some(held) => held.reasons |= why as u8,
            None => {
                of.push(Held { topic: topic.into(), reasons: why as u8, parked: false });
                move_of(topic, partition, &mut self.ready, &mut self.aside);
            }
        }
    }

    /// Hands them out again, once no other reason is left. True if librdkafka is to fetch the
    /// partition again, which [`Prefetch::park`] had stopped.
    pub fn release(&mut self, topic: &[u8], partition: i32, why: Hold) -> bool {
        let Some(of) = self.holds.get_mut(&partition) else { return false };
        let Some(index) = of.iter().position(|held| *held.topic == *topic && held.reasons & why as u8 != 0) else {
            return false;
        };
        let (left, parked) = of.get_mut(index).map_or((0, false), |held| {
            held.reasons &= !(why as u8);
            (held.reasons, held.parked)
        });
        if left != 0 {
            return false;
        }
        of.swap_remove(index);
        if of.is_empty() {
            self.holds.remove(&partition);
        }
        let mut first = VecDeque::new();
        move_of(topic, partition, &mut self.aside, &mut first);
        first.append(&mut self.ready);
        self.ready = first;
        parked
    }

    /// Partitions of which more than a buffer's worth waits aside and whose fetching is to stop now.
    pub fn park(&mut self) -> Vec<TopicPartition> {
        let mut parked = Vec::new();
        if self.aside.len() < BATCH {
            return parked;
        }
        for (partition, of) in &mut self.holds {
            for held in of.iter_mut().filter(|held| !held.parked && held.reasons & Hold::Paused as u8 == 0) {
                if self.aside.iter().filter(|message| is_of(message, &held.topic, *partition)).count() >= BATCH {
                    held.parked = true;
                    parked.push(TopicPartition::new(String::from_utf8_lossy(&held.topic), *partition, INVALID));
                }
            }
        }
        parked
    }

    /// Drops all messages and what holds them; errors stay to be told.
    pub fn clear(&mut self) {
        self.ready.retain(Message::is_error);
        self.aside.clear();
        self.holds.clear();
    }

    /// Drops what belongs to partitions that are going away, or are read from elsewhere.
    pub fn drop_partitions(&mut self, gone: &[TopicPartition]) {
        let stays = |message: &Message| {
            message.is_error() || !gone.iter().any(|place| is_of(message, place.topic.as_bytes(), place.partition))
        };
        self.ready.retain(stays);
        self.aside.retain(stays);
        for place in gone {
            self.release(place.topic.as_bytes(), place.partition, Hold::Unacked);
        }
    }
}

fn is_of(message: &Message, topic: &[u8], partition: i32) -> bool {
    message.partition() == partition && message.topic() == Some(topic)
}

/// Moves a partition's messages to the end of `into`, in their order.
fn move_of(topic: &[u8], partition: i32, from: &mut VecDeque<Message>, into: &mut VecDeque<Message>) {
    if !from.iter().any(|message| is_of(message, topic, partition)) {
        return;
    }
    for message in std::mem::take(from) {
        if is_of(&message, topic, partition) {
            into.push_back(message);
        } else {
            from.push_back(message);
        }
    }
}
