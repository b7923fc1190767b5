//! How far a producer has come: the last offset of each partition, and the sequence id below which
//! everything is reported.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Progress {
    offsets: Mutex<Offsets>,
    /// Only with a listener.
    sequence: Mutex<Sequence>,
}

/// Reports come in runs of one partition: the last run is kept apart, so that a report costs a
/// comparison.
#[derive(Default)]
struct Offsets {
    current: Option<(Vec<u8>, i32, i64)>,
    by_partition: HashMap<(Vec<u8>, i32), i64>,
}

/// Ids on their way, ascending, each with whether it is reported.
#[derive(Default)]
struct Sequence {
    waiting: VecDeque<(i64, bool)>,
    /// Failed since the last checkpoint was told.
    failures: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// A message was written there.
    pub fn delivered(&self, topic: &[u8], partition: i32, offset: i64) {
        let mut offsets = lock(&self.offsets);
        if let Some((name, at, last)) = &mut offsets.current {
            if *at == partition && name == topic {
                *last = offset.max(*last);
                return;
            }
        }
        let before = offsets.by_partition.get(&(topic.to_vec(), partition)).copied().unwrap_or(-1);
        let run = (topic.to_vec(), partition, offset.max(before));
        if let Some((name, at, last)) = offsets.current.replace(run) {
            offsets.by_partition.insert((name, at), last);
        }
    }

    /// The highest offset written to each partition of a topic so far.
    pub fn last_offsets(&self, topic: &[u8]) -> Vec<(i32, i64)> {
        let mut offsets = lock(&self.offsets);
        if let Some((name, at, last)) = offsets.current.take() {
            offsets.by_partition.insert((name, at), last);
        }
        offsets.by_partition.iter().filter(|((name, _), _)| name == topic).map(|((_, at), last)| (*at, *last)).collect()
    }

    /// A message with a sequence id is on its way.
    pub fn sent(&self, id: i64) {
        let mut sequence = lock(&self.sequence);
        if sequence.waiting.back().is_none_or(|(last, _)| *last <= id) {
            sequence.waiting.push_back((id, false));
        } else {
            let place = sequence.waiting.partition_point(|(other, _)| *other <= id);
            sequence.waiting.insert(place, (id, false));
        }
    }

    /// It was refused after all.
    pub fn unsent(&self, id: i64) {
        let mut sequence = lock(&self.sequence);
        let end = sequence.waiting.partition_point(|(other, _)| *other <= id);
        if end > 0 && sequence.waiting.get(end - 1).is_some_and(|(other, done)| *other == id && !done) {
            sequence.waiting.remove(end - 1);
        }
    }

    /// Its report came. Returns the new checkpoint if there is one, and the failures since the last.
    pub fn reported(&self, id: i64, failed: bool) -> Option<(i64, u64)> {
        let mut sequence = lock(&self.sequence);
        sequence.failures += u64::from(failed);
        let first = sequence.waiting.partition_point(|(other, _)| *other < id);
        let mut place = first;
        while let Some((other, done)) = sequence.waiting.get_mut(place) {
            if *other != id {
                break;
            }
            if !*done {
                *done = true;
                break;
            }
            place += 1;
        }
        let mut checkpoint = None;
        while let Some((id, true)) = sequence.waiting.front() {
            checkpoint = Some(*id);
            sequence.waiting.pop_front();
        }
        checkpoint.map(|id| (id, std::mem::take(&mut sequence.failures)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_the_end_of_what_is_reported_without_gaps() {
        let progress = Progress::default();
        (1..=4).for_each(|id| progress.sent(id));
        assert_eq!(progress.reported(2, true), None);
        assert_eq!(progress.reported(1, false), Some((2, 1)));
        assert_eq!(progress.reported(4, false), None);
        assert_eq!(progress.reported(3, false), Some((4, 0)));
        progress.sent(5);
        progress.unsent(5);
        progress.sent(6);
        assert_eq!(progress.reported(6, false), Some((6, 0)));
    }

    #[test]
    fn the_last_offset_survives_runs_of_other_partitions() {
        let progress = Progress::default();
        progress.delivered(b"a", 0, 5);
        progress.delivered(b"b", 0, 1);
        progress.delivered(b"a", 0, 4);
        progress.delivered(b"a", 1, 9);
        let mut found = progress.last_offsets(b"a");
        found.sort();
        assert_eq!(found, [(0, 5), (1, 9)]);
    }
}
