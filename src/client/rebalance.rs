//! Rebalances: what they do to what is buffered, and who answers them. Without callbacks they are
//! answered where they are seen; with callbacks an event tells the program, and its callbacks run
//! between [`Consumer::rebalance_begin`] and [`Consumer::rebalance_end`].

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::rc::Rc;

use super::consumer::Consumer;
use super::feed::Feed;
use super::prefetch::Hold;
use crate::model::error::{
    KafkaError, ASSIGN_PARTITIONS, COORDINATOR_NOT_AVAILABLE, ILLEGAL_GENERATION, NOT_COORDINATOR, REBALANCE_IN_PROGRESS,
    UNKNOWN_MEMBER_ID,
};
use crate::model::event::Event;
use crate::model::partition::{TopicPartition, INVALID};
use crate::native::consumer as native;
use crate::native::group;
use crate::native::partitions::PartitionList;
use crate::native::positions;
use crate::native::process::coarse_ms;

/// How long (ms) a coordinator gets to be found.
const COORDINATOR_PAUSE: u64 = 200;

/// How long (ms) what else was refused gets to be mended.
const REFUSED_PAUSE: u64 = 2000;

#[derive(Default)]
pub struct Rebalances {
    /// The one whose callbacks are running; `running` says so for less.
    current: RefCell<Option<Current>>,
    running: Cell<bool>,
    /// When to assign again, in the clock of `coarse_ms`; 0 for never.
    assign_again_at: Cell<u64>,
}

/// A rebalance the program's callbacks look at.
struct Current {
    kind: Kind,
    /// An assign's may be changed: by `seek`, or by what `on_assign` returns.
    partitions: Vec<TopicPartition>,
    /// To be paused as soon as they are assigned.
    paused: Vec<TopicPartition>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Assign,
    Revoke,
    /// As a revoke, but the partitions have new owners already.
    Lost,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Assign => "assign",
            Kind::Revoke => "revoke",
            Kind::Lost => "lost",
        }
    }
}

impl Consumer {
    /// librdkafka asks for a committed offset once; a partition whose answer was an error then never
    /// delivers, so it is assigned again. Returns whether the error is one that mends itself: that of a
    /// group whose coordinator is new or has moved.
    pub(super) fn assign_again_after(&self, error: &KafkaError) -> bool {
        if !error.message.starts_with("Failed to fetch committed offset") {
            return false;
        }
        let (pause, mends_itself) = match error.code {
            COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR => (COORDINATOR_PAUSE, true),
            // The group moves: there will be another assignment.
            ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | REBALANCE_IN_PROGRESS => return false,
            _ => (REFUSED_PAUSE, false),
        };
        self.rebalances.assign_again_at.set(coarse_ms() + pause);
        mends_itself
    }

    pub(super) fn assign_again_if_due(&self, now: u64) {
        let due = self.rebalances.assign_again_at.get();
        // An assign between a rebalance and its answer would be taken for that.
        if due == 0 || now < due || self.shared().has_rebalance() || self.is_rebalancing() {
            return;
        }
        self.rebalances.assign_again_at.set(0);
        if let Err(error) = self.assign_again() {
            self.tell(error);
        }
    }

    /// Assigns again what has no place yet: a partition whose committed offset could not be asked for is
    /// asked for anew. One that was given an offset and has not been read yet keeps that. An eager group
    /// assigns all or nothing: the others go on from where the program is.
    fn assign_again(&self) -> Result<(), KafkaError> {
        let client = self.handle.client();
        let mut list = positions::position(client, &group::assignment(client)?)?;
        let eager = group::is_eager(client);
        // What librdkafka has stored of a partition goes when it is assigned again.
        list.retain(|entry| eager || entry.offset < 0);
        if list.is_empty() {
            return Ok(());
        }
        for entry in &mut list {
            if entry.offset == INVALID {
                entry.offset = self.start_of(entry).unwrap_or(INVALID);
            }
        }
        let list = PartitionList::of(&list);
        if eager {
            group::assign(client, Some(&list))?;
        } else {
            group::incremental_unassign(client, &list)?;
            group::incremental_assign(client, &list)?;
        }
        self.lead_back()
    }

