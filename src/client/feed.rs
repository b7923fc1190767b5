//! A queue of messages beside the consumer's own: of one partition, or merged of many.
//!
//! It takes from librdkafka exactly what it hands out, so whatever takes a partition away (a stop, a
//! seek, a revoke) needs not look here for messages of it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::receiving::{at_place, Next};
use super::simple_commits::SimpleCommits;
use crate::model::error::{KafkaError, STATE, UNKNOWN_PARTITION};
use crate::model::event::Event;
use crate::model::partition::TopicPartition;
use crate::native::client::Client;
use crate::native::consumer::{behind_refusals, keep_places, Take, BATCH};
use crate::native::error::from_code;
use crate::native::message::Message;
use crate::native::process::coarse_ms;
use crate::native::queue::{Queue, WakingQueue};
use crate::native::shared::{Notice, Shared};
use crate::native::wake::Wake;

/// What a queue is of.
#[derive(Clone, PartialEq, Eq)]
pub enum Of {
    /// Whatever partitions a simple consumer leads to it. It is served along with the client.
    Started,
    /// One partition of an assignment, with which it ends. The consumer is still polled itself.
    Assigned { topic: String, partition: i32 },
}

/// When an offset is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Storing {
    /// There is no group to commit for.
    Never,
    AtHandOver,
    WhenNextAsked,
}

/// Why a queue gives nothing any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    ConsumerClosed,
    AssignmentOver,
}

pub struct Feed {
    open: RefCell<Option<Open>>,
    end: Cell<End>,
    wake: Arc<Wake>,
    shared: Arc<Shared>,
    pub of: Of,
    storing: Storing,
    take: Take,
    commits: Rc<SimpleCommits>,
    /// Messages to come are of a generation which the Lua face does not know yet (acks.rs).
    renewed: Rc<Cell<bool>>,
    /// When the client was last looked at, in the coarse clock.
    looked: Cell<u64>,
    /// An event loop watches the descriptor, so it must be exact after every call.
    exported: Cell<bool>,
    /// Where its partition goes on after a fetch that was refused, until the next message comes.
    kept: Cell<Option<i64>>,
    /// How many of its messages were cancelled.
    cancels: Cell<u64>,
}

/// What must go before the client. Fields in that order.
pub struct Open {
    /// Taken, but given back by the program's side.
    held: VecDeque<Message>,
    /// Handed out and the next one not asked for, the last of each run of a partition.
    last: Vec<Message>,
    /// From there on nothing of the partition is stored.
    cancelled: Vec<TopicPartition>,
    source: WakingQueue,
    client: Arc<Client>,
}

/// A program that never runs dry still hears of errors this often (ms).
const LOOK_EVERY: u64 = 100;

impl Feed {
    pub fn new(
        of: Of,
        queue: Queue,
        client: &Arc<Client>,
        storing: Storing,
        renewed: Rc<Cell<bool>>,
        commits: Rc<SimpleCommits>,
    ) -> io::Result<Feed> {
        let wake = Arc::new(Wake::new()?);
        let shared = client.shared().clone();
        if of == Of::Started {
            shared.wake.lead(&wake);
        }
        let source = WakingQueue::new(queue, wake.clone());
        let open = Open { held: VecDeque::new(), last: Vec::new(), cancelled: Vec::new(), source, client: client.clone() };
        Ok(Feed {
            open: RefCell::new(Some(open)),
            end: Cell::new(End::ConsumerClosed),
            wake,
            shared,
            storing,
            // Nothing pauses what was started.
            take: if of == Of::Started { Take::Batches } else { Take::of(client) },
            of,
            commits,
            renewed,
            looked: Cell::new(0),
            exported: Cell::new(false),
            kept: Cell::new(None),
            cancels: Cell::new(0),
        })
    }

    /// Does something with librdkafka's queue, while there is one.
    pub fn with_queue<R>(&self, body: impl FnOnce(&Queue) -> R) -> Option<R> {
        self.open.borrow().as_ref().map(|open| body(open.queue()))
    }

    /// Why it is over, if it is.
    pub fn end(&self) -> Option<End> {
        self.open.borrow().is_none().then(|| self.end.get())
    }

