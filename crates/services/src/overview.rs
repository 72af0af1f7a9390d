//! How the service fares, in figures, for those who run it.

use crate::auth::Caller;
use crate::services::Core;
use crate::users::{AdministerError, require_admin};
use chrono::{DateTime, Utc};
use doorward_storage::UserCounts;
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

#[derive(Debug, Clone)]
struct Counted {
    at: DateTime<Utc>,
    uptime: Duration,
    users: UserCounts,
    live_sessions: u64,
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
        let counted = match self.remembered() {
            Some(counted) => counted,
            None => self.count().await?,
        };
        Ok(Overview {
            counted_at: counted.at,
            users: counted.users,
            live_sessions: counted.live_sessions,
            hashing: self.core.passwords.pending(),
        })
    }

    fn remembered(&self) -> Option<Counted> {
        let uptime = self.core.clock.uptime();
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted
            .clone()
            .filter(|counted| uptime.saturating_sub(counted.uptime) < COUNTED_FOR)
    }

    async fn count(&self) -> Result<Counted, AdministerError> {
        let (at, uptime) = (self.core.clock.now(), self.core.clock.uptime());
        let (users, live_sessions) = self
            .core
            .store
            .read(move |tx| {
                Ok::<_, AdministerError>((tx.count_users()?, tx.count_live_sessions(at)?))
            })
            .await?;
        let counted = Counted {
            at,
            uptime,
            users,
            live_sessions,
        };
        let mut last = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(counted.clone());
        Ok(counted)
    }
}
