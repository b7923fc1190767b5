//! A consumed message. It pins part of a fetch buffer and must go before its client does.

use std::ffi::CStr;

use rdkafka::bindings as rd;

use super::error::{code_at, take, text};
use super::headers::HeaderList;
use crate::model::error::{KafkaError, PARTITION_EOF};

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

    /// Neither a message nor the end of a partition.
    pub fn is_error(&self) -> bool {
        !matches!(self.code(), 0 | PARTITION_EOF)
    }

    /// A broker's answer in place of messages, with the offset it was asked for.
    pub fn is_refused_fetch(&self) -> bool {
        self.is_error() && self.code() > 0 && self.offset() >= 0 && self.error_text().starts_with("Fetch from broker")
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

    /// Milliseconds and whether the broker's clock gave them; nothing for logs that know no time.
    pub fn timestamp(&self) -> Option<(i64, bool)> {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is live, `kind` is written.
        let ms = unsafe { rd::rd_kafka_message_timestamp(self.0, &mut kind) };
        let appended = kind == rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME;
        (kind != rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && ms >= 0).then_some((ms, appended))
    }

    /// -1 when the log's format knows none.
    pub fn leader_epoch(&self) -> i32 {
        // SAFETY: the message is live.
        unsafe { rd::rd_kafka_message_leader_epoch(self.0) }
    }

    /// Shows the headers in order, repeats and all, without a copy.
    pub fn headers(&self) -> Option<HeaderList<'_>> {
        if self.counts_no_headers() {
            return None;
        }
        // SAFETY: the list belongs to the message, which is borrowed for as long.
        unsafe { HeaderList::of(self.0) }
    }

    /// Whether the record itself says that it has no headers; false where it cannot be asked. librdkafka
    /// makes a parser for each message to find that out, which is a fifth of all that a message costs.
    fn counts_no_headers(&self) -> bool {
        const PAGE: usize = 4096;
        let message = self.get();
        // Only records of the format that knows epochs end with their headers; an empty value is not in its record.
        if message.payload.is_null() || message.len == 0 || self.leader_epoch() < 0 {
            return false;
        }
        let count = message.payload.cast::<u8>().wrapping_add(message.len);
        // SAFETY: a value lies in librdkafka's copy of its record, where the number of headers follows it. In a broken
        // record nothing might: then the byte is still on the page where the value ends.
        count as usize % PAGE != 0 && unsafe { *count } == 0
    }

    /// Whether both are of the same partition.
    pub fn is_beside(&self, other: &Message) -> bool {
        self.is_of_topic_of(other) && self.partition() == other.partition()
    }

    /// Whether both are of the same topic, told by its handle.
    pub fn is_of_topic_of(&self, other: &Message) -> bool {
        std::ptr::eq(self.get().rkt, other.get().rkt)
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
