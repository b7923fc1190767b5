//! A consumer: how it comes about, the topics it begins with, how it leaves.
//! `receiving.rs` asks for messages, `acks.rs` knows when they are done, `rebalance.rs` answers the group.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::acks::{Acks, Mode};
use super::assignment::Starts;
use super::commits::Commits;
use super::config::{build, check_topic_entries, Settings};
use super::feed::Storing;
use super::feeds::{Feeds, Parting};
use super::handle::{Handle, Parts};
use super::input::Input;
use super::leaving::{depart, Departure, Leave, Outcome, Tell};
use super::loss::Loss;
use super::prefetch::Prefetch;
use super::rebalance::Rebalances;
use super::registry;
use crate::model::config::{find, Entries, Kind};
use crate::model::error::KafkaError;
use crate::model::partition::{TopicPartition, INVALID};
use crate::model::topic::{parse_entry, TopicEntry};
use crate::native::client::Client;
use crate::native::consumer as native;
use crate::native::group;
use crate::native::message::Message;
use crate::native::partitions::PartitionList;
use crate::native::shared::Shared;

pub struct Consumer {
    pub(super) handle: Handle,
    pub(super) buffer: RefCell<Prefetch>,
    pub(super) take: native::Take,
    pub(super) acks: Acks,
    pub(super) input: Input,
    /// `group.id` is set.
    pub has_group: bool,
    /// Queues beside its own, and partitions read without the group.
    pub feeds: Rc<Feeds>,
    /// When librdkafka's queue was last looked at.
    pub(super) looked: Cell<u64>,
    /// There was an error for the next waiting call then; it has been there for two looks.
    pub(super) raised: Cell<bool>,
    pub(super) overdue: Cell<bool>,
    pub(super) rebalances: Rebalances,
    pub(super) starts: Starts,
    pub(super) commits: Commits,
}

impl Consumer {
    /// `needs_group`: it is to begin with topics. Without a group it can only read partitions one by one.
    pub fn create(entries: &Entries, topic_entries: &Entries, settings: Settings, needs_group: bool) -> Result<Consumer, String> {
        let has_group = group_of(entries).is_some();
        if needs_group || has_group {
            check(entries, &settings)?;
        }
        check_topic_entries(topic_entries)?;
        let built = build(Kind::Consumer, &[entries.as_slice(), topic_entries.as_slice()].concat(), &settings)?;
        let mode = match settings.ack {
            Mode::Auto if built.store_at_hand_over => Mode::AtHandOver,
            mode if mode != Mode::Auto && built.store_at_hand_over => {
                return Err("ack=\"manual\" and ack=\"required\" store what is acked, enable.auto.offset.store=true stores \
                            at hand-over: leave one of them out"
                    .into())
            }
            mode => mode,
        };
        let storing = match mode {
            Mode::Manual | Mode::Required => None,
            _ if !has_group => Some(Storing::Never),
            Mode::AtHandOver => Some(Storing::AtHandOver),
            Mode::Auto => Some(Storing::WhenNextAsked),
        };
        let handle = Handle::create(Kind::Consumer, built, settings)?;
        let commits = handle.client().property(&c"enable.auto.commit".to_owned());
        let acks = Acks::new(mode, settings.max_unacked);
        Ok(Consumer {
            input: Input::new(commits.as_deref() == Some("false")),
            feeds: Feeds::new(handle.client(), storing, acks.renewed_flag()),
            take: native::Take::of(handle.client()),
            handle,
            buffer: RefCell::default(),
            acks,
            has_group,
            looked: Cell::new(0),
            raised: Cell::new(false),
            overdue: Cell::new(false),
            rebalances: Rebalances::default(),
            starts: Starts::default(),
            commits: Commits::default(),
        })
    }

    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    /// Subscribes, or assigns if the entries name partitions.
    pub fn start(&self, topics: &[Vec<u8>]) -> Result<(), String> {
        let entries = topics.iter().map(|entry| parse_entry(entry)).collect::<Result<Vec<_>, _>>()?;
        let assigned = check_mixture(&entries)?;
        let wanted = entries.iter().map(|entry| TopicPartition::new(&*entry.topic, entry.partition.unwrap_or(-1), INVALID));
        let list = PartitionList::of(&wanted.collect::<Vec<_>>());
        if assigned {
            group::assign(self.handle.client(), Some(&list)).map_err(|error| format!("rd_kafka_assign failed: {}", error.message))
        } else {
            native::subscribe(self.handle.client(), &list)
                .map_err(|error| format!("rd_kafka_subscribe failed: {}", error.message))
        }
    }

