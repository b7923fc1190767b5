//! Asking for the next message: what is at hand, what went wrong, what to hear first.

use super::consumer::Consumer;
use crate::model::error::{KafkaError, FATAL, PARTITION_EOF, UNKNOWN_PARTITION, UNKNOWN_TOPIC};
use crate::model::event::Event;
use crate::native::error::from_code;
use crate::native::message::Message;
use crate::native::process::coarse_ms;

/// What asking for a message brought.
pub enum Next {
    /// To be given to [`Consumer::handed_out`].
    Message(Message),
    Nothing,
    /// Events wait to be served first.
    Events,
    Error(KafkaError),
    /// A topic or partition that is not there: the classic call raises it.
    Local(String),
}

/// A program that takes its time over buffered messages still looks this often (ms) for a
/// rebalance, and shows the group that it lives.
const LOOK_EVERY: u64 = 100;

impl Consumer {
    /// The program has the message, or could not take it: then it is the next one again.
    pub fn handed_out(&self, message: Message, taken: bool) {
        if !taken {
            self.buffer.borrow_mut().put_back(message);
            return;
        }
        if self.store_at_hand_over {
            self.store(&message);
        }
        *self.last.borrow_mut() = Some(message);
    }

    /// Asks for the next message, which says that the last one is done. Never waits.
    pub fn next(&self) -> Next {
        self.finish_last();
        if self.shared().pending() > 0 {
            return Next::Events;
        }
        let now = coarse_ms();
        self.assign_again_if_due(now);
        if self.buffer.borrow().is_empty() || now.saturating_sub(self.looked.get()) >= LOOK_EVERY {
            self.looked.set(now);
            self.look();
            if self.shared().pending() > 0 {
                return Next::Events;
            }
        }
        self.hand_out()
    }

    fn hand_out(&self) -> Next {
        let message = loop {
            let message = self.buffer.borrow_mut().pop();
            // The end of a partition is no message to the classic call.
            if message.as_ref().is_none_or(|message| message.code() != PARTITION_EOF) {
                break message;
            }
        };
        self.settle_if_drained();
        let Some(message) = message else { return self.nothing() };
        match message.code() {
            0 => {
                self.shared().forget_raised();
                Next::Message(message)
            }
            code => self.consumer_error(code, &message),
        }
    }

    /// No message: but perhaps a reason why.
    fn nothing(&self) -> Next {
        if let Some(error) = self.shared().take_raised() {
            return match error.code {
                UNKNOWN_PARTITION | UNKNOWN_TOPIC => Next::Local(local_text(&error)),
                _ => Next::Error(error),
            };
        }
        match self.handle.client().fatal_error() {
            Some(error) => Next::Error(error),
            None => Next::Nothing,
        }
    }

    fn consumer_error(&self, code: i32, message: &Message) -> Next {
        let fatal = if code == FATAL { self.handle.client().fatal_error() } else { None };
        let error = fatal.unwrap_or_else(|| from_code(code, Some(message.error_text())));
        self.shared().set_last_error(error.clone());
        if matches!(code, UNKNOWN_PARTITION | UNKNOWN_TOPIC) {
            let topic = String::from_utf8_lossy(message.topic().unwrap_or_default()).into_owned();
            return Next::Local(format!(
                "topic: {topic} partition: {} offset: {} err: {}",
                message.partition(),
                message.offset(),
                error.message
            ));
        }
        if self.shared().wanted.errors {
            self.shared().push(Event::Error(error.clone()));
        }
        if Self::is_lost_coordinator(&error) {
            self.assign_again_later();
            return Next::Nothing;
        }
        Next::Error(error)
    }

    /// Takes in what librdkafka has queued, and does what rebalances ask.
    pub fn look(&self) {
        let Some(queue) = self.handle.client().queue() else { return };
        self.shared().wake.lower();
        self.shared().serve(|| self.buffer.borrow_mut().fill(queue));
        while let Some(rebalance) = self.shared().take_rebalance() {
            self.rebalance(&rebalance);
        }
        self.settle();
    }

    fn buffered(&self) -> bool {
        !self.buffer.borrow().is_empty()
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
