//! Sessions.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::session::{EndReason, RefreshDigest, Session};
use doorward_domain::{SessionCutoff, SessionId, UserId};

/// Sessions. Whatever ends one records `SessionEnded` in the same transaction, with the time at which the last of its
/// access tokens expires; the cutoff alone speaks for all.
pub trait SessionRepository {
    /// Adds a session.
    fn insert_session(&mut self, session: &Session) -> Result<(), StoreError>;

    /// The session, ended or not.
    fn session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The session one of whose two digests is among `digests`.
    fn session_by_digest(
        &mut self,
        digests: &[RefreshDigest],
    ) -> Result<Option<Session>, StoreError>;

    /// Compare and set: writes the next generation if the stored one is still the one before it and has not ended.
    /// `false` when another caller was first; then nothing is written.
    fn advance_session(&mut self, next: &Session) -> Result<bool, StoreError>;

    /// Ends the session if it has not ended. `false` when it has or never was.
    fn end_session(
        &mut self,
        id: SessionId,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Ends all of the user's sessions that have neither ended nor expired, but `except`. How many it were.
    fn end_sessions_of(
        &mut self,
        user_id: UserId,
        except: Option<SessionId>,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError>;

    /// The user's sessions that have neither ended nor expired at `now`, the oldest login first.
    fn live_sessions_of(
        &mut self,
        user_id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError>;

    /// How many sessions have neither ended nor expired at `now`.
    fn count_live_sessions(&mut self, now: DateTime<Utc>) -> Result<u64, StoreError>;

    /// From when on sessions count. None: the database was never restored.
    fn session_cutoff(&mut self) -> Result<Option<SessionCutoff>, StoreError>;

    /// Sets the cutoff and empties the change feed, whose rows may be another server's: all positions that were taken
    /// before are lost.
    fn set_session_cutoff(&mut self, cutoff: SessionCutoff) -> Result<(), StoreError>;

    /// Ends up to `limit` of the sessions that began before `cutoff` and have neither ended nor expired, as
    /// [`EndReason::Restored`], in the order of their ids and only those `after` one, without recording it. Which they
    /// were.
    fn end_sessions_before(
        &mut self,
        cutoff: SessionCutoff,
        after: Option<SessionId>,
        at: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Deletes up to `limit` sessions that expired, or ended with all their access tokens expired, before `before`. How
    /// many it were.
    fn sweep_sessions(&mut self, before: DateTime<Utc>, limit: u32) -> Result<usize, StoreError>;
}
