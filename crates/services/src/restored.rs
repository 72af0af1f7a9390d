//! What is due after a restore of the database from a backup.
//!
//! The backup does not know which sessions have ended since, and brings them back to life; nor does it know those that
//! were begun since, whose access tokens are good until they expire. So all sessions end, in the one or the other state.

use crate::clock::Clock;
use crate::sweeper::BATCH;
use crate::tokens::LEEWAY;
use doorward_domain::{AuditEvent, SecurityEvent, SessionCutoff};
use doorward_storage::{Store, StoreError};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// How many sessions of the backup were alive.
    pub sessions_ended: usize,
    /// Sessions that began before it are over.
    pub cutoff: SessionCutoff,
}

/// Ends all sessions that were begun until now, whether or not the database knows of them.
///
/// The cutoff is set first: from then on nodes refuse their tokens. The rows follow batch by batch, and whoever breaks
/// off in between may begin again.
///
/// # Errors
/// The store's; what was done until then stays so.
pub async fn end_all_sessions(
    store: &dyn Store,
    clock: &dyn Clock,
) -> Result<Restored, StoreError> {
    let now = clock.now();
    let cutoff = store
        .write(move |tx| {
            // The clocks of nodes may be ahead of this one, which set the times of what is to end.
            let cutoff = SessionCutoff::next(tx.session_cutoff()?, now, LEEWAY);
            tx.set_session_cutoff(cutoff)?;
            tx.append_event(&AuditEvent::new(now, &SecurityEvent::DatabaseRestored))?;
            Ok::<_, StoreError>(cutoff)
        })
        .await?;
    let (mut sessions_ended, mut last) = (0, None);
    loop {
        let ended = store
            .write(move |tx| tx.end_sessions_before(cutoff, last, now, BATCH))
            .await?;
        sessions_ended += ended.len();
        last = ended.last().copied();
        if last.is_none() {
            return Ok(Restored {
                sessions_ended,
                cutoff,
            });
        }
    }
}

#[cfg(test)]
mod tests;
