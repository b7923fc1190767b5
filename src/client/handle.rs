//! What every client is made of: librdkafka's handle, the shared event list, threads for what
//! blocks, and a place in the registry.

use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::clock;
use super::config::{explain_new, Built, Settings};
use super::effective::effective;
use super::metadata_cache::{look_up, MetadataCache, PATIENCE};
use super::question::{Question, Waiting};
use super::registry;
use super::worker::Workers;
use crate::model::config::{Kind, Value, MOST_BROKER_LIST};
use crate::model::error::KafkaError;
use crate::model::property::Property;
use crate::native::client::Client;
use crate::native::metadata::Scope;
use crate::native::shared::Shared;

pub struct Handle {
    client: Arc<Client>,
    shared: Arc<Shared>,
    pub name: String,
    workers: RefCell<Workers>,
    metadata: Arc<MetadataCache>,
    /// Values of properties that librdkafka does not have.
    ours: Vec<(&'static str, bool)>,
    /// Questions and when whoever asked gives up: a coroutine dropped in its wait never says so.
    asked: RefCell<Vec<(f64, Weak<dyn Waiting>)>>,
    /// An event loop watches the descriptor, so it must be exact after every call.
    exported: Cell<bool>,
    /// The program must act before it gets what is queued: that alone is no reason to wake it.
    ignores_queue: Cell<bool>,
    registered: u64,
}

/// The parts of a handle that leave.
pub struct Parts {
    pub client: Arc<Client>,
    pub shared: Arc<Shared>,
    pub workers: Workers,
}

impl Handle {
    pub fn create(kind: Kind, built: Built, mut settings: Settings) -> Result<Handle, String> {
        if let Some(why) = built.tokenless {
            return Err(why);
        }
        settings.wanted.only_failed_reports = built.only_failed_reports;
        settings.wanted.raised_errors = kind == Kind::Consumer;
        let shared = Shared::new(settings.wanted)
            .map(Arc::new)
            .map_err(|error| format!("no descriptor for the client's wake-up: {error}"))?;
        let client = Arc::new(built.conf.create(kind, shared.clone()).map_err(|why| explain_new(why, &built.files))?);
        let patience = Duration::from_millis(u64::try_from(settings.exit_timeout).unwrap_or(u64::from(u32::MAX)));
        let registered = registry::current().add(&client, kind, patience);
        let name = client.name();
        Ok(Handle {
            client,
            shared,
            name,
            workers: RefCell::default(),
            metadata: Arc::default(),
            ours: built.ours,
            asked: RefCell::default(),
            exported: Cell::new(false),
            ignores_queue: Cell::new(false),
            registered,
        })
    }

    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Adds to the bootstrap list; false when nothing in it could be understood.
    pub fn add_brokers(&self, list: &[u8]) -> bool {
        list.len() <= MOST_BROKER_LIST && CString::new(list).is_ok_and(|list| self.client.add_brokers(&list) > 0)
    }

    pub fn last_error(&self) -> Option<KafkaError> {
        self.shared.last_error()
    }

    /// Runs a blocking call in the background.
    pub fn in_background(&self, job: impl FnOnce() + Send + 'static) -> Result<(), KafkaError> {
        if self.workers.borrow_mut().run(job) {
            return Ok(());
        }
        Err(KafkaError::new(-196, "_FAIL", "no thread could be started for a call that blocks"))
    }

    /// Puts a question that only a blocking call can answer and that is given up at `deadline`.
    /// `job` gets the client on a thread of its own and must keep its deadline itself; the question
    /// tells it whether anybody still waits.
    pub fn ask<T: Send + 'static>(
        &self,
        deadline: f64,
        job: impl FnOnce(&Arc<Client>, &Question<T>) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<Arc<Question<T>>, KafkaError> {
        let question = self.open_question(deadline);
        let (client, ours) = (self.client.clone(), question.clone());
        self.in_background(move || {
            let answer = job(&client, &ours);
            // Before the answer is known: whoever hears it may close the client.
            drop(client);
            ours.settle(answer);
        })?;
        Ok(question)
    }

