//! A store that does not answer.

use doorward_storage::StoreError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// However many attempts see it, an outage is one line in the log, and its end another.
#[derive(Debug, Default)]
pub(crate) struct Outage(AtomicBool);

impl Outage {
    pub(crate) fn is_seen(&self, error: &StoreError) {
        if !self.0.swap(true, Ordering::AcqRel) {
            tracing::warn!(%error, "tasks cannot be read or written; it is tried again and again");
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn is_over(&self) {
        if self.is_on() && self.0.swap(false, Ordering::AcqRel) {
            tracing::info!("tasks can be read and written again");
        }
    }
}

/// Pauses that grow, from a quarter of a second to eight.
#[derive(Debug)]
pub(crate) struct Pauses(Duration);

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pauses {
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_eight_seconds() {
        let mut pauses = Pauses::default();
        let millis: Vec<_> = (0..7).map(|_| pauses.next().as_millis()).collect();
        assert_eq!(millis, [250, 500, 1000, 2000, 4000, 8000, 8000]);
    }
}
