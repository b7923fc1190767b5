//! At least once: when a message counts as done, so that a commit may cover it.

use std::cell::RefCell;

use super::consumer::Consumer;
use crate::model::error::{STATE, UNKNOWN_PARTITION};
use crate::native::message::Message;

/// What the program was given and has not finished.
#[derive(Default)]
pub struct Acks {
    /// The user's `enable.auto.offset.store=true`.
    pub store_at_hand_over: bool,
    /// Handed out and not yet done, the last of each run of a partition: done when the next one is
    /// asked for.
    last: RefCell<Vec<Message>>,
}

impl Acks {
    pub fn new(store_at_hand_over: bool) -> Acks {
        Acks { store_at_hand_over, last: RefCell::default() }
    }

    pub fn forget(&self) {
        self.last.borrow_mut().clear();
    }

    pub fn into_held(self) -> Vec<Message> {
        self.last.into_inner()
    }
}

impl Consumer {
    /// The program has the message.
    pub(super) fn note(&self, message: Message) {
        if message.code() != 0 {
            return;
        }
        if self.acks.store_at_hand_over {
            self.store(&message);
            return;
        }
        let mut last = self.acks.last.borrow_mut();
        match last.last_mut() {
            Some(before) if before.is_beside(&message) => *before = message,
            _ => last.push(message),
        }
    }

    /// What was handed out last is done: a commit may cover it.
    pub fn finish_last(&self) {
        for message in self.acks.last.borrow_mut().drain(..) {
            self.store(&message);
        }
    }

    fn store(&self, message: &Message) {
        if let Err(error) = message.store() {
            // A partition that is no longer ours has a new owner, who starts where we committed.
            if error.code != STATE && error.code != UNKNOWN_PARTITION {
                self.shared().set_last_error(error);
            }
        }
    }

    /// What was handed out last shall be read again by whoever comes next.
    pub fn forget_last(&self) {
        self.acks.forget();
    }

    /// Counts what was handed out last as done, for an explicit `close`.
    pub fn finish(&self) {
        self.finish_last();
        self.buffer.borrow_mut().clear();
    }
}
