//! The audit log: who may read it, and how it is sealed, verified and swept.
//!
//! Use cases append their events in the transaction of the change. A [`Sealer`] chains them afterwards, so that writers
//! never wait for each other; `Verifier` finds what was changed, moved or taken out since.

mod keys;
mod sealer;
mod sweep;
mod throttled;
pub mod verify;

pub(crate) use keys::AuditKeys;
pub use sealer::{Sealed, Sealer};
pub(crate) use sweep::sweep_audit;
pub use throttled::ThrottledLogin;
pub(crate) use throttled::Told;

use crate::auth::Caller;
use crate::error::Internal;
use crate::services::Core;
use crate::users::{AdministerError, require_admin};
use chrono::{DateTime, Utc};
use doorward_domain::{AuditEvent, AuditEventId};
pub use doorward_storage::{AuditQuery, HourlyCount};
use std::sync::Arc;

/// The audit log, for admins.
#[derive(Debug)]
pub struct AuditService {
    core: Arc<Core>,
}

/// A page of the log, the newest first.
#[derive(Debug)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// Where the next page begins, if there is one.
    pub next: Option<AuditEventId>,
}

impl AuditService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// A page of the events that are asked for. Whoever exports them goes from page to page.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub async fn list(
        &self,
        caller: &Caller,
        query: AuditQuery,
    ) -> Result<AuditPage, AdministerError> {
        require_admin(caller)?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let one_more = AuditQuery {
            limit: query.limit.saturating_add(1),
            ..query
        };
        let read = self.core.store.read(move |tx| tx.list_events(&one_more));
        let mut events = read.await?;
        let has_more = events.len() > limit;
        events.truncate(limit);
        let next = events.last().map(|event| event.id).filter(|_| has_more);
        Ok(AuditPage { events, next })
    }

    /// How often what happened, hour by hour since then, as far as it is sealed: some seconds ago.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub async fn activity(
        &self,
        caller: &Caller,
        since: DateTime<Utc>,
    ) -> Result<Vec<HourlyCount>, AdministerError> {
        require_admin(caller)?;
        let read = self.core.store.read(move |tx| tx.activity(since));
        Ok(read.await.map_err(Internal::from)?)
    }
}

#[cfg(test)]
mod tests;
