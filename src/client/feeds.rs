//! The queues of a consumer, and the partitions a simple one has started.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CString;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Instant;

use super::feed::{End, Feed, Of, Open, Storing};
use super::simple_commits::{self, Due, SimpleCommits};
use super::unseen::Unseen;
use crate::model::error::KafkaError;
use crate::model::partition::{TopicPartition, INVALID, STORED};
use crate::native::client::Client;
use crate::native::consumer::commit_until;
use crate::native::queue::Queue;
use crate::native::simple;
use crate::native::topic::Topic;

/// The two ways to consume, of which a client knows one: what the first call was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Undecided,
    Member,
    Simple,
}

pub struct Feeds {
    way: Cell<Way>,
    /// None: the program acks each message, which queues do not know.
    storing: Option<Storing>,
    pub commits: Rc<SimpleCommits>,
    client: RefCell<Option<Arc<Client>>>,
    all: RefCell<Vec<Weak<Feed>>>,
    started: RefCell<HashMap<(String, i32), Started>>,
    topics: RefCell<HashMap<String, Arc<Topic>>>,
    pub unseen: Unseen,
    /// Messages to come are of a new generation.
    renewed: Rc<Cell<bool>>,
    /// Assigned partitions that have, or once had, a queue of their own.
    split: RefCell<Vec<TopicPartition>>,
}

struct Started {
    feed: Rc<Feed>,
    topic: Arc<Topic>,
    /// Somebody stops it; true when that is done.
    stopping: Option<Arc<AtomicBool>>,
}

/// A partition on its way to being stopped.
pub struct Stopping {
    pub topic: Arc<Topic>,
    pub partition: i32,
    /// Done, and to be committed first.
    due: Due,
    done: Arc<AtomicBool>,
}

impl Feeds {
    pub fn new(client: &Arc<Client>, storing: Option<Storing>, renewed: Rc<Cell<bool>>) -> Rc<Feeds> {
        Rc::new(Feeds {
            way: Cell::new(Way::Undecided),
            storing,
            commits: Rc::new(SimpleCommits::new(client, matches!(storing, Some(Storing::AtHandOver | Storing::WhenNextAsked)))),
            client: RefCell::new(Some(client.clone())),
            all: RefCell::default(),
            started: RefCell::default(),
            topics: RefCell::default(),
            unseen: Unseen::default(),
            renewed,
            split: RefCell::default(),
        })
    }

    pub fn is_simple(&self) -> bool {
        self.way.get() == Way::Simple
    }

