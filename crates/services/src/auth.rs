//! Login, refresh, logout, and who makes a request.

mod administer;
mod caller;
mod foreign;
mod login;
mod refresh;

pub use caller::{Caller, Credential};
pub(crate) use login::Purpose;
pub use login::{Login, LoginError, SignedIn};
pub use refresh::RefreshError;

use crate::api_keys::KeyHolder;
use crate::error::{Internal, from_internal};
use crate::principals::Principal;
use crate::refresh_secret::PresentedSecret;
use crate::services::Core;
use crate::tokens::TokenPair;
use chrono::{DateTime, Utc};
use doorward_domain::session::{EndReason, Presented, Refresh, Session};
use doorward_domain::{AuditEvent, Origin, SecurityEvent, SessionId, UserId};
use doorward_storage::{StoreError, Transaction};
use std::sync::Arc;

/// Why a request has no [`Caller`].
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is forged, expired or revoked, or its account is gone or deactivated.
    #[error("the access token is not valid")]
    InvalidToken,
    /// The API key is none, or is not good any more, or its account is gone or deactivated.
    #[error("the API key is not valid")]
    InvalidKey,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Why a logout ends nothing.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// The refresh token is forged, expired or unknown.
    #[error("the refresh token is not valid")]
    InvalidToken,
    /// The two tokens belong to different sessions.
    #[error("the two tokens belong to different sessions")]
    DifferentSessions,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Why a session cannot be ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// The caller has no such live session.
    #[error("no such session")]
    NotFound,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(AuthenticateError, LogoutError, EndSessionError);

/// Sessions, from login to logout.
#[derive(Debug)]
pub struct AuthService {
    core: Arc<Core>,
}

impl AuthService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Who holds this access token, if memory is enough to tell: no query, no hop to another thread. None means that
    /// [`authenticate`](Self::authenticate) has to ask the database.
    pub fn authenticate_from_memory(
        &self,
        access_token: &str,
    ) -> Option<Result<Caller, AuthenticateError>> {
        let (user, session) = match self.read_live(access_token) {
            Ok(access) => access,
            Err(error) => return self.foreign_from_memory(access_token, error),
        };
        if self.core.shared_in_doubt().is_some() {
            return None;
        }
        let principal = self.core.remembered(user)?;
        Some(caller(principal, session))
    }

    /// Who holds this access token.
    ///
    /// # Errors
    /// [`AuthenticateError::InvalidToken`] when nobody does any more.
    pub async fn authenticate(&self, access_token: &str) -> Result<Caller, AuthenticateError> {
        let (user, session) = match self.read_live(access_token) {
            Ok(access) => access,
            Err(error) => return self.authenticate_foreign(access_token, error).await,
        };
        if let Some(shared) = self.core.shared_in_doubt()
            && shared.has_ended(session).await
        {
            return Err(AuthenticateError::InvalidToken);
        }
        let principal = self.core.principal(user).await?;
        caller(principal.ok_or(AuthenticateError::InvalidToken)?, session)
    }

    /// Who holds this API key, if memory is enough to tell, as
    /// [`authenticate_from_memory`](Self::authenticate_from_memory) does for access tokens.
    pub fn authenticate_key_from_memory(
        &self,
        key: &str,
    ) -> Option<Result<Caller, AuthenticateError>> {
        let holder = self.core.key_holder_from_memory(key)?;
        Some(holder.map_err(Into::into).and_then(key_caller))
    }

    /// Who holds this API key.
    ///
    /// # Errors
    /// [`AuthenticateError::InvalidKey`] when nobody does any more.
    pub async fn authenticate_key(
        &self,
        key: &str,
        origin: &Origin,
    ) -> Result<Caller, AuthenticateError> {
        key_caller(self.core.key_holder(key, origin).await?)
    }

    /// Whether this token, an access or a refresh token, would be accepted now. A refresh token is only looked at: it is
    /// not used up, and one that was used before ends nothing.
    ///
    /// # Errors
    /// [`AuthenticateError::InvalidToken`] when it would not.
    pub async fn verify(&self, token: &str) -> Result<(), AuthenticateError> {
        let now = self.core.clock.now();
        let Some(presented) = self.core.keys.read_refresh(token, now) else {
            return self.authenticate(token).await.map(drop);
        };
        let core = Arc::clone(&self.core);
        self.core
            .store
            .read(move |tx| {
                let session = find(tx, &core, &presented)?;
                let grace = core.settings.load().refresh_grace_period;
                let is_good = session.is_some_and(|session| {
                    let secret = core.keys.recognise(&session, &presented);
                    let decided = session.decide_refresh(secret, now, grace);
                    matches!(decided, Refresh::Advance | Refresh::Repeat)
                });
                is_good.then_some(()).ok_or(AuthenticateError::InvalidToken)
            })
            .await
    }

    /// Ends the caller's session: its refresh and its access tokens.
    ///
    /// # Errors
    /// [`LogoutError::DifferentSessions`] when the refresh token is another session's; then neither ends.
    pub async fn logout(&self, caller: &Caller, refresh_token: &str) -> Result<(), LogoutError> {
        let now = self.core.clock.now();
        let presented = self
            .core
            .keys
            .read_refresh(refresh_token, now)
            .ok_or(LogoutError::InvalidToken)?;
        let (core, own, by) = (Arc::clone(&self.core), caller.session(), caller.clone());
        self.core
            .store
            .write(move |tx| {
                let session = find(tx, &core, &presented)?.ok_or(LogoutError::InvalidToken)?;
                if own != Some(session.id) {
                    return Err(LogoutError::DifferentSessions);
                }
                if tx.end_session(session.id, EndReason::Logout, now)? {
                    let session = session.id;
                    tx.append_event(&by.event(now, &SecurityEvent::LoggedOut { session }))?;
                }
                Ok(())
            })
            .await
    }

    /// Ends the session of this refresh token, for clients that hold nothing else. An older token of the session ends
    /// it as well.
    ///
    /// # Errors
    /// [`LogoutError::InvalidToken`] when there is no such live session.
    pub async fn logout_by_refresh_token(
        &self,
        refresh_token: &str,
        origin: Origin,
    ) -> Result<(), LogoutError> {
        let now = self.core.clock.now();
        let presented = self
            .core
            .keys
            .read_refresh(refresh_token, now)
            .ok_or(LogoutError::InvalidToken)?;
        let core = Arc::clone(&self.core);
        self.core
            .store
            .write(move |tx| {
                let session = find(tx, &core, &presented)?
                    .filter(|session| session.is_live(now))
                    .ok_or(LogoutError::InvalidToken)?;
                if tx.end_session(session.id, EndReason::Logout, now)? {
                    let logged_out = SecurityEvent::LoggedOut {
                        session: session.id,
                    };
                    let user = session.user_id;
                    let event = AuditEvent::new(now, &logged_out).by(user).about(user);
                    tx.append_event(&event.coming_from(&origin))?;
                }
                Ok(())
            })
            .await
    }

    /// Ends every session of the caller. How many it were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn logout_all(&self, caller: &Caller) -> Result<usize, Internal> {
        let (user, now) = (caller.principal.id, self.core.clock.now());
        let by = caller.clone();
        self.core
            .store
            .write(move |tx| {
                let sessions = end_access(tx, user, None, EndReason::Revoked, now)?;
                tx.append_event(&by.event(now, &SecurityEvent::AllSessionsEnded { sessions }))?;
                Ok(sessions)
            })
            .await
    }

    /// The caller's live sessions, the oldest login first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, Internal> {
        let (user, now) = (caller.principal.id, self.core.clock.now());
        self.core
            .store
            .read(move |tx| Ok(tx.live_sessions_of(user, now)?))
            .await
    }

    /// Ends one of the caller's sessions, the present one too.
    ///
    /// # Errors
    /// [`EndSessionError::NotFound`] when it is another's, has ended or never was.
    pub async fn end_session(&self, caller: &Caller, id: SessionId) -> Result<(), EndSessionError> {
        let (user, now) = (caller.principal.id, self.core.clock.now());
        let event = caller.event(now, &SecurityEvent::SessionEnded { session: id });
        self.core
            .store
            .write(move |tx| {
                tx.session(id)?
                    .filter(|session| session.user_id == user && session.is_live(now))
                    .ok_or(EndSessionError::NotFound)?;
                if tx.end_session(id, EndReason::Revoked, now)? {
                    tx.append_event(&event)?;
                }
                Ok(())
            })
            .await
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> Option<&crate::shared::Shared> {
        self.core.shared.as_deref()
    }

    fn read_live(&self, access_token: &str) -> Result<(UserId, SessionId), AuthenticateError> {
        self.core.feed.check_fresh()?;
        let access = self
            .core
            .keys
            .read_access(access_token, self.core.clock.now())
            .filter(|access| !self.core.memory.revoked.contains(access.session))
            .ok_or(AuthenticateError::InvalidToken)?;
        Ok((access.user, access.session))
    }

    /// The pair for the session's present generation.
    fn issue(
        &self,
        session: &Session,
        principal: &Principal,
        now: DateTime<Utc>,
    ) -> Result<TokenPair, StoreError> {
        let lifetime = self.core.settings.load().access_token_lifetime;
        self.core
            .keys
            .issue(session, principal, now, lifetime)
            .ok_or_else(|| {
                StoreError::Backend(
                    "no tokens can be made for a session: its key is not known".into(),
                )
            })
    }
}