    /// Hands everything to the reaper, which leaves the group.
    pub fn leave(self, patience: Duration, tell: Tell) -> Arc<Departure> {
        let registered = self.handle.registered();
        let auto_commit = self.handle.client().property(&c"enable.auto.commit".to_owned());
        let asked = tell == Tell::Caller && auto_commit.as_deref() == Some("true");
        let commits = asked && self.has_group && !self.feeds.is_simple();
        let Parts { client, shared, workers } = self.handle.into_parts();
        let held = (self.buffer.into_inner(), self.acks.into_held());
        let leaver = Leaver {
            shared,
            held: Some(held),
            parting: Some(self.feeds.leave()),
            member: self.has_group,
            waiting: self.commits,
            commits,
            workers: Some(workers),
            client,
        };
        let departure = depart(Box::new(leaver), patience, tell);
        registry::current().remove(registered);
        departure
    }
}

/// The configuration itself and a group: what the classic call looks at before a topic's settings.
pub fn check(entries: &Entries, settings: &Settings) -> Result<(), String> {
    build(Kind::Consumer, entries, settings)?;
    group_of(entries).map(|_| ()).ok_or_else(|| "group.id must be set".into())
}

fn group_of(entries: &Entries) -> Option<Vec<u8>> {
    find(entries, "group.id").map(|value| value.text()).filter(|group| !group.is_empty())
}

/// Whether the entries name partitions: all of them or none.
fn check_mixture(entries: &[TopicEntry]) -> Result<bool, String> {
    let with = entries.iter().find(|entry| entry.partition.is_some());
    let without = entries.iter().find(|entry| entry.partition.is_none());
    match (with, without) {
        (Some(with), Some(without)) => Err(format!(
            "topics mix '{}:{}' with '{}': give every topic a partition (assigned) or none (subscribed)",
            with.topic,
            with.partition.unwrap_or(0),
            without.topic
        )),
        (with, _) => Ok(with.is_some()),
    }
}

/// Fields in the order they must go: messages before their client.
struct Leaver {
    shared: Arc<Shared>,
    held: Option<(Prefetch, Vec<Message>)>,
    parting: Option<Parting>,
    /// There is a group to be left.
    member: bool,
    /// Commits that wait for their turn.
    waiting: Commits,
    /// `close` says whether the offsets arrived, so it asks for the answer itself.
    commits: bool,
    workers: Option<super::worker::Workers>,
    client: Arc<Client>,
}

impl Leaver {
    /// librdkafka tells `on_commit` in the queue nobody reads any more, before all messages in it.
    fn hear_commit(&self) {
        if let Some(queue) = self.client.queue() {
            native::take_local(queue, 1, &mut VecDeque::new());
        }
    }
}

impl Leave for Leaver {
    fn leave(&mut self, deadline: Instant) -> Outcome {
        // A group is not left before the messages are given back.
        self.held = None;
        self.waiting.begin_rest(&self.client, deadline);
        let parting = self.parting.take();
        let first = parting.as_ref().map_or(Ok(()), |parting| parting.commit(&self.client, deadline));
        let stopped = parting.is_none_or(|parting| parting.stop(deadline));
        let committed = match first {
            Ok(()) if self.commits => native::commit_stored(&self.client, deadline),
            other => other.map(|()| Vec::new()),
        };
        if self.commits && self.shared.wanted.commits {
            self.hear_commit();
        }
        let told = committed.as_deref().unwrap_or_default();
        let left = stopped && (!self.member || native::close(&self.client, deadline, told));
        if let Some(workers) = self.workers.take() {
            workers.join();
        }
        let failure = match (committed, left) {
            (Err(error), _) => Some(error),
            (Ok(_), false) => Some(KafkaError::timed_out("the group was not left in time")),
            (Ok(_), true) => None,
        };
        Outcome { loss: Loss::default(), failure }
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        Some(self.shared.clone())
    }
}
