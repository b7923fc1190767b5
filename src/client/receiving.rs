//! Asking for the next message: what is at hand, what went wrong, what to hear first.

use std::ffi::CStr;

use super::consumer::Consumer;
use super::prefetch::Hold;
use crate::model::error::{KafkaError, FATAL, PARTITION_EOF, UNKNOWN_PARTITION, UNKNOWN_TOPIC, UNKNOWN_TOPIC_OR_PART};
use crate::model::event::Event;
use crate::native::consumer as native;
use crate::native::error::from_code;
use crate::native::message::Message;
use crate::native::process::coarse_ms;
use crate::native::shared::Notice;

/// What asking for messages brought.
pub enum Next<T> {
    /// To be given back to [`Consumer::handed_out`] or [`Consumer::handed_out_all`].
    Some(T),
    Nothing,
    /// Events wait to be served first.
    Events,
    Error(KafkaError),
    /// A topic or partition that is not there: the classic call raises these words.
    Local(KafkaError, String),
}

/// A program that takes its time over buffered messages still looks this often (ms) for a
/// rebalance, and shows the group that it lives.
const LOOK_EVERY: u64 = 100;

/// How librdkafka begins what it tells of a subscribed topic as a whole.
const OF_TOPIC: &str = "Subscribed topic not available: ";
const REFRESH: &CStr = c"topic.metadata.refresh.interval.ms";

impl Consumer {
    /// The program has the message, or could not take it: then it is the next one again.
    pub fn handed_out(&self, message: Message, taken: bool) {
        if taken {
            self.hold_back(&message);
            self.note(message);
        } else {
            self.buffer.borrow_mut().put_back(message);
        }
    }

    /// As [`Consumer::handed_out`], for all of a batch.
    pub fn handed_out_all(&self, messages: Vec<Message>, taken: bool) {
        if taken {
            messages.into_iter().for_each(|message| self.note(message));
        } else {
            for message in messages.into_iter().rev() {
                if self.acks.is_one_by_one() && message.code() == 0 {
                    let topic = String::from_utf8_lossy(message.topic().unwrap_or_default());
                    self.release(&topic, message.partition(), Hold::Unacked);
                }
                self.buffer.borrow_mut().put_back(message);
            }
        }
    }

    /// Asks for the next message, which says that what was handed out is done. Never waits.
    /// `ends`: the end of a partition is a message too.
    pub fn next(&self, ends: bool) -> Next<Message> {
        if !self.prepare(1) || self.acks.room() == 0 {
            return Next::Events;
        }
        let message = if self.overdue.get() { None } else { self.pop(ends) };
        self.settle_if_drained();
        match message {
            Some(message) if !message.is_error() => {
                self.shared().forget_raised();
                Next::Some(message)
            }
            Some(error) => self.consumer_error(&error),
            None => self.nothing(),
        }
    }

    /// As [`Consumer::next`], for what is at hand up to `most`; never an empty batch.
    pub fn next_batch(&self, most: usize, ends: bool) -> Next<Vec<Message>> {
        let most = most.min(self.acks.room());
        if !self.prepare(most) || most == 0 {
            return Next::Events;
        }
        let mut batch = Vec::with_capacity(most.min(self.buffer.borrow().len()));
        let mut stopped_by = None;
        while batch.len() < most && !self.overdue.get() {
            match self.pop(ends) {
                Some(message) if !message.is_error() => {
                    self.hold_back(&message);
                    batch.push(message);
                }
                other => {
                    stopped_by = other;
                    break;
                }
            }
        }
        if !batch.is_empty() {
            // An error waits its turn.
            stopped_by.into_iter().for_each(|error| self.buffer.borrow_mut().put_back(error));
            self.settle_if_drained();
            self.shared().forget_raised();
            return Next::Some(batch);
        }
        self.settle_if_drained();
        match stopped_by {
            Some(error) => convert(self.consumer_error(&error)),
            None => convert(self.nothing()),
        }
    }

    /// With `ack="required"` the partition waits from here on.
    fn hold_back(&self, message: &Message) {
        if self.acks.is_one_by_one() && message.code() == 0 {
            let topic = message.topic().unwrap_or_default();
            self.buffer.borrow_mut().hold(topic, message.partition(), Hold::Unacked);
        }
    }

    /// What was handed out is done, and what is at hand is gathered. False when events are due.
    fn prepare(&self, most: usize) -> bool {
        self.finish_last();
        if self.shared().pending() > 0 {
            return false;
        }
        let now = coarse_ms();
        if self.buffer.borrow().len() < most || now.saturating_sub(self.looked.get()) >= LOOK_EVERY {
            self.looked.set(now);
            self.look_for(most);
            return self.shared().pending() == 0 && !self.acks.is_renewed();
        }
        !self.acks.is_renewed()
    }

    fn pop(&self, ends: bool) -> Option<Message> {
        if self.is_rebalancing() {
            return None;
        }
        let mut buffer = self.buffer.borrow_mut();
        loop {
            let message = buffer.pop();
            if ends || message.as_ref().is_none_or(|message| message.code() != PARTITION_EOF) {
                return message;
            }
        }
    }

    /// No message, or an error has waited long enough: perhaps there is a reason why.
    fn nothing(&self) -> Next<Message> {
        self.overdue.set(false);
        if let Some(error) = self.shared().take_raised() {
            return match error.code {
                UNKNOWN_PARTITION | UNKNOWN_TOPIC => {
                    let text = local_text(&error);
                    Next::Local(error, text)
                }
                _ => Next::Error(error),
            };
        }
        match self.handle.client().fatal_error() {
            Some(error) => Next::Error(error),
            None => Next::Nothing,
        }
    }