    /// From here on this is a member of its group, unless it reads simply already.
    pub fn join(&self) -> Result<(), &'static str> {
        match self.way.get() {
            Way::Simple => {
                Err("this consumer reads partitions with consume_start, so it cannot take part in a group; make another consumer for that")
            }
            _ => {
                self.way.set(Way::Member);
                Ok(())
            }
        }
    }

    /// From here on this reads single partitions, unless it takes part in a group already.
    pub fn read_simply(&self) -> Result<(), &'static str> {
        match self.way.get() {
            Way::Member => {
                Err("this consumer takes part in a group (topics, subscribe, assign or poll), so it cannot read partitions with consume_start; make another consumer, without topics, for that")
            }
            _ => {
                self.way.set(Way::Simple);
                Ok(())
            }
        }
    }

    fn add(&self, of: Of, queue: Option<Queue>, client: &Arc<Client>) -> Result<Rc<Feed>, String> {
        let queue = queue.ok_or("no queue could be made")?;
        let storing = self.storing.ok_or(EXPLICIT)?;
        let feed = Feed::new(of, queue, client, storing, self.renewed.clone(), self.commits.clone())
            .map_err(|error| format!("no descriptor for the queue: {error}"))?;
        let feed = Rc::new(feed);
        let mut all = self.all.borrow_mut();
        all.retain(|feed| feed.strong_count() > 0);
        all.push(Rc::downgrade(&feed));
        Ok(feed)
    }

    /// A queue to which partitions can be started.
    pub fn open_queue(&self) -> Result<Rc<Feed>, String> {
        let client = self.client.borrow();
        let client = client.as_ref().ok_or(CLOSED)?;
        self.add(Of::Started, Queue::new(client), client)
    }

    /// The queue of a partition that is about to be assigned: what comes of it stays there.
    pub fn split(&self, name: &CString, partition: i32) -> Result<Rc<Feed>, String> {
        let client = self.client.borrow();
        let client = client.as_ref().ok_or(CLOSED)?;
        let topic = name.to_string_lossy().into_owned();
        let place = TopicPartition::new(&*topic, partition, INVALID);
        if let Some(feed) = self.of_assigned(&place) {
            return Ok(feed);
        }
        let feed = self.add(Of::Assigned { topic, partition }, Queue::of_partition(client, name, partition), client)?;
        feed.with_queue(|queue| queue.forward(None));
        let mut split = self.split.borrow_mut();
        if !split.iter().any(|known| known.is_at(place.topic.as_bytes(), partition)) {
            split.push(place);
        }
        Ok(feed)
    }

    fn of_assigned(&self, place: &TopicPartition) -> Option<Rc<Feed>> {
        self.all.borrow().iter().filter_map(Weak::upgrade).find(|feed| feed.is_of(place))
    }

    /// Where a partition with a queue of its own goes on, if librdkafka cannot tell.
    pub fn kept(&self, place: &TopicPartition) -> Option<i64> {
        self.of_assigned(place)?.kept()
    }

    /// Whether [`Feeds::lead_back`] has something to do after an assign.
    pub fn is_split(&self) -> bool {
        !self.split.borrow().is_empty()
    }

    /// Partitions that once had a queue, and have none now, lead to the consumer again. librdkafka clears
    /// that when it stops a partition, and never sets it again where a program has set it once.
    pub fn lead_back(&self) {
        let client = self.client.borrow();
        let Some(client) = client.as_ref() else { return };
        for place in self.split.borrow().iter().filter(|place| self.of_assigned(place).is_none()) {
            let Ok(name) = CString::new(place.topic.as_str()) else { continue };
            if let Some(queue) = Queue::of_partition(client, &name, place.partition) {
                queue.forward(client.queue());
            }
        }
    }

    /// The assignment of these (of all, without a list) is over, and so are their queues.
    pub fn end_assigned(&self, gone: Option<&[TopicPartition]>) {
        self.each(|feed| {
            let is_gone = match gone {
                Some(gone) => gone.iter().any(|place| feed.is_of(place)),
                None => feed.of != Of::Started,
            };
            if is_gone {
                drop(feed.finish(End::AssignmentOver));
            }
        });
    }

    /// What was handed out of the partition by its own queue is done.
    pub fn finish_partition(&self, place: &TopicPartition) {
        if let Some(feed) = self.of_assigned(place) {
            feed.finish_last();
        }
    }

    /// Nothing that is local of the partition is wanted.
    pub fn forget_partition(&self, place: &TopicPartition) {
        if let Some(feed) = self.of_assigned(place) {
            feed.forget_partition(place);
        }
    }

    /// The queue the partition was started to, unless it is being stopped.
    pub fn feed_of(&self, topic: &str, partition: i32) -> Option<Rc<Feed>> {
        let started = self.started.borrow();
        let found = started.get(&(topic.to_string(), partition))?;
        found.stopping.is_none().then(|| found.feed.clone())
    }

    fn topic(&self, name: &CString) -> Result<Arc<Topic>, KafkaError> {
        let text = name.to_string_lossy().into_owned();
        if let Some(topic) = self.topics.borrow().get(&text) {
            return Ok(topic.clone());
        }
        let client = self.client.borrow();
        let client = client.as_ref().ok_or_else(|| KafkaError::new(-197, "_DESTROY", CLOSED))?;
        let topic = Arc::new(Topic::open(client, name, None)?);
        self.topics.borrow_mut().insert(text, topic.clone());
        Ok(topic)
    }

    /// Leads a partition to the queue, from `offset` on. The outer error is misuse.
    pub fn start(&self, feed: &Rc<Feed>, name: &CString, partition: i32, offset: i64) -> Result<Result<(), KafkaError>, String> {
        let key = (name.to_string_lossy().into_owned(), partition);
        let known = self.started.borrow().get(&key).map(|started| started.stopping.clone());
        match known {
            Some(None) => return Err(format!("{} [{partition}] is started already; consume_stop comes first", key.0)),
            Some(Some(done)) if !done.load(Ordering::SeqCst) => {
                return Err(format!("{} [{partition}] is still being stopped; start it when consume_stop has returned", key.0));
            }
            _ => {}
        }
        let topic = match self.topic(name) {
            Ok(topic) => topic,
            Err(error) => return Ok(Err(error)),
        };
        let begun = feed.with_queue(|queue| simple::start(&topic, partition, offset, queue)).unwrap_or_else(|| Err(feed.over()));
        if begun.is_ok() {
            if offset != STORED || !self.commits.in_file {
                self.commits.begin(&key.0, partition);
            }
            self.unseen.add(&key.0, partition);
            self.started.borrow_mut().insert(key, Started { feed: feed.clone(), topic, stopping: None });
        }
        Ok(begun)
    }

    /// Begins to stop a partition: what is local of it is gone, what was handed out is done.
    /// [`Stopping::finish`] waits for the rest, on a thread that may.
    pub fn stop(&self, name: &str, partition: i32) -> Result<Stopping, String> {
        let mut started = self.started.borrow_mut();
        let found = started.get_mut(&(name.to_string(), partition));
        let Some(Started { feed, topic, stopping: stopping @ None }) = found else {
            return Err(format!("{name} [{partition}] is not started"));
        };
        self.unseen.remove(name, partition);
        if let Some(client) = self.client.borrow().as_ref() {
            client.shared().forget_missing(&format!("{name} [{partition}]"));
        }
        let done = Arc::new(AtomicBool::new(false));
        *stopping = Some(done.clone());
        feed.finish_last();
        feed.forget_partition(&TopicPartition::new(name, partition, INVALID));
        let due = self.commits.forget(name, partition);
        Ok(Stopping { topic: topic.clone(), partition, due, done })
    }

    fn each(&self, body: impl FnMut(Rc<Feed>)) {
        let all: Vec<Rc<Feed>> = self.all.borrow().iter().filter_map(Weak::upgrade).collect();
        all.into_iter().for_each(body);
    }

    /// Counts what was handed out last as done, for an explicit `close`.
    pub fn finish_last(&self) {
        self.each(|feed| feed.finish_last());
    }

    /// What was handed out last shall come again.
    pub fn forget_last(&self) {
        self.each(|feed| feed.forget_last());
    }

    /// The message shall come again; whether a queue has handed it out.
    pub fn cancel(&self, topic: &str, partition: i32, offset: i64) -> bool {
        let mut found = false;
        self.each(|feed| found |= feed.cancel(topic, partition, offset));
        found
    }

    /// Everything that must go before the client.
    pub fn leave(&self) -> Parting {
        let mut held = Vec::new();
        self.each(|feed| held.extend(feed.finish(End::ConsumerClosed)));
        let started = self.started.take();
        let stops = started
            .into_iter()
            .filter(|(_, started)| started.stopping.is_none())
            .map(|((_, partition), started)| (started.topic, partition))
            .collect();
        self.client.take();
        self.topics.take();
        Parting { stops, held, due: self.commits.leave() }
    }
}

