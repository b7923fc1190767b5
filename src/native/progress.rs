//! How far a producer has come: the last offset of each partition, and the sequence id below which
//! everything is reported.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::checkpoint::{Checkpoint, Progress as Told};

#[derive(Default)]
pub struct Progress {
    offsets: Mutex<Offsets>,
    /// Only with a listener.
    sequence: Mutex<Checkpoint>,
}

/// Reports come in runs of one partition: the last run is kept apart, so that a report costs a
/// comparison.
#[derive(Default)]
struct Offsets {
    current: Option<(Vec<u8>, i32, i64)>,
    by_partition: HashMap<(Vec<u8>, i32), i64>,
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
        lock(&self.sequence).begin(id);
    }

    /// It was refused after all.
    pub fn unsent(&self, id: i64) {
        lock(&self.sequence).refused(id);
    }

    /// Its report came. Returns what is new to tell.
    pub fn reported(&self, id: i64, failed: bool) -> Option<Told> {
        lock(&self.sequence).report(id, failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