    /// A question that somebody else will answer, given up at `deadline`.
    pub fn open_question<T: Send + 'static>(&self, deadline: f64) -> Arc<Question<T>> {
        let question = Arc::new(Question::new(self.shared.clone()));
        let waiting: Arc<dyn Waiting> = question.clone();
        self.make_room();
        self.asked.borrow_mut().push((deadline, Arc::downgrade(&waiting)));
        question
    }

    /// What was last heard of topics.
    pub fn metadata(&self) -> &Arc<MetadataCache> {
        &self.metadata
    }

    /// What each property comes to in this client.
    pub fn config(&self) -> Vec<(&'static Property, Value)> {
        let mut found = effective(false, |name| self.client.property(name));
        for (property, value) in &mut found {
            if let Some((_, ours)) = self.ours.iter().find(|(name, _)| *name == property.name) {
                *value = Value::Flag(*ours);
            }
        }
        found
    }

    /// Learns of a topic's partitions in the background, if they are unknown or known for long.
    pub fn learn_of(&self, topic: &str, scope: impl FnOnce() -> Option<Scope>) {
        if !self.metadata.begin_look_up(topic) {
            return;
        }
        let Some(scope) = scope() else { return };
        let (client, cache, name) = (self.client.clone(), self.metadata.clone(), topic.to_string());
        // Without a thread for it the topic stays unknown; a later call asks again.
        let _ = self.in_background(move || drop(look_up(&client, &cache, &name, &scope, PATIENCE)));
    }

    /// The descriptor for event loops; exact from now on. `buffered` as for [`Handle::settle`].
    pub fn export(&self, buffered: bool) -> i32 {
        self.exported.set(true);
        self.settle(buffered);
        self.shared.wake.fd()
    }

    pub fn is_exported(&self) -> bool {
        self.exported.get()
    }

    fn has_work(&self, buffered: bool) -> bool {
        let queued = || !self.ignores_queue.get() && self.client.queue().is_some_and(|queue| queue.len() > 0);
        buffered || self.shared.has_work() || queued()
    }

    pub fn ignore_queue(&self, ignored: bool) {
        self.ignores_queue.set(ignored);
    }

    /// Gives up questions whose time is over: their answers would keep the client awake for ever.
    fn forget_questions(&self) {
        let mut asked = self.asked.borrow_mut();
        if asked.is_empty() {
            return;
        }
        let now = clock::now_ms();
        asked.retain(|(deadline, question)| match question.upgrade() {
            Some(question) if *deadline < now => {
                question.give_up();
                false
            }
            question => question.is_some(),
        });
    }

    /// A program may ask without ever serving: the list of questions grows only by living ones.
    fn make_room(&self) {
        let is_full = |asked: &Vec<_>| asked.len() == asked.capacity();
        if is_full(&self.asked.borrow()) {
            self.forget_questions();
            let mut asked = self.asked.borrow_mut();
            let living = asked.len();
            asked.reserve(living + 1);
        }
    }

    /// Nobody will hear an answer any more.
    pub fn give_up_questions(&self) {
        for (_, question) in self.asked.borrow_mut().drain(..) {
            if let Some(question) = question.upgrade() {
                question.give_up();
            }
        }
    }

    /// Makes the descriptor tell the truth: readable exactly while anything is left to serve.
    pub fn settle(&self, buffered: bool) {
        self.forget_questions();
        if !self.exported.get() {
            return;
        }
        if !self.has_work(buffered) {
            self.shared.wake.lower();
            // What came between the look and the lowering.
            if !self.has_work(buffered) {
                return;
            }
        }
        self.shared.wake.raise();
    }

    /// Takes the handle apart for leaving. The exit guard forgets the client: the reaper has it.
    pub fn into_parts(self) -> Parts {
        Parts { client: self.client, shared: self.shared, workers: self.workers.into_inner() }
    }

    /// To be called once the reaper has counted the client as leaving.
    pub fn registered(&self) -> u64 {
        self.registered
    }
}
