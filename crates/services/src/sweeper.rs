//! Deletes what nobody needs any more, in small batches, so that no request waits for it.

use crate::audit::sweep_audit;
use crate::feed::RETENTION;
use crate::services::Core;
use crate::signing_keys::RETIRED_KEPT;
use crate::tokens::LEEWAY;
use chrono::TimeDelta;
use doorward_domain::place::PLACE_KEPT;
use doorward_storage::StoreError;
use std::sync::Arc;
use std::time::Duration;

/// How often there is a look.
pub const INTERVAL: Duration = Duration::from_mins(1);
/// How many rows one transaction deletes at the most.
pub const BATCH: u32 = 500;

/// The sweeper of sessions, of the change feed, of the audit log and of tasks that have ended.
#[derive(Debug)]
pub struct Sweeper {
    core: Arc<Core>,
}

/// How many rows were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Sessions that are over.
    pub sessions: usize,
    /// Changes that every node has read.
    pub changes: usize,
    /// Signing keys that were retired long ago.
    pub signing_keys: usize,
    /// Places in which their users have not logged in for a year.
    pub places: usize,
    /// Tasks that ended long ago.
    pub tasks: usize,
    /// Changes of settings that nobody asks for any more.
    pub setting_changes: usize,
    /// Events of the audit log that are older than `AUDIT_RETENTION`.
    pub events: usize,
}

impl Sweeper {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Deletes everything that is due, batch by batch.
    ///
    /// # Errors
    /// The store's; what was deleted until then stays so.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let now = self.core.clock.now();
        let (over, read) = (
            now - LEEWAY,
            now - TimeDelta::from_std(RETENTION).unwrap_or_default(),
        );
        let (forgotten, left) = (now - RETIRED_KEPT, now - PLACE_KEPT);
        let ended = now - self.core.settings.load().task_retention;
        let unasked = now - self.core.settings.load().audit_retention;
        let mut swept = Swept::default();
        loop {
            let batch = self
                .core
                .store
                .write(move |tx| {
                    Ok::<_, StoreError>(Swept {
                        sessions: tx.sweep_sessions(over, BATCH)?,
                        changes: tx.sweep_changes(read, over, BATCH)?,
                        signing_keys: tx.sweep_signing_keys(forgotten, BATCH)?,
                        places: tx.sweep_places(left, BATCH)?,
                        tasks: tx.sweep_finished_tasks(ended, BATCH)?,
                        setting_changes: tx.sweep_setting_changes(unasked, BATCH)?,
                        events: 0,
                    })
                })
                .await?;
            swept.sessions += batch.sessions;
            swept.changes += batch.changes;
            swept.signing_keys += batch.signing_keys;
            swept.places += batch.places;
            swept.tasks += batch.tasks;
            swept.setting_changes += batch.setting_changes;
            if batch == Swept::default() {
                swept.events = sweep_audit(&self.core).await?;
                return Ok(swept);
            }
        }
    }

    /// Sweeps again and again, for ever.
    pub async fn run(&self) {
        loop {
            match self.sweep().await {
                Ok(swept) => tracing::debug!(?swept, "swept"),
                Err(error) => tracing::warn!(%error, "sweeping stopped; it goes on in a minute"),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests;
