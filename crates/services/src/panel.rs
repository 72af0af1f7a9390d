//! Sessions of the admin panel.
//!
//! Such a session is a row like any other, begun by the same login: whatever ends sessions ends it, at once, and its
//! holder finds it in his list. No token is made for it. What its holder has is a cookie that is signed and kept nowhere:
//! whose it is, which session, when it ends and when it was last seen. So a request costs no query, and one that has been
//! idle too long is known by its cookie alone.

mod pass;

use crate::auth::{AuthService, Caller, Credential, Login, LoginError, Purpose};
use crate::error::Internal;
use crate::services::Core;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::session::EndReason;
use doorward_domain::{Origin, Role, SecurityEvent};
use pass::Pass;
pub use pass::{FormToken, Visit};
use std::sync::Arc;

/// How long a session of the panel lasts at the most (OWASP: as a working day).
pub const PANEL_SESSION_LIFETIME: TimeDelta = TimeDelta::hours(8);
/// For how long nothing may be asked before the session is over.
pub const PANEL_IDLE: TimeDelta = TimeDelta::minutes(15);
/// A cookie that was seen less than this before need not be made anew.
const RENEWED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Somebody who may use the panel.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Who it is.
    pub caller: Caller,
    /// What his forms are bound to.
    pub visit: Visit,
    /// The cookie that is to be set; none where the present one will do.
    pub cookie: Option<String>,
}

impl Operator {
    /// The same, with a request from there.
    #[must_use]
    pub fn at(self, origin: Origin) -> Self {
        Self {
            caller: self.caller.at(origin),
            ..self
        }
    }
}

/// Why nobody enters the panel.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The login does not succeed.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The password is right, and the person's role is too low.
    #[error("only admins and owners may use the panel")]
    NotAllowed,
}

/// Who uses the admin panel.
#[derive(Debug)]
pub struct PanelService {
    core: Arc<Core>,
    auth: AuthService,
}

impl PanelService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            auth: AuthService::new(Arc::clone(&core)),
            core,
        }
    }

    /// Begins a session, for admins and owners. Everybody else learns of it what a login tells.
    ///
    /// # Errors
    /// [`EnterError::NotAllowed`] for a plain user, who gets no session.
    pub async fn log_in(&self, login: Login) -> Result<Operator, EnterError> {
        let origin = login.origin.clone();
        let begun = self.auth.begin(login, Purpose::Panel).await?;
        let (user, session) = begun.ok_or(EnterError::NotAllowed)?;
        let pass = Pass {
            user: user.id,
            session: session.id,
            ends_at: session.expires_at,
            seen_at: session.created_at,
        };
        Ok(Operator {
            caller: Caller {
                principal: Arc::new(user.into()),
                credential: Credential::Session(session.id),
                origin,
            },
            visit: Visit::of_session(session.id),
            cookie: Some(pass.sealed(&self.core.keys)),
        })
    }

    /// Who holds this cookie, with a request from nowhere; none when nobody does any more who may use the panel.
    ///
    /// # Errors
    /// When neither memory can be trusted nor the database answers.
    pub async fn operator(&self, cookie: &str) -> Result<Option<Operator>, Internal> {
        self.core.feed.check_fresh()?;
        let now = self.core.clock.now();
        let Some(pass) = Pass::open(&self.core.keys, cookie).filter(|pass| pass.is_good(now))
        else {
            return Ok(None);
        };
        if self.core.memory.revoked.contains(pass.session) || self.has_ended_elsewhere(&pass).await
        {
            return Ok(None);
        }
        let principal = self.core.principal(pass.user).await?;
        let may_enter = |role: Role, is_active: bool| is_active && role >= Role::Admin;
        Ok(principal
            .filter(|person| may_enter(person.role, person.is_active))
            .map(|principal| Operator {
                caller: Caller {
                    principal,
                    credential: Credential::Session(pass.session),
                    origin: Origin::default(),
                },
                visit: Visit::of_session(pass.session),
                cookie: self.renewed(pass, now),
            }))
    }

    /// Ends the session.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_out(&self, operator: &Operator) -> Result<(), Internal> {
        let now = self.core.clock.now();
        let Some(session) = operator.caller.session() else {
            return Ok(());
        };
        let event = SecurityEvent::LoggedOut { session };
        let event = operator.caller.event(now, &event);
        self.core
            .store
            .write(move |tx| {
                if tx.end_session(session, EndReason::Logout, now)? {
                    tx.append_event(&event)?;
                }
                Ok(())
            })
            .await
    }

    /// The token for the forms of a visit.
    pub fn form_token(&self, visit: Visit) -> FormToken {
        FormToken::make(&self.core.keys.present, visit)
    }

    /// Whether a token was made for the forms of this visit.
    pub fn is_form_token(&self, visit: Visit, token: &str) -> bool {
        self.core
            .keys
            .iter()
            .any(|keys| FormToken::make(keys, visit).is(token))
    }

    async fn has_ended_elsewhere(&self, pass: &Pass) -> bool {
        match self.core.shared_in_doubt() {
            Some(shared) => shared.has_ended(pass.session).await,
            None => false,
        }
    }

    fn renewed(&self, pass: Pass, now: DateTime<Utc>) -> Option<String> {
        let is_old = now - pass.seen_at >= RENEWED_AFTER;
        is_old.then(|| {
            Pass {
                seen_at: now,
                ..pass
            }
            .sealed(&self.core.keys)
        })
    }
}

#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
