//! How the service fares, in figures, for those who run it.

use crate::auth::Caller;
use crate::services::Core;
use crate::users::{AdministerError, require_admin};
use chrono::{DateTime, Utc};
use doorward_domain::TaskStatus;
use doorward_storage::{StoreError, UserCounts};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Counting reads many rows, so however often it is asked for, it is done but so often.
const COUNTED_FOR: Duration = Duration::from_secs(10);

/// The figures.
#[derive(Debug, Clone)]
pub struct Overview {
    /// When the database was counted.
    pub counted_at: DateTime<Utc>,
    /// Users by whether they may log in.
    pub users: UserCounts,
    /// Sessions that have neither ended nor expired.
    pub live_sessions: u64,
    /// Passwords that wait to be hashed, or are being hashed, on this node.
    pub hashing: usize,
}

/// What the database has, counted at one moment.
#[derive(Debug, Clone)]
pub struct Totals {
    /// When.
    pub at: DateTime<Utc>,
    /// Users by whether they may log in.
    pub users: UserCounts,
    /// Sessions that have neither ended nor expired.
    pub live_sessions: u64,
    /// Scheduled tasks by their status.
    pub tasks: [(TaskStatus, usize); 5],
    /// Events of the audit log that are not chained yet.
    pub unsealed_events: usize,
}

#[derive(Debug, Clone)]
struct Counted {
    uptime: Duration,
    totals: Totals,
}

/// Counts.
#[derive(Debug)]
pub struct OverviewService {
    core: Arc<Core>,
    counted: Mutex<Option<Counted>>,
}

impl OverviewService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            counted: Mutex::new(None),
        }
    }

    /// The figures, for admins. Those of the database are up to ten seconds old.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub async fn show(&self, caller: &Caller) -> Result<Overview, AdministerError> {
        require_admin(caller)?;
        let totals = self.totals(COUNTED_FOR).await?;
        let hashing = self.core.passwords.figures();
        Ok(Overview {
            counted_at: totals.at,
            users: totals.users,
            live_sessions: totals.live_sessions,
            hashing: hashing.waiting + hashing.running,
        })
    }

    /// What the database has, for those who watch the service; counted no longer ago than `within`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn totals(&self, within: Duration) -> Result<Totals, StoreError> {
        match self.remembered(within) {
            Some(totals) => Ok(totals),
            None => self.count().await,
        }
    }

    fn remembered(&self, within: Duration) -> Option<Totals> {
        let uptime = self.core.clock.uptime();
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counted.as_ref()?;
        let is_good = uptime.saturating_sub(counted.uptime) < within;
        is_good.then(|| counted.totals.clone())
    }

    async fn count(&self) -> Result<Totals, StoreError> {
        let (at, uptime) = (self.core.clock.now(), self.core.clock.uptime());
        let totals = self
            .core
            .store
            .read(move |tx| {
                Ok::<_, StoreError>(Totals {
                    at,
                    users: tx.count_users()?,
                    live_sessions: tx.count_live_sessions(at)?,
                    tasks: tx.count_tasks_by_status()?,
                    unsealed_events: tx.count_unsealed_events()?,
                })
            })
            .await?;
        let counted = Counted {
            uptime,
            totals: totals.clone(),
        };
        let mut last = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(counted);
        Ok(totals)
    }
}
