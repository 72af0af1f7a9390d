//! The contract of the storage ports on SQLite and PostgreSQL, and what these two promise beyond it.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers, too"
)]
mod limits;
mod migrations;
mod opening;
mod postgres;
mod rows;
mod sqlite;
mod sqlite_files;
mod tls;

use doorward_storage::Store;
use doorward_storage_diesel::testing::TestDatabase;
use doorward_storage_diesel::{OnPending, StoreConfig};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// Few threads, as the contract wants it, but enough for races; and time for the first connections through a pooler.
fn config() -> StoreConfig {
    let four = NonZeroUsize::new(4).unwrap();
    StoreConfig {
        on_pending: OnPending::Migrate,
        postgres_writers: four,
        postgres_readers: four,
        sqlite_readers: four,
        begin_within: Duration::from_secs(2),
        ..StoreConfig::default()
    }
}

fn opened(database: TestDatabase) -> (TestDatabase, Arc<dyn Store>) {
    let store = Arc::new(database.open_with(&config()));
    (database, store)
}

/// One of each kind, for what holds on both.
fn databases() -> [TestDatabase; 2] {
    [TestDatabase::sqlite(), TestDatabase::postgres()]
}
