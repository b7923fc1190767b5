//! Why a producer does not take a message.

use std::ffi::CStr;

use super::producer::Producer;
use crate::model::error::{KafkaError, FATAL, MSG_SIZE_TOO_LARGE, QUEUE_FULL, STATE};
use crate::native::error::{describe, from_code};

const QUEUE_KBYTES: &CStr = c"queue.buffering.max.kbytes";
const MESSAGE_BYTES: &CStr = c"message.max.bytes";
/// No queue is smaller.
const KBYTE: usize = 1024;

impl Producer {
    /// Whether a value is larger than all of the queue: waiting for room is of no use.
    #[cold]
    pub(super) fn never_fits(&self, value: usize) -> bool {
        value > KBYTE && self.limit(QUEUE_KBYTES).parse().is_ok_and(|most: usize| value > most.saturating_mul(KBYTE))
    }

    fn limit(&self, name: &CStr) -> String {
        self.handle().client().property(&name.to_owned()).unwrap_or_default()
    }

    /// What is said of a message with a value and a key of so many bytes.
    #[cold]
    pub(super) fn explain_refusal(&self, code: i32, value: usize, key: usize) -> KafkaError {
        let client = self.handle().client();
        let message = match code {
            QUEUE_FULL => {
                "the local queue is full (queue.buffering.max.messages, queue.buffering.max.kbytes); call poll() to serve reports, then try again".into()
            }
            MSG_SIZE_TOO_LARGE => {
                let name = if self.never_fits(value) { QUEUE_KBYTES } else { MESSAGE_BYTES };
                format!("the message of {} bytes exceeds {}={}", value + key, name.to_string_lossy(), self.limit(name))
            }
            _ => describe(code),
        };
        if let Some(error) = (code == STATE).then(|| self.transactions().explain_refusal(client)).flatten() {
            return error;
        }
        match client.fatal_error() {
            Some(fatal) if code == FATAL => fatal,
            _ => from_code(code, Some(message)),
        }
    }
}
