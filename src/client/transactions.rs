//! Where a transactional producer stands: which calls are in order, which one is under way.
//!
//! librdkafka's calls run on a thread of their own until they end, whatever the caller's deadline.
//! What a call came to is kept until somebody hears it: the next call of the same kind does.

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use super::handle::Handle;
use super::question::Question;
use crate::model::error::{KafkaError, CONFLICT, NOT_CONFIGURED, STATE};
use crate::model::partition::TopicPartition;
use crate::native::client::Client;
use crate::native::group_metadata::GroupMetadata;
use crate::native::partitions::PartitionList;
use crate::native::transactions as native;

/// A call that may block.
pub enum Call {
    Init,
    SendOffsets(Vec<TopicPartition>, GroupMetadata),
    Commit,
    Abort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Init,
    SendOffsets,
    Commit,
    Abort,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Init => "init_transactions",
            Kind::SendOffsets => "send_offsets_to_transaction",
            Kind::Commit => "commit_transaction",
            Kind::Abort => "abort_transaction",
        }
    }
}

#[derive(Default)]
enum Phase {
    /// `init_transactions` has not succeeded yet.
    #[default]
    New,
    Ready,
    Open,
    /// Nothing but aborting is left.
    Failed(KafkaError),
}

#[derive(Default)]
pub struct Transactions {
    phase: RefCell<Phase>,
    under_way: RefCell<Option<Arc<Job>>>,
    /// librdkafka has to be called again before anything else.
    unfinished: RefCell<Option<(Kind, KafkaError)>>,
    /// What the last job came to, for all who waited for it.
    last: RefCell<Option<(u64, Result<(), KafkaError>)>>,
    jobs: Cell<u64>,
    /// `producer:transaction` runs a function of the user's and ends its transactions itself.
    is_in_function: Cell<bool>,
}

/// One call of librdkafka's, from its begin until its outcome was heard.
struct Job {
    id: u64,
    kind: Kind,
    offsets: Vec<TopicPartition>,
    state: Mutex<JobState>,
    ended: Condvar,
}

#[derive(Default)]
struct JobState {
    outcome: Option<Result<(), KafkaError>>,
    waiting: Vec<Weak<Question<()>>>,
}

impl Job {
    fn lock(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever it comes to makes no difference to an abort.
    fn may_be_aborted(&self) -> bool {
        self.kind == Kind::SendOffsets
    }

    fn end(&self, outcome: Result<(), KafkaError>) {
        let mut state = self.lock();
        state.outcome = Some(outcome);
        self.ended.notify_all();
        for question in state.waiting.drain(..).filter_map(|question| question.upgrade()) {
            question.settle(Ok(()));
        }
    }

    fn wait(&self) {
        let state = self.lock();
        drop(self.ended.wait_while(state, |state| state.outcome.is_none()));
    }

    fn tell(&self, question: &Arc<Question<()>>) {
        let mut state = self.lock();
        if state.outcome.is_some() {
            question.settle(Ok(()));
        } else {
            state.waiting.push(Arc::downgrade(question));
        }
    }
}

fn refuse(message: impl Into<String>) -> KafkaError {
    KafkaError::new(STATE, "_STATE", message)
}

impl Transactions {
    fn is_configured(client: &Client) -> bool {
        client.property(&c"transactional.id".to_owned()).is_some_and(|id| !id.is_empty())
    }

    pub fn set_in_function(&self, is_in_function: bool) {
        self.is_in_function.set(is_in_function);
    }

    /// A commit in there would go without the offsets of its input, which then comes again.
    pub fn check_not_in_function(&self, name: &str) -> Result<(), KafkaError> {
        if !self.is_in_function.get() {
            return Ok(());
        }
        Err(refuse(format!(
            "{name} within the function of producer:transaction, or beside it in another coroutine: that commits when the function \
             returns, and aborts when it raises or returns nil and an error; leave the call out; if its coroutine was \
             dropped, call collectgarbage() and then abort_transaction"
        )))
    }

    /// What no call gets past: no transactions here, or never again.
    fn check_client(client: &Client) -> Result<(), KafkaError> {
        if !Self::is_configured(client) {
            return Err(KafkaError::new(
                NOT_CONFIGURED,
                "_NOT_CONFIGURED",
                "transactions need transactional.id: a name of this producer's own that stays the same when the program runs again",
            ));
        }
        match client.fatal_error() {
            Some(mut fatal) => {
                fatal.message += "; make a new producer";
                Err(fatal)
            }
            None => Ok(()),
        }
    }

