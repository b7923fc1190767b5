//! What a consumer reads and from where: its subscription, its partitions, seeking, pausing.

use std::cell::RefCell;
use std::ffi::CString;

use super::consumer::Consumer;
use super::prefetch::Hold;
use crate::model::config::MOST_PATTERN;
use crate::model::error::{KafkaError, CONFLICT, INVALID_ARG, STATE, UNKNOWN_PARTITION};
use crate::model::partition::{TopicPartition, BEGINNING, END, INVALID, STORED, TAIL};
use crate::native::consumer as native;
use crate::native::error::from_code;
use crate::native::partitions::PartitionList;
use crate::native::{group, pattern, positions};

/// Offsets that partitions were told to begin at, until the program reads them.
#[derive(Default)]
pub struct Starts(RefCell<Vec<TopicPartition>>);

/// A seek is between librdkafka's threads; longer (ms) it cannot take.
pub const SEEK_PATIENCE: i32 = 1_000;

/// A call that changes what is assigned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Assign,
    Unassign,
    Add,
    Remove,
}

impl Change {
    fn is_cooperative(self) -> bool {
        matches!(self, Change::Add | Change::Remove)
    }

    /// What to call instead in a group of the other protocol.
    fn elsewhere(self) -> &'static str {
        match self {
            Change::Assign => {
                "assign is for eager groups, this one is cooperative (rebalance_protocol): incremental_assign adds \
                 partitions, incremental_unassign takes some away"
            }
            Change::Unassign => {
                "unassign is for eager groups, this one is cooperative (rebalance_protocol): call incremental_unassign \
                 with assignment()"
            }
            Change::Add => {
                "incremental_assign is for cooperative groups, this one is eager (rebalance_protocol): call assign with \
                 all the partitions to read"
            }
            Change::Remove => {
                "incremental_unassign is for cooperative groups, this one is eager (rebalance_protocol): call assign \
                 with the partitions that are to stay"
            }
        }
    }
}

fn is_same(a: &TopicPartition, b: &TopicPartition) -> bool {
    a.is_at(b.topic.as_bytes(), b.partition)
}

/// Why librdkafka refuses these topics, where it only says that something is wrong.
pub fn refusal(topics: &[Vec<u8>]) -> Option<String> {
    let again = topics.iter().enumerate().find(|(index, entry)| topics.iter().take(*index).any(|other| other == *entry));
    if let Some((_, entry)) = again {
        return Some(format!("'{}' stands there twice; name each topic once", entry.escape_ascii()));
    }
    // The C library's compiler overflows the stack on longer ones, which were refused for that.
    let mut patterns = topics.iter().filter(|entry| entry.first() == Some(&b'^') && entry.len() <= MOST_PATTERN);
    patterns.find_map(|entry| {
        let why = pattern::fault(&CString::new(entry.as_slice()).ok()?)?;
        let shown = String::from_utf8_lossy(entry);
        Some(format!("'{shown}' is not a valid regular expression: {why}; after ^ a POSIX extended one is accepted"))
    })
}

impl Consumer {
    pub fn subscribe(&self, topics: &[TopicPartition]) -> Result<(), KafkaError> {
        native::subscribe(self.handle.client(), &PartitionList::of(topics))
    }

    pub fn unsubscribe(&self) -> Result<(), KafkaError> {
        self.finish_last();
        let client = self.handle.client();
        // Partitions that were assigned by hand stay, and so does what was fetched of them.
        if !group::subscription(client)?.is_empty() {
            self.buffer.borrow_mut().drop_all();
        }
        group::unsubscribe(client)
    }

    /// Reads exactly these partitions from here on.
    pub fn assign(&self, partitions: &[TopicPartition]) -> Result<(), KafkaError> {
        self.finish_last();
        let done = group::assign(self.handle.client(), Some(&PartitionList::of(partitions)));
        done.map_err(|error| self.why_not_changed(Change::Assign, partitions, error))?;
        self.let_go(None);
        self.lead_back()?;
        self.remember_starts(partitions);
        Ok(())
    }

