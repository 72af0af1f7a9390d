//! What admins do with the sessions of others.

use super::{AuthService, Caller, end_access};
use crate::users::{AdministerError, require_admin};
use doorward_domain::session::{EndReason, Session};
use doorward_domain::{SecurityEvent, SessionId, UserId};
use doorward_storage::Transaction;

impl AuthService {
    /// The live sessions of any user, the oldest login first, for admins.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user, [`AdministerError::NotFound`] when there is no such user.
    pub async fn sessions_of(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<Vec<Session>, AdministerError> {
        require_admin(caller)?;
        let now = self.core.clock.now();
        self.core
            .store
            .read(move |tx| {
                tx.user(user)?.ok_or(AdministerError::NotFound)?;
                Ok(tx.live_sessions_of(user, now)?)
            })
            .await
    }

    /// Ends a session of a user whom the caller may manage.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user, and for an admin who touches an admin's or an owner's;
    /// [`AdministerError::NotFound`] when the user has no such live session.
    pub async fn end_session_of(
        &self,
        caller: &Caller,
        user: UserId,
        id: SessionId,
    ) -> Result<(), AdministerError> {
        require_admin(caller)?;
        let (caller, now) = (caller.clone(), self.core.clock.now());
        self.core
            .store
            .write(move |tx| {
                check_manages(tx, &caller, user)?;
                tx.session(id)?
                    .filter(|session| session.user_id == user && session.is_live(now))
                    .ok_or(AdministerError::NotFound)?;
                tx.end_session(id, EndReason::Revoked, now)?;
                let event = SecurityEvent::SessionEnded { session: id };
                Ok(tx.append_event(&caller.event(now, &event).about(user))?)
            })
            .await
    }

    /// Ends every session of a user whom the caller may manage. How many it were.
    ///
    /// # Errors
    /// As [`end_session_of`](Self::end_session_of).
    pub async fn end_sessions_of(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<usize, AdministerError> {
        require_admin(caller)?;
        let (caller, now) = (caller.clone(), self.core.clock.now());
        self.core
            .store
            .write(move |tx| {
                check_manages(tx, &caller, user)?;
                let sessions = end_access(tx, user, None, EndReason::Revoked, now)?;
                let event = SecurityEvent::AllSessionsEnded { sessions };
                tx.append_event(&caller.event(now, &event).about(user))?;
                Ok(sessions)
            })
            .await
    }
}

/// Whether the caller may manage the user, whom nobody else changes until the transaction ends.
fn check_manages(
    tx: &mut dyn Transaction,
    caller: &Caller,
    user: UserId,
) -> Result<(), AdministerError> {
    let owner = tx.lock_user(user)?.ok_or(AdministerError::NotFound)?;
    if caller.principal.role.may_manage(owner.role) {
        Ok(())
    } else {
        Err(AdministerError::NotAllowed)
    }
}