    fn check_not_under_way(&self, wanted: Option<Kind>) -> Result<(), KafkaError> {
        let conflict = |message: String| Err(KafkaError::new(CONFLICT, "_CONFLICT", message));
        let bars = |job: &&Arc<Job>| Some(job.kind) != wanted && !(wanted == Some(Kind::Abort) && job.may_be_aborted());
        if let Some(job) = self.under_way.borrow().as_ref().filter(bars) {
            let is = if job.lock().outcome.is_some() { "has ended unheard" } else { "is under way" };
            let other = if job.may_be_aborted() { ", or abort_transaction" } else { "" };
            return conflict(format!("{} {is}; call it again to hear what it comes to{other}", job.kind.name()));
        }
        match self.unfinished.borrow().as_ref() {
            Some((kind, error)) if Some(*kind) != wanted => {
                conflict(format!("{} is not finished ({}); call it again", kind.name(), error.message))
            }
            _ => Ok(()),
        }
    }

    /// Why `kind`, or producing or beginning, is out of order now.
    fn check_open(&self) -> Result<(), KafkaError> {
        match &*self.phase.borrow() {
            Phase::New => Err(refuse("transactions are not initialized; call init_transactions, once, then begin_transaction")),
            Phase::Ready => Err(refuse("no transaction is open; call begin_transaction first")),
            Phase::Open => Ok(()),
            Phase::Failed(error) => Err(must_abort(error)),
        }
    }

    fn check_order(&self, kind: Kind) -> Result<(), KafkaError> {
        match (kind, &*self.phase.borrow()) {
            (Kind::Init, Phase::New) | (Kind::Abort, Phase::Failed(_)) => Ok(()),
            (Kind::Init, _) => {
                Err(refuse("init_transactions was called before: once is enough for a producer; go on with begin_transaction"))
            }
            _ => self.check_open(),
        }
    }

    pub fn begin(&self, handle: &Handle) -> Result<(), KafkaError> {
        Self::check_client(handle.client())?;
        self.check_not_under_way(None)?;
        match &*self.phase.borrow() {
            Phase::New => {
                return Err(refuse("transactions are not initialized; call init_transactions, once, before begin_transaction"))
            }
            Phase::Ready => {}
            Phase::Open => {
                return Err(refuse(
                    "a transaction is open already; call commit_transaction or abort_transaction before the next",
                ));
            }
            Phase::Failed(error) => return Err(must_abort(error)),
        }
        native::begin(handle.client())?;
        handle.client().shared().counts.begin_transaction();
        *self.phase.borrow_mut() = Phase::Open;
        Ok(())
    }

    /// Starts a call, or joins the one of its kind that is under way. The question is answered when
    /// it has ended; [`Transactions::outcome`] of the number then tells what it came to.
    pub fn call(&self, handle: &Handle, call: Call, deadline: f64) -> Result<(Arc<Question<()>>, u64), KafkaError> {
        let kind = call.kind();
        Self::check_client(handle.client())?;
        if kind != Kind::SendOffsets {
            self.check_not_in_function(kind.name())?;
        }
        self.check_not_under_way(Some(kind))?;
        let running = self.under_way.borrow().clone();
        let job = match running {
            Some(job) if job.kind == kind => {
                if matches!(&call, Call::SendOffsets(offsets, _) if *offsets != job.offsets) {
                    let message = "send_offsets_to_transaction is under way with other offsets; call it again with the same ones";
                    return Err(KafkaError::new(CONFLICT, "_CONFLICT", message));
                }
                job
            }
            before => {
                self.check_order(kind)?;
                self.start(handle, kind, call, before)?
            }
        };
        let question = handle.open_question(deadline);
        job.tell(&question);
        Ok((question, job.id))
    }

    /// Starts a call, once the one `before` it has ended: librdkafka refuses an abort until then.
    fn start(&self, handle: &Handle, kind: Kind, call: Call, before: Option<Arc<Job>>) -> Result<Arc<Job>, KafkaError> {
        let id = self.jobs.get() + 1;
        let offsets = if let Call::SendOffsets(offsets, _) = &call { offsets.clone() } else { Vec::new() };
        let job = Arc::new(Job { id, kind, offsets, state: Mutex::default(), ended: Condvar::new() });
        let (client, ours) = (handle.client().clone(), job.clone());
        handle.client().shared().counts.ending.store(matches!(kind, Kind::Commit | Kind::Abort), Ordering::Release);
        let started = handle.in_background(move || {
            if let Some(before) = before {
                before.wait();
            }
            let outcome = call.run(&client);
            if outcome.is_ok() && matches!(kind, Kind::Commit | Kind::Abort) {
                client.shared().counts.end_transaction();
            }
            client.shared().counts.ending.store(false, Ordering::Release);
            // Before the outcome is known: whoever hears it may close the client.
            drop(client);
            ours.end(outcome);
        });
        if let Err(error) = started {
            handle.client().shared().counts.ending.store(false, Ordering::Release);
            return Err(error);
        }
        self.jobs.set(id);
        *self.unfinished.borrow_mut() = None;
        *self.under_way.borrow_mut() = Some(job.clone());
        Ok(job)
    }

