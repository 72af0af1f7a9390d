//! What wakes the workers.

use chrono::{DateTime, Utc};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Rings when a task was made due, on this node or on another one: perhaps earlier than what a worker sleeps for. One
/// waits for it at a time.
#[derive(Debug, Default)]
pub struct TaskAlarm {
    earliest: Mutex<Option<DateTime<Utc>>>,
    rung: Notify,
}

impl TaskAlarm {
    /// A task is due at `at`.
    pub(crate) fn ring(&self, at: DateTime<Utc>) {
        let mut earliest = self.lock();
        *earliest = Some(earliest.map_or(at, |known| known.min(at)));
        drop(earliest);
        self.rung.notify_one();
    }

    /// Waits until it has rung since the last time, and gives the earliest due time that it has rung for. It is one of the
    /// past where something may have been missed: the database knows what is due.
    pub async fn rung(&self) -> DateTime<Utc> {
        loop {
            if let Some(earliest) = self.lock().take() {
                return earliest;
            }
            self.rung.notified().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<DateTime<Utc>>> {
        self.earliest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