    /// After an assign: partitions that have no queue of their own any more come from the consumer.
    pub(super) fn lead_back(&self) -> Result<(), KafkaError> {
        if self.feeds.is_split() {
            // Answered behind the stops of what was assigned before, which clear the way again.
            self.assignment()?;
            self.feeds.lead_back();
        }
        Ok(())
    }

    fn tell(&self, error: KafkaError) {
        self.shared().set_last_error(error.clone());
        self.shared().raise_once(error);
    }

    /// Answers what was announced, or tells the program that it must.
    pub(super) fn heed_rebalances(&self) {
        if self.shared().wanted.rebalances {
            if !self.is_rebalancing() && self.shared().has_rebalance() && !self.shared().announces_rebalance() {
                self.shared().push(Event::Rebalance);
            }
            return;
        }
        while let Some(rebalance) = self.shared().take_rebalance() {
            let cooperative = group::is_cooperative(self.handle.client());
            if let Err(error) = native::answer(self.handle.client(), rebalance.code, &rebalance.partitions) {
                self.tell(error);
            }
            if rebalance.code != ASSIGN_PARTITIONS {
                self.input.left(cooperative.then(|| rebalance.partitions.entries()).as_deref());
                self.let_go(cooperative.then(|| rebalance.partitions.entries()).as_deref());
            }
        }
    }

    /// Callbacks of a rebalance are running: nothing is handed out meanwhile.
    pub fn is_rebalancing(&self) -> bool {
        self.rebalances.running.get()
    }

    /// The next rebalance, for the program's callbacks. None when one is under way already, or gone.
    pub fn rebalance_begin(&self) -> Option<(Kind, Vec<TopicPartition>)> {
        if self.is_rebalancing() {
            return None;
        }
        // It stays announced: should the client go before its callback has ended, whoever says goodbye answers it.
        let (code, partitions) = self.shared().first_rebalance()?;
        let kind = match code {
            ASSIGN_PARTITIONS => Kind::Assign,
            _ if group::is_assignment_lost(self.handle.client()) => Kind::Lost,
            _ => Kind::Revoke,
        };
        if kind == Kind::Lost {
            self.input.left(Some(&partitions));
            self.let_go(Some(&partitions));
        }
        self.rebalances.running.set(true);
        *self.rebalances.current.borrow_mut() = Some(Current { kind, partitions: partitions.clone(), paused: Vec::new() });
        Some((kind, partitions))
    }

    /// Does what the rebalance under way asks, with `instead` for its partitions if the program wants
    /// others. What could not be done is told by the next waiting call.
    pub fn rebalance_end(&self, instead: Option<Vec<TopicPartition>>) {
        self.rebalances.running.set(false);
        let Some(current) = self.rebalances.current.borrow_mut().take() else { return };
        self.shared().take_rebalance();
        let is_replaced = instead.is_some();
        let mut partitions = instead.unwrap_or_else(|| current.partitions.clone());
        let client = self.handle.client();
        let cooperative = group::is_cooperative(client);
        if current.kind != Kind::Assign {
            self.input.left(cooperative.then_some(&current.partitions));
            // The program may have replaced the assignment by a smaller one.
            let assigned = self.assignment().unwrap_or_default();
            partitions.retain(|place| assigned.iter().any(|entry| entry.is_at(place.topic.as_bytes(), place.partition)));
        }
        let answer = |partitions: &[TopicPartition]| {
            let list = PartitionList::of(partitions);
            match (current.kind, cooperative) {
                (Kind::Assign, true) => group::incremental_assign(client, &list),
                (Kind::Assign, false) => group::assign(client, Some(&list)),
                (_, true) => group::incremental_unassign(client, &list),
                (_, false) => group::assign(client, None),
            }
        };
        let mut done = answer(&partitions);
        if let (Err(error), true, Kind::Assign) = (&done, is_replaced, current.kind) {
            // Without an answer librdkafka would fetch nothing any more: it gets what it asked for.
            self.tell(error.clone());
            partitions = current.partitions.clone();
            done = answer(&partitions);
        }
        if current.kind == Kind::Assign {
            // The program, or librdkafka, may not have taken them all: then they have no queues.
            let taken = if done.is_ok() { partitions.as_slice() } else { &[] };
            let is_taken =
                |place: &TopicPartition| taken.iter().any(|entry| entry.is_at(place.topic.as_bytes(), place.partition));
            let refused: Vec<_> = current.partitions.into_iter().filter(|place| !is_taken(place)).collect();
            self.feeds.end_assigned(Some(&refused));
        }
        let begun = done.and_then(|()| {
            if current.kind == Kind::Assign {
                self.lead_back()?;
                self.remember_starts(&partitions);
                if !current.paused.is_empty() {
                    positions::set_paused(client, &current.paused, true)?;
                    let mut buffer = self.buffer.borrow_mut();
                    for place in &current.paused {
                        buffer.hold(place.topic.as_bytes(), place.partition, Hold::Paused);
                    }
                }
            } else {
                self.let_go(cooperative.then_some(&partitions));
            }
            Ok(())
        });
        if let Err(error) = begun {
            self.tell(error);
        }
        self.heed_rebalances();
    }