    /// What the call with this number came to, once it has ended.
    pub fn outcome(&self, id: u64) -> Result<(), KafkaError> {
        let ended = self.under_way.borrow().as_ref().filter(|job| job.id == id).and_then(|job| {
            let outcome = job.lock().outcome.clone()?;
            Some((job.kind, outcome))
        });
        if let Some((kind, outcome)) = ended {
            *self.under_way.borrow_mut() = None;
            self.conclude(kind, &outcome);
            *self.last.borrow_mut() = Some((id, outcome));
        }
        match self.last.borrow().as_ref() {
            Some((last, outcome)) if *last == id => outcome.clone(),
            _ => Err(KafkaError::new(CONFLICT, "_CONFLICT", "another coroutine has gone on with this producer's transactions")),
        }
    }

    fn conclude(&self, kind: Kind, outcome: &Result<(), KafkaError>) {
        let mut phase = self.phase.borrow_mut();
        match outcome {
            Ok(()) if kind == Kind::SendOffsets => {}
            Ok(()) => *phase = Phase::Ready,
            Err(error) if error.txn_requires_abort => *phase = Phase::Failed(error.clone()),
            Err(error) if error.retriable && kind != Kind::SendOffsets => {
                *self.unfinished.borrow_mut() = Some((kind, error.clone()));
            }
            Err(_) => {}
        }
    }

    /// Why librdkafka refuses a message with `_STATE`; none for a producer without transactions.
    pub fn explain_refusal(&self, client: &Client) -> Option<KafkaError> {
        if !Self::is_configured(client) {
            return None;
        }
        let why = self.check_not_under_way(None).and_then(|()| self.check_open());
        Some(why.err().unwrap_or_else(|| must_abort(&refuse("the transaction has failed"))))
    }

    pub fn is_initialized(&self) -> bool {
        !matches!(&*self.phase.borrow(), Phase::New)
    }

    /// A call runs.
    pub fn is_under_way(&self) -> bool {
        self.under_way.borrow().as_ref().is_some_and(|job| job.lock().outcome.is_none())
    }

    /// A transaction that nobody ends.
    pub fn is_open(&self) -> bool {
        !self.is_under_way() && matches!(&*self.phase.borrow(), Phase::Open | Phase::Failed(_))
    }

    /// What `close` leaves in the middle.
    pub fn farewell(&self, client: &Client) -> Result<(), KafkaError> {
        let left = self.under_way.borrow().as_ref().map(|job| (job.id, job.kind.name()));
        if let Some((id, name)) = left {
            if self.is_under_way() {
                return Err(refuse(format!("closed while {name} was under way; whether it succeeds stays unknown")));
            }
            self.outcome(id)?;
        }
        if let Some((kind, error)) = self.unfinished.borrow().as_ref().filter(|(kind, _)| *kind != Kind::Init) {
            let text =
                format!("closed before {} was finished ({}); whether it succeeds stays unknown", kind.name(), error.message);
            return Err(refuse(text));
        }
        if self.is_open() {
            Self::check_client(client)?;
            let cure = "call commit_transaction or abort_transaction before close";
            return Err(refuse(format!("closed with an open transaction, which is aborted; {cure}")));
        }
        Ok(())
    }
}

impl Call {
    fn kind(&self) -> Kind {
        match self {
            Call::Init => Kind::Init,
            Call::SendOffsets(..) => Kind::SendOffsets,
            Call::Commit => Kind::Commit,
            Call::Abort => Kind::Abort,
        }
    }

    fn run(self, client: &Client) -> Result<(), KafkaError> {
        match self {
            Call::Init => native::init(client),
            Call::SendOffsets(offsets, group) => native::send_offsets(client, &PartitionList::of(&offsets), &group),
            Call::Commit => {
                let _serving = client.shared().serve_elsewhere();
                native::commit(client)
            }
            Call::Abort => {
                let _serving = client.shared().serve_elsewhere();
                native::abort(client)
            }
        }
    }
}

/// The same error, saying what is left to be done.
fn must_abort(error: &KafkaError) -> KafkaError {
    let mut error = error.clone();
    error.message += "; the transaction must be aborted: call abort_transaction";
    error.txn_requires_abort = true;
    error.retriable = false;
    error
}
