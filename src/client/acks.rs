//! At least once: when a message counts as done, so that a commit may cover it.

use super::consumer::Consumer;
use crate::model::error::{STATE, UNKNOWN_PARTITION};
use crate::native::message::Message;

impl Consumer {
    /// The last message is done: a commit may cover it.
    pub(super) fn finish_last(&self) {
        if let Some(message) = self.last.borrow_mut().take() {
            if !self.store_at_hand_over {
                self.store(&message);
            }
        }
    }

    pub(super) fn store(&self, message: &Message) {
        if let Err(error) = message.store() {
            // A partition that is no longer ours has a new owner, who starts where we committed.
            if error.code != STATE && error.code != UNKNOWN_PARTITION {
                self.shared().set_last_error(error);
            }
        }
    }

    /// The last message shall be read again by whoever comes next.
    pub fn forget_last(&self) {
        *self.last.borrow_mut() = None;
    }

    /// Counts the last message as done, for an explicit `close`.
    pub fn finish(&self) {
        self.finish_last();
        self.buffer.borrow_mut().clear();
    }
}