    /// The program closes the client: its callback hears of what is assigned, as of a revoke, while it
    /// can still commit. None when it has heard already.
    pub fn last_revoke(&self) -> Option<Vec<TopicPartition>> {
        if self.is_rebalancing() || !self.shared().wanted.rebalances {
            return None;
        }
        self.finish_last();
        self.rebalances.running.set(true);
        self.assignment().ok().filter(|assigned| !assigned.is_empty())
    }

    /// Changes where a partition that is about to be assigned begins. False when none such is.
    pub(super) fn seek_in_rebalance(&self, to: &TopicPartition) -> bool {
        let mut current = self.rebalances.current.borrow_mut();
        let Some(Current { kind: Kind::Assign, partitions, .. }) = current.as_mut() else { return false };
        match partitions.iter_mut().find(|entry| entry.is_at(to.topic.as_bytes(), to.partition)) {
            Some(entry) => {
                entry.offset = to.offset;
                true
            }
            None => false,
        }
    }

    /// Lets partitions that are about to be assigned begin paused, or not. Returns the others.
    pub(super) fn pause_in_rebalance(&self, partitions: &[TopicPartition], paused: bool) -> Vec<TopicPartition> {
        let mut current = self.rebalances.current.borrow_mut();
        let Some(Current { kind: Kind::Assign, partitions: coming, paused: waiting }) = current.as_mut() else {
            return partitions.to_vec();
        };
        let mut others = Vec::new();
        for place in partitions {
            let same = |entry: &TopicPartition| entry.is_at(place.topic.as_bytes(), place.partition);
            if !coming.iter().any(same) {
                others.push(place.clone());
                continue;
            }
            waiting.retain(|entry| !same(entry));
            if paused {
                waiting.push(TopicPartition::new(&*place.topic, place.partition, INVALID));
            }
        }
        others
    }

    /// A queue of its own for a partition that is about to be assigned.
    pub fn partition_queue(&self, topic: &CString, partition: i32) -> Result<Rc<Feed>, String> {
        let name = topic.to_string_lossy();
        let Some(coming) = self.coming() else {
            return Err(
                "partition_queue: only on_assign can ask for the queue of a partition, before messages of it come; call it there"
                    .into(),
            );
        };
        if !coming.iter().any(|place| place.is_at(name.as_bytes(), partition)) {
            return Err(format!(
                "partition_queue: {name} [{partition}] is not among the partitions on_assign was told of; ask for one of those"
            ));
        }
        self.feeds.split(topic, partition)
    }

    /// What an assign under way is about to assign, as changed so far.
    pub fn coming(&self) -> Option<Vec<TopicPartition>> {
        match self.rebalances.current.borrow().as_ref() {
            Some(Current { kind: Kind::Assign, partitions, .. }) => Some(partitions.clone()),
            _ => None,
        }
    }
}
