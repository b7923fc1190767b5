//! Messages taken from librdkafka ahead of the program, handed out one by one.
//!
//! The buffer is the front of librdkafka's own queue: it may only hold what that queue could
//! still hand out, so whatever takes partitions away drops theirs from here too. What belongs to
//! a partition that is held back waits aside, in its order.

use std::collections::{HashMap, VecDeque};

use crate::model::partition::{TopicPartition, INVALID};
use crate::native::consumer::{behind_refusals, Take, BATCH};
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
    /// Partitions that librdkafka was told to stop fetching, because too much of them waits here.
    parked: Vec<TopicPartition>,
}

struct Held {
    topic: Box<[u8]>,
    /// Bits of [`Hold`].
    reasons: u8,
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
    /// program that waits for something else looks for ever. Returns places that librdkafka counted wrong.
    pub fn fill(&mut self, take: Take, queue: &Queue, most: usize) -> Vec<TopicPartition> {
        let before = self.ready.len();
        let most = most.max(BATCH);
        if before >= most {
            take.take(queue, usize::from(before < most + OVERFLOW), &mut self.ready);
        }
        while self.ready.len() < most {
            let room = (most - self.ready.len()).min(BATCH);
            if take.take(queue, room, &mut self.ready) < room {
                break;
            }
        }
        let places = if take == Take::Batches { behind_refusals(self.ready.range(before..)) } else { Vec::new() };
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
        places
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
                of.push(Held { topic: topic.into(), reasons: why as u8 });
                move_of(topic, partition, &mut self.ready, &mut self.aside);
            }
        }
    }

    /// Hands them out again, once no other reason is left.
    pub fn release(&mut self, topic: &[u8], partition: i32, why: Hold) {
        let Some(of) = self.holds.get_mut(&partition) else { return };
        let Some(index) = of.iter().position(|held| *held.topic == *topic && held.reasons & why as u8 != 0) else { return };
        let left = of.get_mut(index).map_or(0, |held| {
            held.reasons &= !(why as u8);
            held.reasons
        });
        if left != 0 {
            return;
        }
        of.swap_remove(index);
        if of.is_empty() {
            self.holds.remove(&partition);
        }
        let mut first = VecDeque::new();
        move_of(topic, partition, &mut self.aside, &mut first);
        first.append(&mut self.ready);
        self.ready = first;
    }

    fn is_paused(&self, place: &TopicPartition) -> bool {
        let of = self.holds.get(&place.partition);
        of.is_some_and(|of| {
            of.iter().any(|held| *held.topic == *place.topic.as_bytes() && held.reasons & Hold::Paused as u8 != 0)
        })
    }

    /// Partitions of which more than a buffer's worth waits aside: their fetching is to stop.
    pub fn park(&mut self) -> Vec<TopicPartition> {
        let mut found = Vec::new();
        if self.aside.len() < BATCH {
            return found;
        }
        for (partition, of) in &self.holds {
            for held in of {
                let place = TopicPartition::new(String::from_utf8_lossy(&held.topic), *partition, INVALID);
                let many = self.aside.iter().filter(|message| is_of(message, &held.topic, *partition)).count() >= BATCH;
                if many && !self.is_paused(&place) && !self.parked.contains(&place) {
                    found.push(place);
                }
            }
        }
        self.parked.extend(found.iter().cloned());
        found
    }

    /// Partitions whose fetching had stopped and of which little is left: it is to go on.
    pub fn unpark(&mut self) -> Vec<TopicPartition> {
        if self.parked.is_empty() {
            return Vec::new();
        }
        let (little, much) = std::mem::take(&mut self.parked).into_iter().partition(|place| {
            let of_it = |message: &&Message| is_of(message, place.topic.as_bytes(), place.partition);
            self.ready.iter().filter(of_it).count() + self.aside.iter().filter(of_it).count() < BATCH / 4
        });
        self.parked = much;
        let mut little: Vec<TopicPartition> = little;
        // The user's own pause outlives ours.
        little.retain(|place| !self.is_paused(place));
        little
    }

    /// The offset of a partition's first message that is still here.
    pub fn first_offset(&self, topic: &[u8], partition: i32) -> Option<i64> {
        let mut all = self.aside.iter().chain(&self.ready);
        all.find(|message| message.code() == 0 && is_of(message, topic, partition)).map(Message::offset)
    }

    /// Forgets what holds partitions back that are no longer read (all, without a list). Returns those
    /// that librdkafka was told to stop fetching.
    pub fn forget_holds(&mut self, gone: Option<&[TopicPartition]>) -> Vec<TopicPartition> {
        let is_gone = |topic: &[u8], partition| gone.is_none_or(|gone| gone.iter().any(|place| place.is_at(topic, partition)));
        let (mut stopped, stay): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.parked).into_iter().partition(|place| is_gone(place.topic.as_bytes(), place.partition));
        self.parked = stay;
        for (partition, of) in &mut self.holds {
            of.retain(|held| {
                let goes = is_gone(&held.topic, *partition);
                if goes && held.reasons & Hold::Paused as u8 != 0 {
                    stopped.push(TopicPartition::new(String::from_utf8_lossy(&held.topic), *partition, INVALID));
                }
                !goes
            });
        }
        self.holds.retain(|_, of| !of.is_empty());
        stopped
    }

    /// Whether librdkafka does not fetch the partition because too much of it waits here.
    pub fn is_parked(&self, topic: &[u8], partition: i32) -> bool {
        self.parked.iter().any(|place| place.is_at(topic, partition))
    }

    /// Drops all messages.
    pub fn drop_all(&mut self) {
        self.ready.retain(Message::is_error);
        self.aside.clear();
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
