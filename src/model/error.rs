//! What Kafka, the network or this module reports as an error value.

use std::borrow::Cow;

/// Code of a client used in a child process that did not make it.
pub const FORKED: i32 = -1001;
pub const TIMED_OUT: i32 = -185;
pub const QUEUE_FULL: i32 = -184;
pub const UNKNOWN_PARTITION: i32 = -190;
pub const UNKNOWN_TOPIC: i32 = -188;
pub const UNKNOWN_TOPIC_OR_PART: i32 = 3;
pub const PARTITION_EOF: i32 = -191;
pub const TRANSPORT: i32 = -195;
pub const RESOLVE: i32 = -193;
pub const WAIT_COORDINATOR: i32 = -180;
pub const SSL: i32 = -181;
pub const COORDINATOR_NOT_AVAILABLE: i32 = 15;
pub const NOT_COORDINATOR: i32 = 16;
pub const NO_OFFSET: i32 = -168;
pub const ILLEGAL_GENERATION: i32 = 22;
pub const UNKNOWN_MEMBER_ID: i32 = 25;
pub const REBALANCE_IN_PROGRESS: i32 = 27;
pub const FENCED_INSTANCE_ID: i32 = 82;
pub const ALL_BROKERS_DOWN: i32 = -187;
pub const TIMED_OUT_QUEUE: i32 = -166;
pub const CONFLICT: i32 = -173;
pub const NOT_CONFIGURED: i32 = -145;
pub const FATAL: i32 = -150;
pub const INVALID_ARG: i32 = -186;
pub const STATE: i32 = -172;
pub const ASSIGN_PARTITIONS: i32 = -175;
pub const MSG_SIZE_TOO_LARGE: i32 = 10;

/// One error, as Lua sees it in `kafka.Error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaError {
    pub code: i32,
    /// Kafka's name without the C prefix: `_QUEUE_FULL`, `NOT_LEADER_FOR_PARTITION`.
    pub name: Cow<'static, str>,
    pub message: String,
    pub fatal: bool,
    pub retriable: bool,
    pub txn_requires_abort: bool,
}

impl KafkaError {
    pub fn new(code: i32, name: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        KafkaError { code, name: name.into(), message: message.into(), fatal: false, retriable: false, txn_requires_abort: false }
    }

    pub fn forked() -> Self {
        Self::new(
            FORKED,
            "_FORKED",
            "this client was made before fork() and belongs to the parent process; make a new one in the child",
        )
    }

    pub fn timed_out(message: impl Into<String>) -> Self {
        let mut error = Self::new(TIMED_OUT, "_TIMED_OUT", message);
        error.retriable = true;
        error
    }
}

/// The errno `send` returns for a librdkafka code, in Linux's numbers on every system.
pub fn classic_errno(code: i32) -> i32 {
    const ENOENT: i32 = 2;
    const ESRCH: i32 = 3;
    const ENOEXEC: i32 = 8;
    const EINVAL: i32 = 22;
    const EMSGSIZE: i32 = 90;
    const ENOBUFS: i32 = 105;
    const ECANCELED: i32 = 125;
    match code {
        0 => 0,
        QUEUE_FULL => ENOBUFS,
        MSG_SIZE_TOO_LARGE => EMSGSIZE,
        UNKNOWN_PARTITION => ESRCH,
        UNKNOWN_TOPIC => ENOENT,
        FATAL => ECANCELED,
        STATE => ENOEXEC,
        _ => EINVAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classic_errnos_are_linux_numbers() {
        let codes = [0, QUEUE_FULL, MSG_SIZE_TOO_LARGE, UNKNOWN_PARTITION, UNKNOWN_TOPIC, FATAL, STATE];
        assert_eq!(codes.map(classic_errno), [0, 105, 90, 3, 2, 125, 8]);
        assert_eq!(classic_errno(-1), 22);
    }
}
