//! The sessions that have ended while an access token of theirs may still be alive: one by one, and all at once after a
//! restore of the database.

use crate::tokens::LEEWAY;
use chrono::{DateTime, Utc};
use doorward_domain::{SessionCutoff, SessionId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Asked at every request, and empty most of the time: an entry lives no longer than the last access token of its
/// session. The cutoff stays.
#[derive(Debug, Default)]
pub(crate) struct RevokedSessions {
    until: RwLock<HashMap<SessionId, DateTime<Utc>>>,
    /// Milliseconds since 1970; 0, which ends no session, where there is none.
    cutoff: AtomicI64,
}

impl RevokedSessions {
    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.is_cut_off(session) || self.read().contains_key(&session)
    }

    /// Whether the session began before the database was restored.
    pub(crate) fn is_cut_off(&self, session: SessionId) -> bool {
        match self.cutoff.load(Ordering::Acquire) {
            0 => false,
            millis => SessionCutoff::from_millis(millis).ends(session),
        }
    }

    /// Whether something that belongs to no session was issued before the database was restored.
    pub(crate) fn is_before_cutoff(&self, issued_at: DateTime<Utc>) -> bool {
        issued_at.timestamp_millis() < self.cutoff.load(Ordering::Acquire)
    }

    /// From now on these are over. A cutoff never goes back, also where the database does.
    pub(crate) fn cut_off(&self, cutoff: SessionCutoff) {
        self.cutoff.fetch_max(cutoff.millis(), Ordering::AcqRel);
    }

    /// Where it is told twice, the later time counts: an announcement, which anybody may have made, takes nothing back
    /// of what the feed has said.
    pub(crate) fn insert(&self, session: SessionId, until: DateTime<Utc>) {
        let mut sessions = self.write();
        let known = sessions.entry(session).or_insert(until);
        *known = until.max(*known);
    }

    /// Forgets those whose tokens have all expired.
    pub(crate) fn sweep(&self, now: DateTime<Utc>) {
        let is_needed = |until: &DateTime<Utc>| now <= *until + LEEWAY;
        if self.read().values().all(is_needed) {
            return;
        }
        self.write().retain(|_, until| is_needed(until));
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<SessionId, DateTime<Utc>>> {
        self.until.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<SessionId, DateTime<Utc>>> {
        self.until.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn an_ended_session_is_remembered_as_long_as_a_token_of_it_is_accepted() {
        let (set, now) = (RevokedSessions::default(), DateTime::UNIX_EPOCH);
        let session = SessionId::new(now);
        set.insert(session, now + TimeDelta::seconds(300));
        set.sweep(now + TimeDelta::seconds(305));
        assert!(set.contains(session));
        set.sweep(now + TimeDelta::seconds(306));
        assert!(!set.contains(session));
    }

    #[test]
    fn the_later_of_two_times_counts() {
        let (set, now) = (RevokedSessions::default(), DateTime::UNIX_EPOCH);
        let session = SessionId::new(now);
        for seconds in [300, 0] {
            set.insert(session, now + TimeDelta::seconds(seconds));
        }
        set.sweep(now + TimeDelta::seconds(305));
        assert!(set.contains(session));
    }
}