    /// The program has the messages, or could not take them: then they come next again.
    pub fn handed_out(&self, messages: Vec<Message>, taken: bool) {
        let mut open = self.open.borrow_mut();
        let Some(open) = open.as_mut() else { return };
        if !taken {
            messages.into_iter().rev().for_each(|message| open.held.push_front(message));
            return;
        }
        for message in messages.into_iter().filter(|message| message.code() == 0) {
            if self.storing == Storing::AtHandOver {
                self.store(&message);
            }
            match open.last.last_mut() {
                Some(before) if before.is_beside(&message) => *before = message,
                _ => open.last.push(message),
            }
        }
    }

    /// Asks for what is at hand up to `most`, which says that what was handed out is done. Never
    /// waits. [`Next::Events`]: the client wants to be looked at first.
    pub fn next(&self, most: usize) -> Next<Vec<Message>> {
        self.finish_last();
        if self.renewed.get() {
            return Next::Events;
        }
        if self.of == Of::Started {
            let now = coarse_ms();
            if self.shared.pending() > 0 || now.saturating_sub(self.looked.get()) >= LOOK_EVERY {
                self.looked.set(now);
                return Next::Events;
            }
        }
        let found = self.take(most);
        self.settle();
        found
    }

    fn take(&self, most: usize) -> Next<Vec<Message>> {
        let mut open = self.open.borrow_mut();
        let Some(open) = open.as_mut() else { return Next::Error(self.over()) };
        self.wake.lower();
        let before = open.held.len();
        fill(self.take, &mut open.held, open.source.queue(), most);
        if self.of != Of::Started && self.take == Take::Batches {
            let places = behind_refusals(open.held.range(before..));
            keep_places(&open.client, &places);
            if let Some(place) = places.first() {
                self.kept.set(Some(place.offset));
            }
        }
        let mut batch = Vec::with_capacity(most.min(open.held.len()));
        while batch.len() < most {
            match open.held.pop_front() {
                Some(message) if !message.is_error() => batch.push(message),
                Some(error) if batch.is_empty() => return Next::Error(self.failure(&error)),
                Some(error) => {
                    // An error waits its turn.
                    open.held.push_front(error);
                    break;
                }
                None => break,
            }
        }
        if !batch.is_empty() {
            return Next::Some(batch);
        }
        match open.client.fatal_error() {
            Some(error) => Next::Error(error),
            None => Next::Nothing,
        }
    }

    fn failure(&self, message: &Message) -> KafkaError {
        let error = from_code(message.code(), Some(at_place(message, &message.error_text())));
        self.shared.set_last_error(error.clone());
        if self.shared.wanted.errors {
            self.shared.push(Event::Error(error.clone()));
        }
        error
    }

    /// The error of a queue that is over.
    pub fn over(&self) -> KafkaError {
        let why = match (self.end.get(), &self.of) {
            (End::AssignmentOver, Of::Assigned { topic, partition }) => {
                format!("this queue ended with the assignment of {topic} [{partition}]; on_assign may ask for a new one")
            }
            _ => "the consumer of this queue was closed".into(),
        };
        KafkaError::new(-197, "_DESTROY", why)
    }

    /// What was handed out last is done: a commit may cover it.
    pub fn finish_last(&self) {
        if let Some(open) = self.open.borrow_mut().as_mut() {
            let Open { last, cancelled, .. } = open;
            if self.storing != Storing::WhenNextAsked {
                last.clear();
            }
            for message in last.drain(..).filter(|message| !cancelled.iter().any(|place| is_from(message, place))) {
                self.store(&message);
            }
        }
    }

    fn store(&self, message: &Message) {
        // What librdkafka stores of a started partition it commits as it likes.
        if self.of != Of::Started || self.commits.in_file {
            if let Err(error) = message.store() {
                if error.code != STATE && error.code != UNKNOWN_PARTITION {
                    self.shared.set_last_error(error);
                }
            }
        }
        if self.of == Of::Started {
            let topic = message.topic().unwrap_or_default();
            self.commits.done(topic, message.partition(), message.offset() + 1, message.leader_epoch());
        }
    }

