//! What librdkafka's callbacks leave behind for the Lua thread to serve.

use super::checkpoint::Progress;
use super::error::KafkaError;
use super::partition::TopicPartition;

#[allow(clippy::large_enum_variant)]
pub enum Event {
    Error(KafkaError),
    Log {
        level: i32,
        facility: String,
        message: String,
    },
    Stats(String),
    /// A token for SASL/OAUTHBEARER is wanted; what `sasl.oauthbearer.config` says.
    Token(String),
    Throttle {
        broker: String,
        id: i32,
        time: i32,
    },
    /// Not boxed: there is one a message.
    Delivery(Report),
    /// The same for a callback of a message's own that takes no report.
    Told {
        slot: u32,
        error: Option<KafkaError>,
    },
    /// How far delivery has got.
    Checkpoint(Progress),
    /// A rebalance waits for the program's callbacks; what it is lies with the consumer.
    Rebalance,
    /// A commit was answered, and somebody wants to hear of it.
    Commit(Box<Committed>),
}

impl Event {
    /// Whether it may be dropped when a listener never serves. A report, a rebalance and the answer
    /// to a call are owed.
    pub fn is_droppable(&self) -> bool {
        match self {
            Event::Delivery(_) | Event::Told { .. } | Event::Rebalance => false,
            Event::Commit(committed) => committed.call.is_none(),
            _ => true,
        }
    }

    /// A message that was not delivered, and its program has not heard so.
    pub fn is_failure(&self) -> bool {
        match self {
            Event::Delivery(report) => report.error.is_some(),
            Event::Told { error, .. } => error.is_some(),
            _ => false,
        }
    }
}

/// What became of a commit.
pub struct Committed {
    pub error: Option<KafkaError>,
    pub offsets: Vec<TopicPartition>,
    /// The number of the call that asked for it; none for librdkafka's own commits.
    pub call: Option<u64>,
}

/// Whether a message reached the log, as the broker or librdkafka knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    NotPersisted,
    PossiblyPersisted,
    Persisted,
}

pub type Header = (Vec<u8>, Option<Vec<u8>>);

/// The fate of one produced message. `None` and empty differ for key, value and header values.
pub struct Report {
    pub error: Option<KafkaError>,
    /// Topic, key and value one after the other: one allocation a report.
    pub bytes: Box<[u8]>,
    pub topic_len: usize,
    pub key_len: Option<usize>,
    pub has_value: bool,
    pub headers: Vec<Header>,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub timestamp_type: i32,
    pub latency_us: i64,
    pub broker: i32,
    pub status: Status,
    pub mark: Mark,
    /// For the client's own callback, not for the message's alone.
    pub listened: bool,
}

impl Report {
    pub fn topic(&self) -> &[u8] {
        self.bytes.get(..self.topic_len).unwrap_or_default()
    }

    pub fn key(&self) -> Option<&[u8]> {
        let len = self.key_len?;
        self.bytes.get(self.topic_len..self.topic_len + len)
    }

    pub fn value(&self) -> Option<&[u8]> {
        if !self.has_value {
            return None;
        }
        self.bytes.get(self.topic_len + self.key_len.unwrap_or(0)..)
    }
}

/// What travels with a message from the call that sent it to its report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    None,
    /// The `sequence_id` of the classic `send`.
    Sequence(i64),
    /// A place in the client's table of callbacks and opaques.
    Slot(u32),
    /// As `Slot`, with a callback that takes no report.
    Brief(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(key: Option<&[u8]>, value: Option<&[u8]>) -> Report {
        let bytes = [b"topic".as_slice(), key.unwrap_or_default(), value.unwrap_or_default()].concat();
        Report {
            error: None,
            bytes: bytes.into(),
            topic_len: 5,
            key_len: key.map(<[u8]>::len),
            has_value: value.is_some(),
            headers: Vec::new(),
            partition: 0,
            offset: 0,
            timestamp: 0,
            timestamp_type: 0,
            latency_us: 0,
            broker: 0,
            status: Status::Persisted,
            mark: Mark::None,
            listened: true,
        }
    }

    #[test]
    fn a_report_tells_null_from_empty() {
        let full = report(Some(b"k"), Some(b"value"));
        assert_eq!((full.topic(), full.key(), full.value()), (&b"topic"[..], Some(&b"k"[..]), Some(&b"value"[..])));
        let empty = report(Some(b""), Some(b""));
        assert_eq!((empty.key(), empty.value()), (Some(&b""[..]), Some(&b""[..])));
        let null = report(None, None);
        assert_eq!((null.key(), null.value()), (None, None));
    }
}