    fn consumer_error(&self, message: &Message) -> Next<Message> {
        let code = message.code();
        let fatal = if code == FATAL { self.handle.client().fatal_error() } else { None };
        let mut error = fatal.unwrap_or_else(|| from_code(code, Some(message.error_text())));
        let mends_itself = self.assign_again_after(&error);
        let reason = std::mem::take(&mut error.message);
        error.message = match reason.strip_prefix(OF_TOPIC) {
            Some(of_topic) => self.at_topic(message, of_topic),
            None => at_place(message, &reason),
        };
        self.shared().set_last_error(error.clone());
        if matches!(code, UNKNOWN_PARTITION | UNKNOWN_TOPIC) {
            let topic = String::from_utf8_lossy(message.topic().unwrap_or_default());
            let (partition, offset) = (message.partition(), message.offset());
            return Next::Local(error, format!("topic: {topic} partition: {partition} offset: {offset} err: {reason}"));
        }
        if self.shared().wanted.errors {
            self.shared().push(Event::Error(error.clone()));
        }
        if mends_itself {
            return Next::Nothing;
        }
        Next::Error(error)
    }

    /// What is told of a subscribed topic or pattern: it has no partition, though the message has one.
    fn at_topic(&self, message: &Message, reason: &str) -> String {
        if message.code() != UNKNOWN_TOPIC_OR_PART {
            return reason.to_string();
        }
        let topic = String::from_utf8_lossy(message.topic().unwrap_or_default());
        let what = if topic.starts_with('^') { "matches no topic" } else { "is no topic" };
        let every = self.handle.client().property(&REFRESH.to_owned()).unwrap_or_default();
        let again = format!("it is looked for again after {}={every} at the latest", REFRESH.to_string_lossy());
        format!("{topic} {what} that is there and may be seen; {again}")
    }

    /// Takes in what librdkafka has queued, and does what rebalances ask.
    pub fn look(&self) {
        self.look_for(0);
    }

    /// As [`Consumer::look`], for a program that wants `most` messages at once.
    fn look_for(&self, most: usize) {
        let Some(queue) = self.handle.client().queue() else { return };
        self.shared().wake.lower();
        let mut places = Vec::new();
        self.shared().serve(|| places = self.buffer.borrow_mut().fill(self.take, queue, most));
        native::keep_places(self.handle.client(), &places);
        self.remember_starts(&places);
        if self.handle.client().is_unusable() {
            // The error is the answer to every call from here on; these come again to the partition's next reader.
            self.buffer.borrow_mut().drop_all();
        }
        self.hear_commits();
        self.heed_rebalances();
        self.look_for_missing();
        self.feeds.commits.commit_if_due(self.handle.client(), coarse_ms());
        self.assign_again_if_due(coarse_ms());
        // What came beside the messages waits for those at hand, but a busy program's buffer never empties.
        let raised = self.shared().is_noticed(Notice::Raised);
        self.overdue.set(self.raised.replace(raised) && raised);
        self.park();
        self.settle();
    }

    /// A partition that waits for an ack while others flow must not fill the memory: librdkafka stops
    /// fetching it, and later goes on after what it gave us.
    fn park(&self) {
        let parked = self.buffer.borrow_mut().park();
        if !parked.is_empty() {
            native::pause(self.handle.client(), &parked);
        }
        let unparked = self.buffer.borrow_mut().unpark();
        if !unparked.is_empty() {
            native::resume(self.handle.client(), &unparked);
        }
    }

    /// What was held back is handed out again; it may come in the middle of a wait.
    pub(super) fn release(&self, topic: &str, partition: i32, why: Hold) {
        self.buffer.borrow_mut().release(topic.as_bytes(), partition, why);
        if self.buffered() {
            self.settle();
        }
    }

    fn buffered(&self) -> bool {
        let at_hand = !self.buffer.borrow().is_empty() && self.acks.room() > 0 && !self.is_rebalancing();
        at_hand || self.commits.are_answered()
    }

    pub fn settle(&self) {
        self.handle.settle(self.buffered());
    }

    fn settle_if_drained(&self) {
        if self.handle.is_exported() && !self.buffered() {
            self.handle.settle(false);
        }
    }

    pub fn export(&self) -> i32 {
        self.handle.export(self.buffered())
    }
}

/// What is no message is the same for one and for many.
fn convert<T, U>(next: Next<T>) -> Next<U> {
    match next {
        Next::Some(_) | Next::Nothing => Next::Nothing,
        Next::Events => Next::Events,
        Next::Error(error) => Next::Error(error),
        Next::Local(error, text) => Next::Local(error, text),
    }
}

/// The reason with its topic, partition and offset, where they are known.
pub(super) fn at_place(message: &Message, reason: &str) -> String {
    let Some(topic) = message.topic() else { return reason.to_string() };
    let offset = if message.offset() >= 0 { format!(" at offset {}", message.offset()) } else { String::new() };
    format!("{} [{}]{offset}: {reason}", String::from_utf8_lossy(topic), message.partition())
}

/// The classic sentence for what librdkafka tells as `topic [partition]: reason`. It knows no
/// offset then.
fn local_text(error: &KafkaError) -> String {
    const NO_OFFSET: i64 = -1001;
    let place = error.message.split_once("]: ").and_then(|(place, reason)| {
        let (topic, partition) = place.rsplit_once(" [")?;
        Some(format!("topic: {topic} partition: {partition} offset: {NO_OFFSET} err: {reason}"))
    });
    place.unwrap_or_else(|| error.message.clone())
}
