//! What a rebalance does to what is buffered, and the answer to it.

use super::consumer::Consumer;
use crate::model::error::{KafkaError, ASSIGN_PARTITIONS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR};
use crate::native::consumer as native;
use crate::native::process::coarse_ms;
use crate::native::shared::Rebalance;

/// How long (ms) a coordinator gets to be found.
const ASSIGN_AGAIN_AFTER: u64 = 200;

impl Consumer {
    /// librdkafka asks for committed offsets once; a group whose coordinator is new or has moved
    /// then never delivers. Such an error is an event that mends itself.
    pub(super) fn is_lost_coordinator(error: &KafkaError) -> bool {
        matches!(error.code, COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR)
            && error.message.starts_with("Failed to fetch committed offset")
    }

    pub(super) fn assign_again_later(&self) {
        self.assign_again_at.set(coarse_ms() + ASSIGN_AGAIN_AFTER);
    }

    pub(super) fn assign_again_if_due(&self, now: u64) {
        let due = self.assign_again_at.get();
        if due == 0 || now < due {
            return;
        }
        self.assign_again_at.set(0);
        if let Err(error) = native::assign_again(self.handle.client()) {
            self.shared().set_last_error(error.clone());
            self.shared().raise_once(error);
        }
    }

    pub(super) fn rebalance(&self, rebalance: &Rebalance) {
        if rebalance.code != ASSIGN_PARTITIONS {
            if native::is_cooperative(self.handle.client()) {
                self.discard(&rebalance.partitions.entries());
            } else {
                self.discard_all();
            }
        }
        if let Err(error) = native::answer(self.handle.client(), rebalance.code, &rebalance.partitions) {
            self.shared().set_last_error(error.clone());
            self.shared().raise_once(error);
        }
    }
}