    pub fn unassign(&self) -> Result<(), KafkaError> {
        self.finish_last();
        let done = group::assign(self.handle.client(), None);
        done.map_err(|error| self.why_not_changed(Change::Unassign, &[], error))?;
        self.let_go(None);
        Ok(())
    }

    pub fn incremental_assign(&self, partitions: &[TopicPartition]) -> Result<(), KafkaError> {
        let done = group::incremental_assign(self.handle.client(), &PartitionList::of(partitions));
        done.map_err(|error| self.why_not_changed(Change::Add, partitions, error))?;
        self.lead_back()?;
        self.remember_starts(partitions);
        Ok(())
    }

    pub fn incremental_unassign(&self, partitions: &[TopicPartition]) -> Result<(), KafkaError> {
        self.finish_last();
        let done = group::incremental_unassign(self.handle.client(), &PartitionList::of(partitions));
        done.map_err(|error| self.why_not_changed(Change::Remove, partitions, error))?;
        self.let_go(Some(partitions));
        Ok(())
    }

    /// librdkafka's words name no cure, and often not the partition.
    fn why_not_changed(&self, change: Change, partitions: &[TopicPartition], mut error: KafkaError) -> KafkaError {
        let assigned = self.assignment().unwrap_or_default();
        let first =
            |is_assigned: bool| partitions.iter().find(|place| assigned.iter().any(|entry| is_same(entry, place)) == is_assigned);
        let place = match (change, error.code) {
            (Change::Add, CONFLICT) => first(true),
            (Change::Remove, INVALID_ARG) => first(false),
            _ => None,
        };
        if let Some(place) = place {
            error.message = if change == Change::Add { assigned_already(place) } else { unassigned(place) };
        } else if error.code == STATE && group::is_cooperative(self.handle.client()) != change.is_cooperative() {
            error.message = change.elsewhere().into();
        }
        error
    }

    /// The next message of the partition is the one at this offset. One that is about to be assigned
    /// begins there.
    pub fn seek(&self, to: TopicPartition) -> Result<(), KafkaError> {
        self.finish_last();
        if self.seek_in_rebalance(&to) {
            return Ok(());
        }
        self.feeds.finish_partition(&to);
        let told = positions::seek(self.handle.client(), std::slice::from_ref(&to), SEEK_PATIENCE)?;
        if let Some(error) = told.into_iter().find_map(|entry| entry.error) {
            return Err(at(&to, error, why_not_sought(&to)));
        }
        let place = std::slice::from_ref(&to);
        self.discard(place);
        self.release(&to.topic, to.partition, Hold::Unacked);
        self.remember_starts(place);
        Ok(())
    }

    /// Stops or goes on handing out messages of these partitions, or of all that are assigned.
    pub fn set_paused(&self, partitions: Option<Vec<TopicPartition>>, paused: bool) -> Result<(), KafkaError> {
        let all = || Ok(self.coming().unwrap_or_default().into_iter().chain(self.assignment()?).collect());
        let partitions = partitions.map_or_else(all, Ok)?;
        let mut assigned = self.pause_in_rebalance(&partitions, paused);
        let held = self.assignment()?;
        // librdkafka would pause any it knows, for the time when it is assigned.
        let mut failure = None;
        assigned.retain(|place| {
            let is_assigned = held.iter().any(|entry| is_same(entry, place));
            if !is_assigned && failure.is_none() {
                failure = Some(from_code(UNKNOWN_PARTITION, Some(unassigned(place))));
            }
            is_assigned
        });
        for place in &assigned {
            if paused {
                self.buffer.borrow_mut().hold(place.topic.as_bytes(), place.partition, Hold::Paused);
            } else {
                self.release(&place.topic, place.partition, Hold::Paused);
            }
        }
        // What waits for acks is fetched again when they come.
        assigned.retain(|place| paused || !self.buffer.borrow().is_parked(place.topic.as_bytes(), place.partition));
        if !assigned.is_empty() {
            for entry in positions::set_paused(self.handle.client(), &assigned, paused)? {
                let Some(error) = entry.error.clone() else { continue };
                self.buffer.borrow_mut().forget_holds(Some(std::slice::from_ref(&entry)));
                failure = Some(at(&entry, error, "is not assigned"));
            }
        }
        self.settle();
        failure.map_or(Ok(()), Err)
    }

