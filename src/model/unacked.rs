//! What was handed out and waits to be acked, and how far each partition is done: only what comes
//! first in the order of delivery may be stored.

use std::collections::{HashMap, VecDeque};

/// Where the next reader of a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub offset: i64,
    pub leader_epoch: i32,
}

#[derive(Clone, Copy)]
struct Given {
    offset: i64,
    leader_epoch: i32,
    acked: bool,
}

#[derive(Default)]
struct Place {
    given: VecDeque<Given>,
    /// Nothing more is stored: a message was cancelled.
    stopped: bool,
}

#[derive(Default)]
pub struct Unacked {
    places: HashMap<String, HashMap<i32, Place>>,
    count: usize,
}

impl Unacked {
    /// How many were handed out and cannot be stored yet.
    pub fn len(&self) -> usize {
        self.count
    }

    fn place(&mut self, topic: &str, partition: i32) -> Option<&mut Place> {
        self.places.get_mut(topic)?.get_mut(&partition)
    }

    /// A message was handed out.
    pub fn give(&mut self, topic: &str, partition: i32, offset: i64, leader_epoch: i32) {
        if !self.places.contains_key(topic) {
            self.places.insert(topic.to_string(), HashMap::new());
        }
        let Some(partitions) = self.places.get_mut(topic) else { return };
        let place = partitions.entry(partition).or_default();
        if !place.stopped {
            place.given.push_back(Given { offset, leader_epoch, acked: false });
            self.count += 1;
        }
    }

    /// Whether the message waits to be acked; and what may be stored now that it is.
    pub fn ack(&mut self, topic: &str, partition: i32, offset: i64) -> (bool, Option<Position>) {
        let Some(place) = self.place(topic, partition) else { return (false, None) };
        let Ok(index) = place.given.binary_search_by_key(&offset, |given| given.offset) else { return (false, None) };
        let Some(given) = place.given.get_mut(index) else { return (false, None) };
        let counts = !given.acked;
        given.acked = true;
        (counts, self.advance(topic, partition))
    }

    /// The program has committed the message itself: what came before it is done as well.
    pub fn ack_through(&mut self, topic: &str, partition: i32, offset: i64) -> Option<Position> {
        let place = self.place(topic, partition)?;
        place.given.iter_mut().take_while(|given| given.offset <= offset).for_each(|given| given.acked = true);
        self.advance(topic, partition)
    }

    /// The message shall come again: neither it nor what follows it is stored.
    pub fn cancel(&mut self, topic: &str, partition: i32, offset: i64) -> bool {
        let Some(place) = self.place(topic, partition) else { return false };
        let Ok(index) = place.given.binary_search_by_key(&offset, |given| given.offset) else { return false };
        place.stopped = true;
        let gone = place.given.len() - index;
        place.given.truncate(index);
        self.count -= gone;
        true
    }

    /// Takes what is acked and comes first, and says how far that is.
    fn advance(&mut self, topic: &str, partition: i32) -> Option<Position> {
        let place = self.place(topic, partition)?;
        let done = place.given.iter().take_while(|given| given.acked).count();
        let last = place.given.drain(..done).next_back()?;
        self.count -= done;
        Some(Position { offset: last.offset + 1, leader_epoch: last.leader_epoch })
    }

    /// The partition was revoked or sought: what was handed out of it is nobody's business any more.
    pub fn forget(&mut self, topic: &str, partition: i32) {
        let Some(partitions) = self.places.get_mut(topic) else { return };
        if let Some(place) = partitions.remove(&partition) {
            self.count -= place.given.len();
        }
        if partitions.is_empty() {
            self.places.remove(topic);
        }
    }

    pub fn clear(&mut self) {
        *self = Unacked::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(count: i64) -> Unacked {
        let mut unacked = Unacked::default();
        for offset in 0..count {
            // Compacted topics leave gaps.
            unacked.give("t", 0, offset * 2, 7);
        }
        unacked
    }

    fn at(offset: i64) -> Option<Position> {
        Some(Position { offset, leader_epoch: 7 })
    }

    #[test]
    fn only_the_prefix_is_stored() {
        let mut unacked = given(4);
        assert_eq!(unacked.ack("t", 0, 4), (true, None));
        assert_eq!(unacked.ack("t", 0, 2), (true, None));
        assert_eq!(unacked.len(), 4);
        assert_eq!(unacked.ack("t", 0, 0), (true, at(5)));
        assert_eq!(unacked.len(), 1);
        assert_eq!(unacked.ack("t", 0, 6), (true, at(7)));
        assert_eq!(unacked.len(), 0);
    }

    #[test]
    fn what_was_not_handed_out_is_not_acked() {
        let mut unacked = given(2);
        assert_eq!(unacked.ack("t", 0, 1), (false, None));
        assert_eq!(unacked.ack("t", 1, 0), (false, None));
        assert_eq!(unacked.ack("u", 0, 0), (false, None));
        assert_eq!(unacked.ack("t", 0, 2), (true, None));
        assert_eq!(unacked.ack("t", 0, 2), (false, None));
    }

    #[test]
    fn a_commit_covers_what_came_before() {
        let mut unacked = given(4);
        assert_eq!(unacked.ack_through("t", 0, 4), at(5));
        assert_eq!((unacked.len(), unacked.ack("t", 0, 2)), (1, (false, None)));
    }

    #[test]
    fn nothing_is_stored_from_a_cancelled_one_on() {
        let mut unacked = given(4);
        assert!(unacked.cancel("t", 0, 4));
        unacked.give("t", 0, 8, 7);
        assert_eq!(unacked.ack("t", 0, 8), (false, None));
        assert_eq!(unacked.len(), 2);
        assert_eq!(unacked.ack("t", 0, 0), (true, at(1)));
        assert_eq!(unacked.ack("t", 0, 2), (true, at(3)));
        unacked.forget("t", 0);
        unacked.give("t", 0, 4, 7);
        assert_eq!(unacked.ack("t", 0, 4), (true, at(5)));
    }

    #[test]
    fn a_forgotten_partition_counts_no_more() {
        let mut unacked = given(3);
        unacked.give("u", 1, 0, 7);
        unacked.forget("t", 0);
        assert_eq!((unacked.len(), unacked.ack("t", 0, 0)), (1, (false, None)));
        unacked.clear();
        assert_eq!(unacked.len(), 0);
    }
}