fn caller(principal: Arc<Principal>, session: SessionId) -> Result<Caller, AuthenticateError> {
    if principal.is_active {
        Ok(Caller {
            principal,
            credential: Credential::Session(session),
            origin: Origin::default(),
        })
    } else {
        Err(AuthenticateError::InvalidToken)
    }
}

/// Ends the user's sessions but the one that is excepted, and the tokens that Django issued to him. How many sessions it
/// were.
pub(crate) fn end_access(
    tx: &mut dyn Transaction,
    user: UserId,
    except: Option<SessionId>,
    reason: EndReason,
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    tx.refuse_foreign_tokens(user, at)?;
    tx.end_sessions_of(user, except, reason, at)
}

fn key_caller(holder: Option<KeyHolder>) -> Result<Caller, AuthenticateError> {
    let holder = holder.ok_or(AuthenticateError::InvalidKey)?;
    Ok(Caller {
        principal: holder.principal,
        credential: Credential::ApiKey {
            id: holder.id,
            scopes: holder.scopes,
        },
        origin: Origin::default(),
    })
}

/// The session that a refresh token belongs to. A UUID finds it only as one of its last two secrets.
fn find(
    tx: &mut dyn Transaction,
    core: &Core,
    presented: &PresentedSecret,
) -> Result<Option<Session>, StoreError> {
    let session = match presented {
        PresentedSecret::Token { session, .. } => tx.session(*session)?,
        PresentedSecret::Uuid(uuid) => tx
            .session_by_digest(&core.keys.digests(*uuid))?
            .filter(|session| core.keys.recognise(session, presented) != Presented::Older),
    };
    Ok(session.filter(|session| !core.memory.revoked.is_cut_off(session.id)))
}

#[cfg(test)]
mod tests;
