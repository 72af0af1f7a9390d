//! What an operator may choose about a store.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

/// How many threads and connections a store has, and how long its callers wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// What happens when the database lacks a migration. By default it is run.
    pub on_pending: OnPending,
    /// PostgreSQL: threads that write, each with a connection of its own. By default one a core, at least 2.
    pub postgres_writers: NonZeroUsize,
    /// PostgreSQL: threads that read, each with a connection of its own. By default one a core, at least 2.
    pub postgres_readers: NonZeroUsize,
    /// SQLite: threads that read, beside the one that writes. By default one a core, 2 to 4.
    pub sqlite_readers: NonZeroUsize,
    /// How many units of work may wait to read, and how many to write; one more is refused at once. By default 1024.
    pub queue_length: NonZeroUsize,
    /// A unit of work that has not begun by then is refused and never runs. By default 500 ms.
    pub begin_within: Duration,
    /// How long a caller waits in all; after that the outcome is unknown. By default 10 s.
    pub finish_within: Duration,
}

/// What happens when the database lacks a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPending {
    /// It is run.
    #[default]
    Migrate,
    /// The database is refused.
    Refuse,
}

impl Default for StoreConfig {
    fn default() -> Self {
        let two = NonZeroUsize::MIN.saturating_add(1);
        let cores = available_parallelism().unwrap_or(two).max(two);
        Self {
            on_pending: OnPending::default(),
            postgres_writers: cores,
            postgres_readers: cores,
            sqlite_readers: cores.min(two.saturating_add(2)),
            queue_length: two.saturating_add(1022),
            begin_within: Duration::from_millis(500),
            finish_within: Duration::from_secs(10),
        }
    }
}
