//! How scheduled tasks are run.

use super::reader::Reader;
use doorward_worker::webhook::AllowList;
use std::num::NonZeroUsize;

/// More would be a queue before the database, which has no more connections for them.
const MOST: usize = 1000;
const DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// The worker of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerLimits {
    /// `WORKER_CONCURRENCY`: how many tasks it runs at once.
    pub concurrency: NonZeroUsize,
    /// `WEBHOOK_ALLOW`: what webhooks may reach although it is not public.
    pub webhook_allow: AllowList,
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
        let webhook_allow = reader.parsed(
            "WEBHOOK_ALLOW",
            "host names and networks such as 10.0.0.0/8, with commas between",
            |text| text.parse().ok(),
        );
        Self {
            concurrency: concurrency.unwrap_or(DEFAULT),
            webhook_allow: webhook_allow.unwrap_or_default(),
        }
    }
}