    pub fn assignment(&self) -> Result<Vec<TopicPartition>, KafkaError> {
        group::assignment(self.handle.client())
    }

    /// Where the program is in each: the offset of the next message it will be handed. Unknown
    /// ([`INVALID`]) before the first message came.
    pub fn position(&self, of: Option<Vec<TopicPartition>>) -> Result<Vec<TopicPartition>, KafkaError> {
        let of = of.map_or_else(|| self.assignment(), Ok)?;
        let mut places = positions::position(self.handle.client(), &of)?;
        for place in &mut places {
            let buffered = self.buffer.borrow().first_offset(place.topic.as_bytes(), place.partition);
            if let Some(offset) = buffered {
                place.offset = offset;
            } else if place.offset == INVALID {
                place.offset = self.start_of(place).filter(|offset| *offset >= 0).unwrap_or(INVALID);
            }
            place.metadata = None;
        }
        Ok(places)
    }

    pub(super) fn remember_starts(&self, partitions: &[TopicPartition]) {
        let mut starts = self.starts.0.borrow_mut();
        for place in partitions {
            starts.retain(|start| !is_same(start, place));
            let given = place.offset >= 0 || matches!(place.offset, BEGINNING | END | STORED) || place.offset <= TAIL;
            if given {
                starts.push(TopicPartition::new(&*place.topic, place.partition, place.offset));
            }
        }
    }

    pub(super) fn start_of(&self, place: &TopicPartition) -> Option<i64> {
        let start = || self.starts.0.borrow().iter().find(|start| is_same(start, place)).map(|start| start.offset);
        self.feeds.kept(place).or_else(start)
    }

    /// These partitions are not read any more (all, without a list): nothing stays of them.
    pub(super) fn let_go(&self, gone: Option<&[TopicPartition]>) {
        let stopped = self.buffer.borrow_mut().forget_holds(gone);
        if !stopped.is_empty() {
            // librdkafka would remember it for the next time.
            native::resume(self.handle.client(), &stopped);
        }
        self.feeds.end_assigned(gone);
        let mut starts = self.starts.0.borrow_mut();
        match gone {
            Some(gone) => {
                starts.retain(|start| !gone.iter().any(|place| is_same(start, place)));
                self.discard(gone);
            }
            None => {
                starts.clear();
                self.discard_all();
            }
        }
        drop(starts);
        self.settle();
    }
}

fn assigned_already(place: &TopicPartition) -> String {
    let cure = "seek moves it, or take it away with incremental_unassign first";
    format!("{} [{}] is assigned already; {cure}", place.topic, place.partition)
}

fn unassigned(place: &TopicPartition) -> String {
    format!("{} [{}] is not assigned; assignment() tells what is", place.topic, place.partition)
}

/// librdkafka's words name no cure.
fn why_not_sought(to: &TopicPartition) -> &'static str {
    if matches!(to.offset, STORED | INVALID) {
        return "cannot be sought there: a number from 0, \"earliest\", \"latest\" or kafka.offset_tail(n) is accepted";
    }
    "cannot be sought, it is not being read (yet, or since an error): assign it with the offset"
}

fn at(place: &TopicPartition, mut error: KafkaError, what: &str) -> KafkaError {
    error.message = format!("{} [{}] {what}: {}", place.topic, place.partition, error.message);
    error
}