const CLOSED: &str = "the consumer is closed";
const EXPLICIT: &str =
    "queues and started partitions store what is done by themselves; leave out ack=\"manual\" and ack=\"required\" for them";

impl Stopping {
    /// Waits until it is committed, `patience` (ms) at the most, and librdkafka's threads have stopped it.
    pub fn finish(self, client: &Client, patience: i64) -> Result<(), KafkaError> {
        let committed = simple_commits::commit_patiently(client, &self.due, patience);
        let stopped = simple::stop(&self.topic, self.partition);
        self.done.store(true, Ordering::SeqCst);
        stopped.and(committed)
    }
}

/// What a consumer's queues leave behind. Dropped before the client.
pub struct Parting {
    stops: Vec<(Arc<Topic>, i32)>,
    held: Vec<Open>,
    /// To be committed: librdkafka does not.
    due: Due,
}

impl Parting {
    pub fn commit(&self, client: &Client, deadline: Instant) -> Result<(), KafkaError> {
        if self.due.places.is_empty() {
            return Ok(());
        }
        // What cannot be committed is told, so there must be time left to stop and to go.
        let end = deadline - deadline.saturating_duration_since(Instant::now()) / 4;
        self.due.take_turn(end, || false);
        commit_until(client, Some(&self.due.places), end).map(drop)
    }

    /// Stops what is started, as long as there is time. False when there was too little.
    pub fn stop(self, deadline: Instant) -> bool {
        let mut in_time = true;
        for (topic, partition) in self.stops {
            if Instant::now() >= deadline {
                in_time = false;
                break;
            }
            let _ = simple::stop(&topic, partition);
        }
        drop(self.held);
        in_time
    }
}
