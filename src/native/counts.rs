//! How many messages went in and how many came back. Reports may be counted by two threads at
//! once (a flush on the worker while the program polls); the rest belongs to the Lua thread.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

#[derive(Default)]
#[repr(align(64))]
pub struct Counts {
    accepted: AtomicU64,
    reported: AtomicU64,
    /// Of all reports: those that failed.
    failed: AtomicU64,
    /// One more than the last sequence id reported since `poll` last told; 0 for none.
    last_sequence: AtomicI64,
    /// Of those: without a callback that hears of it.
    unheard: AtomicU64,
    /// Failures that a handle knows of which nobody has asked yet, and how often they were told otherwise.
    unasked: AtomicU64,
    told_unasked: AtomicU64,
    /// What `poll` has told of `reported`, `failed` and `unheard`.
    told: AtomicU64,
    told_failed: AtomicU64,
    told_unheard: AtomicU64,
    /// One more than `accepted` was when the open transaction began; 0 for none.
    transaction_from: AtomicU64,
    /// The open transaction is being committed or aborted.
    pub ending: AtomicBool,
    /// Every so many-th good report is told; the rest is counted.
    pub every: AtomicU64,
    good: AtomicU64,
}

/// What `poll` returns and then forgets.
#[derive(Default)]
pub struct Served {
    pub last_sequence: Option<i64>,
    pub failures: u64,
    pub reports: u64,
}

impl Counts {
    /// Counts a message in. The Lua thread's alone, so no locked addition is needed.
    pub fn accept(&self) {
        self.accepted.store(self.accepted.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    /// Counts a report; `sequence` is -1 for a message without, `heard` says that a callback gets it.
    pub fn report(&self, sequence: i64, failed: bool, heard: bool) {
        if failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
            if !heard {
                self.unheard.fetch_add(1, Ordering::Relaxed);
            }
        }
        if sequence >= 0 {
            self.last_sequence.store(sequence + 1, Ordering::Relaxed);
        }
        self.reported.fetch_add(1, Ordering::Release);
    }

    /// A failure that was expected to be heard by a callback had none.
    pub fn not_heard(&self) {
        self.unheard.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a listener that wants a sample hears of this one.
    pub fn is_sampled(&self) -> bool {
        let every = self.every.load(Ordering::Relaxed);
        every < 2 || self.good.fetch_add(1, Ordering::Relaxed) % every == every - 1
    }

    /// Accepted messages whose report has not been seen.
    pub fn unreported(&self) -> u64 {
        let reported = self.reported.load(Ordering::Acquire);
        self.accepted.load(Ordering::Acquire).saturating_sub(reported)
    }

    /// Failures that neither a callback nor `poll` has told.
    pub fn untold_failures(&self) -> u64 {
        let unheard = self.unheard.load(Ordering::Acquire) - self.told_unheard.load(Ordering::Relaxed);
        unheard + self.unasked.load(Ordering::Relaxed)
    }

    /// A handle has failed; the number is for [`Counts::asked`].
    pub fn not_asked(&self) -> u64 {
        self.unasked.fetch_add(1, Ordering::Relaxed);
        self.told_unasked.load(Ordering::Relaxed)
    }

    /// Its failure is known to the program now.
    pub fn asked(&self, number: u64) {
        if number == self.told_unasked.load(Ordering::Relaxed) {
            self.unasked.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn tell_unasked(&self) {
        if self.unasked.swap(0, Ordering::Relaxed) > 0 {
            self.told_unasked.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn begin_transaction(&self) {
        self.transaction_from.store(self.accepted.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    pub fn end_transaction(&self) {
        self.transaction_from.store(0, Ordering::Release);
    }

    /// Messages of the open transaction, delivered or not; none if no transaction is open.
    pub fn in_transaction(&self) -> Option<u64> {
        let from = self.transaction_from.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.accepted.load(Ordering::Acquire) - from)
    }

    /// All failures so far were told in another way.
    pub fn tell_failures(&self) {
        self.tell_unasked();
        self.told_unheard.store(self.unheard.load(Ordering::Acquire), Ordering::Relaxed);
    }

    pub fn has_served(&self) -> bool {
        self.reported.load(Ordering::Acquire) != self.told.load(Ordering::Relaxed)
    }

    /// What was reported since the last time.
    pub fn take_served(&self) -> Served {
        let reported = self.reported.load(Ordering::Acquire);
        // Before the failures: one that comes in between is told by the next call.
        let unheard = self.unheard.load(Ordering::Acquire);
        let failed = self.failed.load(Ordering::Relaxed);
        let sequence = self.last_sequence.swap(0, Ordering::Relaxed);
        self.told_unheard.store(unheard, Ordering::Relaxed);
        self.tell_unasked();
        Served {
            last_sequence: (sequence > 0).then_some(sequence - 1),
            failures: failed - self.told_failed.swap(failed, Ordering::Relaxed),
            reports: reported - self.told.swap(reported, Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_report_is_told_once() {
        let counts = Counts::default();
        for _ in 0..3 {
            counts.accept();
        }
        assert!(!counts.has_served());
        counts.report(0, false, false);
        counts.report(-1, true, false);
        assert_eq!(counts.untold_failures(), 1);
        assert_eq!((counts.unreported(), counts.has_served()), (1, true));
        let served = counts.take_served();
        assert_eq!((served.last_sequence, served.failures, served.reports), (Some(0), 1, 2));
        assert!(!counts.has_served());
        assert_eq!((counts.take_served().last_sequence, counts.untold_failures()), (None, 0));
        counts.report(-1, true, true);
        assert_eq!(counts.untold_failures(), 0);
    }

    #[test]
    fn a_failed_handle_is_told_once() {
        let counts = Counts::default();
        let (first, second) = (counts.not_asked(), counts.not_asked());
        counts.asked(first);
        assert_eq!(counts.untold_failures(), 1);
        counts.take_served();
        let third = counts.not_asked();
        counts.asked(second);
        assert_eq!(counts.untold_failures(), 1);
        counts.asked(third);
        assert_eq!(counts.untold_failures(), 0);
    }

    #[test]
    fn a_transaction_counts_what_was_accepted_in_it() {
        let counts = Counts::default();
        counts.begin_transaction();
        assert_eq!(counts.in_transaction(), Some(0));
        counts.accept();
        counts.end_transaction();
        assert_eq!(counts.in_transaction(), None);
        counts.begin_transaction();
        counts.accept();
        counts.report(0, false, false);
        assert_eq!((counts.in_transaction(), counts.unreported()), (Some(1), 1));
    }
}
