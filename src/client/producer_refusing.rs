//! Why a producer does not take a message.

use std::ffi::CStr;

use super::producer::{Outgoing, Producer};
use crate::model::error::{KafkaError, FATAL, MSG_SIZE_TOO_LARGE, QUEUE_FULL, STATE};
use crate::native::error::{describe, from_code};
use crate::native::headers::{Headers, OVERHEAD};

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

    /// What is said of a message that was refused.
    #[cold]
    pub(super) fn explain_refusal(&self, code: i32, refused: &Outgoing) -> KafkaError {
        let client = self.handle().client();
        let message = match code {
            QUEUE_FULL => {
                "the local queue is full (queue.buffering.max.messages, queue.buffering.max.kbytes); call poll() to serve reports, then try again".into()
            }
            MSG_SIZE_TOO_LARGE => self.explain_size(refused),
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

    fn explain_size(&self, refused: &Outgoing) -> String {
        let (value, key) = (refused.value.len(), refused.key.map_or(0, <[u8]>::len));
        if self.never_fits(value) {
            let most = self.limit(QUEUE_KBYTES);
            return format!(
                "the value of {value} bytes exceeds queue.buffering.max.kbytes={most}: make it smaller, or raise that"
            );
        }
        let headers = refused.extras.headers.as_ref().map_or(0, Headers::wire_size);
        let most = self.limit(MESSAGE_BYTES);
        format!(
            "value {value}, key {key}, headers {headers} and {OVERHEAD} bytes around them exceed message.max.bytes={most}: make the \
             message smaller, or raise it here and the topic's max.message.bytes"
        )
    }
}
