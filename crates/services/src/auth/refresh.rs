//! The rotation of refresh tokens.

use super::{AuthService, find};
use crate::error::{Internal, from_internal};
use crate::refresh_secret::{PresentedSecret, RefreshSecret};
use crate::services::Core;
use crate::tokens::TokenPair;
use chrono::{DateTime, Utc};
use doorward_domain::session::{EndReason, Refresh, Session};
use doorward_domain::{AuditEvent, Origin, SecurityEvent, SessionId, UserId};
use doorward_storage::{StoreError, Transaction};
use std::sync::Arc;

/// Why a refresh gives no new pair.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is forged, expired, unknown, or its session has ended.
    #[error("the refresh token is not valid")]
    InvalidToken,
    /// The token had been used up: it was stolen, and the session has ended.
    #[error("the refresh token was used before; its session has ended")]
    Replayed,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(RefreshError);

enum Rotation {
    Issued(Box<Session>),
    Refused,
    Replayed { session: SessionId, user: UserId },
}

impl AuthService {
    /// Uses the token up and gives the next pair. Requests with the same token, parallel or repeated within the grace
    /// period, get the same successor; after that the session ends.
    ///
    /// # Errors
    /// [`RefreshError::InvalidToken`], which for a forged or expired token costs no query. Those that fail are counted
    /// for each address.
    pub async fn refresh(
        &self,
        refresh_token: &str,
        origin: Origin,
    ) -> Result<TokenPair, RefreshError> {
        let limit = self.core.settings.load().login_rate_limit;
        match self.try_refresh(refresh_token, &origin).await {
            Err(error @ (RefreshError::InvalidToken | RefreshError::Replayed)) => {
                self.core.throttle.failed_refresh(limit, &origin).await?;
                Err(error)
            }
            tried => tried,
        }
    }

    async fn try_refresh(
        &self,
        refresh_token: &str,
        origin: &Origin,
    ) -> Result<TokenPair, RefreshError> {
        let asked_at = self.core.clock.now();
        let presented = self
            .core
            .keys
            .read_refresh(refresh_token, asked_at)
            .ok_or(RefreshError::InvalidToken)?;
        if matches!(presented, PresentedSecret::Uuid(_)) {
            let limit = self.core.settings.load().login_rate_limit;
            self.core.throttle.may_look_for_token(limit, origin)?;
        }
        let (core, origin) = (Arc::clone(&self.core), origin.clone());
        let rotation = self
            .core
            .store
            .write(move |tx| rotate(tx, &core, &presented, asked_at, &origin))
            .await?;
        match rotation {
            Rotation::Issued(session) => self.continue_session(&session).await,
            Rotation::Refused => Err(RefreshError::InvalidToken),
            Rotation::Replayed { session, user } => {
                tracing::warn!(%session, %user, "a refresh token was used twice: its session has ended");
                Err(RefreshError::Replayed)
            }
        }
    }

    async fn continue_session(&self, session: &Session) -> Result<TokenPair, RefreshError> {
        let principal = self.core.principal(session.user_id).await?;
        let principal = principal
            .filter(|principal| principal.is_active)
            .ok_or(RefreshError::InvalidToken)?;
        Ok(self.issue(session, &principal, self.core.clock.now())?)
    }
}

/// Decides from the row, and lets the conditional update decide a race: whoever loses it looks once more.
fn rotate(
    tx: &mut dyn Transaction,
    core: &Core,
    presented: &PresentedSecret,
    asked_at: DateTime<Utc>,
    origin: &Origin,
) -> Result<Rotation, StoreError> {
    let settings = core.settings.load();
    for _look in 0..2 {
        let Some(session) = find(tx, core, presented)? else {
            break;
        };
        let secret = core.keys.recognise(&session, presented);
        match session.decide_refresh(secret, asked_at, settings.refresh_grace_period) {
            Refresh::Advance => {
                let next = next_generation(core, session);
                if tx.advance_session(&next)? {
                    return Ok(Rotation::Issued(Box::new(next)));
                }
            }
            Refresh::Repeat => return Ok(Rotation::Issued(Box::new(session))),
            Refresh::Lost | Refresh::Over => return Ok(Rotation::Refused),
            Refresh::Replayed => {
                let now = core.clock.now();
                if tx.end_session(session.id, EndReason::Replayed, now)? {
                    let reused = SecurityEvent::RefreshTokenReused {
                        session: session.id,
                    };
                    let event = AuditEvent::new(now, &reused).about(session.user_id);
                    tx.append_event(&event.coming_from(origin))?;
                }
                return Ok(Rotation::Replayed {
                    session: session.id,
                    user: session.user_id,
                });
            }
        }
    }
    Ok(Rotation::Refused)
}

fn next_generation(core: &Core, session: Session) -> Session {
    let (settings, now, keys) = (core.settings.load(), core.clock.now(), &core.keys.present);
    let secret = RefreshSecret::derive(
        keys,
        session.id,
        session.generation.saturating_add(1),
        session.salt,
    );
    // A repeat within the grace period gets an access token of the full lifetime.
    let access_expires_at = now + settings.access_token_lifetime + settings.refresh_grace_period;
    let access_expires_at = access_expires_at.min(session.expires_at);
    session.advanced(secret.digest(keys), now, access_expires_at)
}