    /// What was handed out last shall come again.
    pub fn forget_last(&self) {
        if let Some(open) = self.open.borrow_mut().as_mut() {
            open.last.clear();
        }
    }

    /// The message shall come again: from it on nothing of its partition is stored. Whether it was
    /// handed out here last; a loop over this queue then ends.
    pub fn cancel(&self, topic: &str, partition: i32, offset: i64) -> bool {
        let mut open = self.open.borrow_mut();
        let Some(open) = open.as_mut() else { return false };
        let place = TopicPartition::new(topic, partition, offset);
        if !open.last.iter().any(|message| is_from(message, &place)) {
            return false;
        }
        if self.storing == Storing::WhenNextAsked {
            open.cancelled.push(place);
        }
        self.cancels.set(self.cancels.get() + 1);
        true
    }

    /// How many of its messages were cancelled: what had begun before the last one ends.
    pub fn cancels(&self) -> u64 {
        self.cancels.get()
    }

    /// Whether it is of this partition of an assignment that still holds.
    pub fn is_of(&self, place: &TopicPartition) -> bool {
        matches!(&self.of, Of::Assigned { topic, partition } if place.is_at(topic.as_bytes(), *partition)) && self.end().is_none()
    }

    pub fn kept(&self) -> Option<i64> {
        self.kept.get()
    }

    /// A partition was stopped or sought: nothing of it is wanted any more.
    pub fn forget_partition(&self, gone: &TopicPartition) {
        self.kept.set(None);
        if let Some(open) = self.open.borrow_mut().as_mut() {
            let stays = |message: &Message| !gone.is_at(message.topic().unwrap_or_default(), message.partition());
            open.held.retain(stays);
            open.last.retain(stays);
            open.cancelled.retain(|place| !gone.is_at(place.topic.as_bytes(), place.partition));
        }
    }

    /// The descriptor for event loops; exact from now on, readable for good once this is over.
    pub fn export(&self) -> i32 {
        self.exported.set(true);
        self.settle();
        self.wake.fd()
    }

    pub fn has_work(&self) -> bool {
        let open = self.open.borrow();
        let Some(open) = open.as_ref() else { return true };
        let client_has = || {
            let waits = open.client.queue().is_some_and(|queue| queue.len() > 0);
            waits || self.shared.pending() > 0 || self.shared.is_noticed(Notice::Raised)
        };
        !open.held.is_empty() || open.source.queue().len() > 0 || (self.of == Of::Started && client_has())
    }

    /// Makes the descriptor tell the truth.
    pub fn settle(&self) {
        if !self.exported.get() {
            return;
        }
        if !self.has_work() {
            self.wake.lower();
            if !self.has_work() {
                return;
            }
        }
        self.wake.raise();
    }

    /// Sleeps until something arrives, at most `ms`.
    pub fn wait(&self, ms: i32) {
        self.wake.lower();
        if !self.has_work() {
            self.wake.wait(ms);
        }
        self.settle();
    }

    /// Ends it; what it held goes to the caller, to be dropped before the client.
    pub fn finish(&self, end: End) -> Option<Open> {
        let open = self.open.borrow_mut().take();
        if open.is_some() {
            self.end.set(end);
            self.wake.raise();
        }
        open
    }
}

impl Open {
    pub fn queue(&self) -> &Queue {
        self.source.queue()
    }
}

/// Whether the message is at that place of its partition or behind it.
fn is_from(message: &Message, place: &TopicPartition) -> bool {
    place.is_at(message.topic().unwrap_or_default(), message.partition()) && message.offset() >= place.offset
}

impl Drop for Feed {
    /// A program that drops the queue of a partition reads that partition from the consumer again.
    fn drop(&mut self) {
        let Some(open) = self.open.borrow_mut().take() else { return };
        if self.of != Of::Started {
            open.queue().forward(open.client.queue());
        }
    }
}

/// Holds `most` messages, or what is local; nothing ahead of the program.
fn fill(take: Take, held: &mut VecDeque<Message>, queue: &Queue, most: usize) {
    while held.len() < most {
        let room = (most - held.len()).min(BATCH);
        if take.take(queue, room, held) < room {
            return;
        }
    }
}
