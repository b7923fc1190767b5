//! What a consumer handed out since its offsets last went with a transaction: what the next
//! transaction has to send, and where to go back to when it fails.

use std::cell::{Cell, RefCell};

use super::assignment::SEEK_PATIENCE;
use super::consumer::Consumer;
use super::prefetch::Hold;
use crate::model::error::KafkaError;
use crate::model::partition::TopicPartition;
use crate::native::group_metadata::GroupMetadata;
use crate::native::message::Message;
use crate::native::{group, positions};

/// Noted of consumers that commit nothing by themselves; others cannot take part in transactions.
#[derive(Default)]
pub struct Input {
    is_noted: bool,
    spans: RefCell<Vec<Span>>,
    /// Where the last message belonged: most have the same place.
    last: Cell<usize>,
}

/// Messages of one partition, from the first to the one before `next`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub topic: Vec<u8>,
    pub partition: i32,
    pub first: i64,
    pub next: i64,
    /// The group took its partition away meanwhile. It may be back, but others may have read these messages.
    has_left: bool,
}

impl Span {
    fn is_at(&self, topic: &[u8], partition: i32) -> bool {
        self.partition == partition && self.topic == topic
    }
}

/// The input of a transaction as it ends.
pub struct Taken {
    /// Each with whether its partition is still the consumer's, and was all the time.
    pub spans: Vec<(Span, bool)>,
    /// -1 for a consumer that is not a member of its group.
    pub generation: i32,
    pub is_subscribed: bool,
}

impl Input {
    pub fn new(is_noted: bool) -> Input {
        Input { is_noted, ..Input::default() }
    }

    pub fn is_noted(&self) -> bool {
        self.is_noted
    }

    pub fn note(&self, message: &Message) {
        if self.is_noted {
            self.add(message.topic().unwrap_or_default(), message.partition(), message.offset());
        }
    }

    fn add(&self, topic: &[u8], partition: i32, offset: i64) {
        let mut spans = self.spans.borrow_mut();
        let at = self.last.get();
        let here = spans.get(at).is_some_and(|span| span.is_at(topic, partition));
        let found = if here { Some(at) } else { spans.iter().position(|span| span.is_at(topic, partition)) };
        self.last.set(found.unwrap_or(spans.len()));
        match found.and_then(|at| spans.get_mut(at)) {
            Some(span) => span.next = offset + 1,
            None => spans.push(Span { topic: topic.to_vec(), partition, first: offset, next: offset + 1, has_left: false }),
        }
    }

    /// These went with a transaction that was committed.
    pub fn sent(&self, places: &[TopicPartition]) {
        self.spans.borrow_mut().retain_mut(|span| {
            let sent = places.iter().find(|place| place.is_at(&span.topic, span.partition));
            span.first = sent.map_or(span.first, |place| place.offset);
            sent.is_none() || span.next > span.first
        });
    }

    /// Reading goes on from here: what was handed out from there on does not count.
    fn take_back(&self, places: &[TopicPartition]) {
        self.spans.borrow_mut().retain_mut(|span| {
            let back = places.iter().find(|place| place.is_at(&span.topic, span.partition));
            if let Some(place) = back {
                span.next = place.offset.min(span.next);
                span.has_left = false;
            }
            span.next > span.first
        });
    }

    /// The group takes these partitions away (all, without a list).
    pub fn left(&self, gone: Option<&[TopicPartition]>) {
        for span in self.spans.borrow_mut().iter_mut() {
            span.has_left |= gone.is_none_or(|gone| gone.iter().any(|place| place.is_at(&span.topic, span.partition)));
        }
    }

    fn forget(&self, partitions: impl Fn(&Span) -> bool) {
        self.spans.borrow_mut().retain(|span| !partitions(span));
    }
}

impl Consumer {
    pub fn input(&self) -> &Input {
        &self.input
    }

    pub fn input_taken(&self) -> Result<Taken, KafkaError> {
        let client = self.handle.client();
        let assigned = group::assignment(client)?;
        let is_ours = |span: &Span| !span.has_left && assigned.iter().any(|place| place.is_at(&span.topic, span.partition));
        let spans = self.input.spans.borrow().iter().map(|span| (span.clone(), is_ours(span))).collect();
        let generation = GroupMetadata::of(client).map_or(-1, |group| group.parts().generation_id);
        Ok(Taken { spans, generation, is_subscribed: !group::subscription(client)?.is_empty() })
    }

    /// Hands out again from the places given; what is not the consumer's any more is another's to read.
    pub fn rewind(&self, places: &[TopicPartition]) -> Result<(), KafkaError> {
        let client = self.handle.client();
        let assigned = group::assignment(client)?;
        let is_ours = |topic: &[u8], partition| assigned.iter().any(|place| place.is_at(topic, partition));
        let ours: Vec<_> = places.iter().filter(|place| is_ours(place.topic.as_bytes(), place.partition)).cloned().collect();
        if !ours.is_empty() {
            positions::seek(client, &ours, SEEK_PATIENCE)?;
        }
        self.discard(&ours);
        for place in &ours {
            self.release(&place.topic, place.partition, Hold::Unacked);
        }
        self.remember_starts(&ours);
        self.input.take_back(&ours);
        self.input.forget(|span| !is_ours(&span.topic, span.partition));
        self.settle();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(list: &[(i32, i64)]) -> Vec<TopicPartition> {
        list.iter().map(|(partition, offset)| TopicPartition::new("t", *partition, *offset)).collect()
    }

    fn spans(input: &Input) -> Vec<(i32, i64, i64)> {
        input.spans.borrow().iter().map(|span| (span.partition, span.first, span.next)).collect()
    }

    #[test]
    fn what_was_handed_out_is_known_until_it_was_sent() {
        let input = Input::new(true);
        for (partition, offset) in [(0, 5), (0, 6), (1, 0), (0, 9)] {
            input.add(b"t", partition, offset);
        }
        assert_eq!(spans(&input), [(0, 5, 10), (1, 0, 1)]);
        input.add(b"t", 1, 1);
        input.sent(&places(&[(0, 10), (1, 1)]));
        assert_eq!(spans(&input), [(1, 1, 2)]);
    }

    #[test]
    fn what_is_taken_back_does_not_count() {
        let input = Input::new(true);
        for offset in 5..10 {
            input.add(b"t", 0, offset);
        }
        input.take_back(&places(&[(0, 7)]));
        assert_eq!(spans(&input), [(0, 5, 7)]);
        input.take_back(&places(&[(0, 5)]));
        assert_eq!(spans(&input), []);
    }
}
