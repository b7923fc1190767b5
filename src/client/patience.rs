//! Questions that are asked again until their time is over.
//!
//! librdkafka's blocking calls give up early when a connection breaks, and a thread that waits for
//! ever in one of them could not be ended: so each try takes ten seconds at the most.

use std::time::{Duration, Instant};

use super::question::Waiting;
use crate::model::error::{KafkaError, ALL_BROKERS_DOWN, TIMED_OUT, TRANSPORT};
use crate::native::client::Client;

/// A try takes so long at the most (ms): enough for the slowest network.
const LONGEST: i32 = 10_000;
const PAUSE: Duration = Duration::from_millis(100);

/// How long whoever asks waits for the answer.
pub struct Patience<'a> {
    /// -1 for ever.
    pub ms: i32,
    /// What it was asked by; given up when nobody waits any more.
    pub asked: &'a dyn Waiting,
}

/// Asks until there is an answer, time is over, nobody waits any more, or the client leaves.
pub fn patiently<T>(
    client: &Client,
    patience: &Patience,
    mut ask: impl FnMut(i32) -> Result<T, KafkaError>,
) -> Result<T, KafkaError> {
    let end = u64::try_from(patience.ms).ok().map(|ms| Instant::now() + Duration::from_millis(ms));
    while patience.asked.is_wanted() {
        let left = end.map_or(LONGEST, |end| {
            let left = end.saturating_duration_since(Instant::now()).as_millis();
            i32::try_from(left).unwrap_or(LONGEST).min(LONGEST)
        });
        match ask(left) {
            Err(error) if matches!(error.code, TIMED_OUT | TRANSPORT | ALL_BROKERS_DOWN) && !client.shared().is_leaving() => {
                if end.is_some_and(|end| Instant::now() + PAUSE >= end) {
                    return Err(error);
                }
                std::thread::sleep(PAUSE);
            }
            answer => return answer,
        }
    }
    Err(KafkaError::timed_out("nobody waits for the answer"))
}
