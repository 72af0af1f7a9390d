//! How scheduled tasks are run.

use super::reader::Reader;
use std::num::NonZeroUsize;

/// More would be a queue before the database, which has no more connections for them.
const MOST: usize = 1000;
const DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// The worker of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerLimits {
    /// `WORKER_CONCURRENCY`: how many tasks it runs at once.
    pub concurrency: NonZeroUsize,
}

impl WorkerLimits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let concurrency = reader.parsed(
            "WORKER_CONCURRENCY",
            "a whole number from 1 to 1000",
            |text| {
                text.parse()
                    .ok()
                    .filter(|count: &NonZeroUsize| count.get() <= MOST)
            },
        );
        Self {
            concurrency: concurrency.unwrap_or(DEFAULT),
        }
    }
}
