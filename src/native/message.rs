//! A consumed message. It pins part of a fetch buffer and must go before its client does.

use std::ffi::CStr;

use rdkafka::bindings as rd;

use super::error::{code_at, take, text};
use crate::model::error::KafkaError;

pub struct Message(*mut rd::rd_kafka_message_t);

// SAFETY: a message is counted memory without ties to a thread; one owner uses it.
unsafe impl Send for Message {}

impl Message {
    /// # Safety
    /// `message` is a message the caller gives away.
    pub unsafe fn own(message: *mut rd::rd_kafka_message_t) -> Message {
        Message(message)
    }

    fn get(&self) -> &rd::rd_kafka_message_t {
        // SAFETY: live until dropped.
        unsafe { &*self.0 }
    }

    pub fn code(&self) -> i32 {
        // SAFETY: the field is readable.
        unsafe { code_at(&raw const (*self.0).err) }
    }

    pub fn error_text(&self) -> String {
        // SAFETY: the text lives as long as the message.
        unsafe { text(rd::rd_kafka_message_errstr(self.0)) }
    }

    pub fn topic(&self) -> Option<&[u8]> {
        let topic = self.get().rkt;
        if topic.is_null() {
            return None;
        }
        // SAFETY: the message holds the handle, whose name is terminated.
        Some(unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(topic)) }.to_bytes())
    }

    pub fn partition(&self) -> i32 {
        self.get().partition
    }

    pub fn offset(&self) -> i64 {
        self.get().offset
    }

    pub fn payload(&self) -> Option<&[u8]> {
        let message = self.get();
        if message.payload.is_null() {
            return None;
        }
        // SAFETY: `len` bytes live as long as the message.
        Some(unsafe { std::slice::from_raw_parts(message.payload.cast(), message.len) })
    }

    pub fn key(&self) -> Option<&[u8]> {
        let message = self.get();
        if message.key.is_null() {
            return None;
        }
        // SAFETY: `key_len` bytes live as long as the message.
        Some(unsafe { std::slice::from_raw_parts(message.key.cast(), message.key_len) })
    }

    /// Marks this message as done: the offset after it is what a commit will commit.
    pub fn store(&self) -> Result<(), KafkaError> {
        // SAFETY: the message is live; the error object is taken over.
        unsafe { take(rd::rd_kafka_offset_store_message(self.0)) }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { rd::rd_kafka_message_destroy(self.0) };
    }
}
