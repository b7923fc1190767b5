//! How far a program has got: the highest sequence id up to which all is delivered, in whatever
//! order the reports come.

use std::collections::BTreeMap;

/// Ids that are under way or failed, and of the delivered ones those that follow such an id: the
/// last of each run, as no other can become the checkpoint.
#[derive(Default)]
pub struct Checkpoint {
    ids: BTreeMap<i64, State>,
    failed: u64,
    reached: Option<i64>,
    told: Progress,
}

#[derive(Clone, Copy, Default)]
struct State {
    under_way: u32,
    failed: bool,
}

impl State {
    fn is_delivered(self) -> bool {
        self.under_way == 0 && !self.failed
    }
}

/// What a program is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// All up to here is delivered; none is before the first one.
    pub id: Option<i64>,
    /// How many ids failed and were not delivered since: the checkpoint cannot pass them.
    pub failures: u64,
}

impl Checkpoint {
    /// A message goes out; to be called before its report can come.
    pub fn begin(&mut self, id: i64) {
        self.ids.entry(id).or_default().under_way += 1;
    }

    /// The message was not accepted after all.
    pub fn refused(&mut self, id: i64) {
        let Some(state) = self.ids.get_mut(&id) else { return };
        state.under_way = state.under_way.saturating_sub(1);
        if state.is_delivered() {
            self.ids.remove(&id);
        }
    }

    /// Its report has come. Returns what is new to tell.
    pub fn report(&mut self, id: i64, failed: bool) -> Option<Progress> {
        let state = self.ids.get_mut(&id)?;
        state.under_way = state.under_way.saturating_sub(1);
        if state.failed != failed {
            state.failed = failed;
            self.failed = if failed { self.failed + 1 } else { self.failed.saturating_sub(1) };
        }
        if state.is_delivered() {
            self.shorten_run(id);
        }
        while let Some(first) = self.ids.first_entry().filter(|first| first.get().is_delivered()) {
            self.reached = self.reached.max(Some(first.remove_entry().0));
        }
        let progress = Progress { id: self.reached, failures: self.failed };
        (std::mem::replace(&mut self.told, progress) != progress).then_some(progress)
    }

    fn shorten_run(&mut self, id: i64) {
        let delivered = |(id, state): (&i64, &State)| state.is_delivered().then_some(*id);
        if let Some(before) = self.ids.range(..id).next_back().and_then(delivered) {
            self.ids.remove(&before);
        }
        if self.ids.range(id + 1..).next().and_then(delivered).is_some() {
            self.ids.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(ids: impl IntoIterator<Item = i64>) -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        ids.into_iter().for_each(|id| checkpoint.begin(id));
        checkpoint
    }

    fn told(id: i64, failures: u64) -> Option<Progress> {
        Some(Progress { id: Some(id), failures })
    }

    #[test]
    fn reports_out_of_order_move_it_over_what_is_complete() {
        let mut checkpoint = begun([10, 20, 30, 40]);
        assert_eq!(checkpoint.report(30, false), None);
        assert_eq!(checkpoint.report(10, false), told(10, 0));
        assert_eq!(checkpoint.report(20, false), told(30, 0));
        assert_eq!(checkpoint.report(40, false), told(40, 0));
        assert!(checkpoint.ids.is_empty());
    }

    #[test]
    fn a_failure_holds_it_until_the_id_is_delivered() {
        let mut checkpoint = begun(1..=3);
        assert_eq!(checkpoint.report(1, false), told(1, 0));
        assert_eq!(checkpoint.report(2, true), told(1, 1));
        assert_eq!(checkpoint.report(3, false), None);
        checkpoint.begin(2);
        assert_eq!(checkpoint.report(2, false), told(3, 0));
    }

    #[test]
    fn what_was_refused_never_was() {
        let mut checkpoint = begun([1, 2]);
        checkpoint.refused(1);
        assert_eq!(checkpoint.report(2, false), told(2, 0));
    }

    #[test]
    fn many_delivered_ids_behind_a_failure_take_no_room() {
        let mut checkpoint = begun(0..=1_000);
        checkpoint.report(0, true);
        for id in (1..=1_000).rev() {
            checkpoint.report(id, false);
        }
        assert_eq!(checkpoint.ids.len(), 2);
    }
}
