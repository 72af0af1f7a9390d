//! A password for a session.

use super::AuthService;
use crate::audit::ThrottledLogin;
use crate::error::{Internal, from_internal};
use crate::panel::PANEL_SESSION_LIFETIME;
use crate::passwords::Verification;
use crate::principals::Principal;
use crate::refresh_secret::RefreshSecret;
use crate::services::Core;
use crate::throttle::{Account, Whereabouts};
use crate::tokens::TokenPair;
use chrono::{DateTime, Utc};
use doorward_domain::audit::LoginFailure;
use doorward_domain::session::{EndReason, MAX_SESSIONS_PER_USER, Salt, Session};
use doorward_domain::{
    AuditEvent, EmailAddress, Origin, Password, PasswordHash, Role, SecurityEvent, SessionCutoff,
    SessionId, User, UserId, Username,
};
use doorward_storage::{StoreError, Transaction};
use rand::RngExt;
use secrecy::SecretString;
use std::sync::Arc;

/// Somebody's attempt to log in.
#[derive(Debug)]
pub struct Login {
    /// The username; where it is an email address, that is looked up too.
    pub username: Option<String>,
    /// The email address. Where it is given, the username is not looked at.
    pub email: Option<String>,
    /// The password.
    pub password: SecretString,
    /// Where the attempt comes from.
    pub origin: Origin,
}

/// A login that succeeded.
#[derive(Debug)]
pub struct SignedIn {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// The new session's first pair.
    pub tokens: TokenPair,
}

/// Why a login does not succeed.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown user, wrong password, inactive account: nobody learns which.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(LoginError);

impl AuthService {
    /// Checks the password and begins a session.
    ///
    /// The attempt is counted before anything is hashed. An unknown user costs what a wrong password costs. The session
    /// is begun under the user's row lock and only if the account is still active and its hash still the one that was
    /// verified.
    ///
    /// # Errors
    /// [`LoginError::InvalidCredentials`], whatever it is that does not fit.
    pub async fn login(&self, login: Login) -> Result<SignedIn, LoginError> {
        let (user, session) = self
            .begin(login, Purpose::Tokens)
            .await?
            .ok_or(LoginError::InvalidCredentials)?;
        let principal = Arc::new(Principal::from(user));
        let tokens = self.issue(&session, &principal, session.created_at)?;
        Ok(SignedIn { principal, tokens })
    }

    /// Checks the password and begins a session for this purpose; none where the person's role is too low for it.
    ///
    /// # Errors
    /// As [`login`](Self::login).
    pub(crate) async fn begin(
        &self,
        login: Login,
        purpose: Purpose,
    ) -> Result<Option<(User, Session)>, LoginError> {
        let begun = self.attempt(login, purpose).await;
        self.core.counts.login(&begun);
        begun
    }

    async fn attempt(
        &self,
        login: Login,
        purpose: Purpose,
    ) -> Result<Option<(User, Session)>, LoginError> {
        let limit = self.core.settings.load().login_rate_limit;
        let throttle = &self.core.throttle;
        throttle.password_from(limit, &login.origin).await?;
        let (username, email) = (login.username, login.email);
        let typed = email.clone().or_else(|| username.clone());
        let nobody = Account::nobody(typed.as_deref());
        let (keys, origin) = (Arc::clone(&self.core.keys), login.origin.clone());
        let (user, whereabouts) = self
            .core
            .store
            .read(move |tx| {
                let user = find_user(tx, username.as_deref(), email.as_deref())?;
                let id = user.as_ref().map(|user| user.id);
                let whereabouts = Whereabouts::find(tx, &keys, id, &origin)?;
                Ok::<_, StoreError>((user, whereabouts))
            })
            .await?;
        let account = user.as_ref().map_or(nobody, |user| Account::Of(user.id));
        let counted = throttle
            .password_of(limit, &account, &login.origin, whereabouts.is_known())
            .await;
        if let Err(throttled) = counted {
            let attempt = ThrottledLogin {
                subject: user.as_ref().map(|user| user.id),
                name: typed,
                origin: login.origin,
            };
            self.core.note_throttled_login(attempt).await?;
            return Err(throttled.into());
        }
        let password =
            Password::parse(login.password).map_err(|_unusable| LoginError::InvalidCredentials)?;
        // Who cannot log in is verified against nothing, and so costs no more than an unknown user.
        let stored = user.as_ref().filter(|user| user.is_active);
        let stored = stored.and_then(|user| user.password.clone());
        let verified = self.core.passwords.verify(password, stored.clone()).await?;
        let mut refusal = Refusal {
            reason: LoginFailure::WrongPassword,
            subject: user.as_ref().map(|user| user.id),
            origin: login.origin.clone(),
            typed,
        };
        let (user, replacement) = match (user, verified) {
            (None, _) => {
                refusal.reason = LoginFailure::UnknownAccount;
                return self.refuse(refusal).await;
            }
            (Some(user), Verification::Match { replacement }) => (user, replacement),
            (Some(user), Verification::Mismatch) => {
                if !user.is_active {
                    refusal.reason = LoginFailure::Inactive;
                }
                return self.refuse(refusal).await;
            }
        };
        let beginning = Beginning {
            user,
            verified: stored,
            replacement,
            origin: login.origin,
            whereabouts,
            purpose,
        };
        let core = Arc::clone(&self.core);
        let begun = self
            .core
            .store
            .write(move |tx| begin_session(tx, &core, beginning))
            .await;
        match begun {
            Err(LoginError::InvalidCredentials) => {
                refusal.reason = LoginFailure::Changed;
                self.refuse(refusal).await
            }
            Ok(None) => {
                refusal.reason = LoginFailure::RoleTooLow;
                self.note(refusal).await?;
                Ok(None)
            }
            begun => begun,
        }
    }

    /// Whatever the reason is, this is one write: no answer takes another time than the others because of the log.
    async fn refuse<T>(&self, refusal: Refusal) -> Result<T, LoginError> {
        self.note(refusal).await?;
        Err(LoginError::InvalidCredentials)
    }

    async fn note(&self, refusal: Refusal) -> Result<(), LoginError> {
        let is_unknown = refusal.subject.is_none();
        let typed = refusal.typed.as_deref().filter(|_| is_unknown);
        let event = SecurityEvent::LoginFailed {
            reason: refusal.reason,
            name_digest: typed.map(|name| self.core.audit_keys.name_digest(name)),
        };
        let event = AuditEvent::new(self.core.clock.now(), &event).coming_from(&refusal.origin);
        let event = AuditEvent {
            subject_id: refusal.subject,
            ..event
        };
        let written = self.core.store.write(move |tx| tx.append_event(&event));
        Ok(written.await?)
    }
}

/// An attempt that fails, for the log.
struct Refusal {
    reason: LoginFailure,
    subject: Option<UserId>,
    origin: Origin,
    /// The name, which might be anything.
    typed: Option<String>,
}

/// What a session is begun for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Tokens, for as long as the settings say.
    Tokens,
    /// The cookie of the admin panel, for those who may enter it.
    Panel,
}

struct Beginning {
    user: User,
    verified: Option<PasswordHash>,
    replacement: Option<PasswordHash>,
    origin: Origin,
    whereabouts: Whereabouts,
    purpose: Purpose,
}

fn find_user(
    tx: &mut dyn Transaction,
    username: Option<&str>,
    email: Option<&str>,
) -> Result<Option<User>, StoreError> {
    let by_email = |tx: &mut dyn Transaction, text: &str| {
        EmailAddress::parse(text).map_or(Ok(None), |email| tx.user_by_email(&email))
    };
    match (email, username) {
        (Some(email), _) => by_email(tx, email),
        (None, Some(text)) => {
            let by_name =
                Username::parse(text).map_or(Ok(None), |name| tx.user_by_username(&name))?;
            if by_name.is_some() {
                Ok(by_name)
            } else {
                by_email(tx, text)
            }
        }
        (None, None) => Ok(None),
    }
}

fn begin_session(
    tx: &mut dyn Transaction,
    core: &Core,
    beginning: Beginning,
) -> Result<Option<(User, Session)>, LoginError> {
    let now = core.clock.now();
    let mut user = tx
        .lock_user(beginning.user.id)?
        .filter(|user| user.is_active && user.password == beginning.verified)
        .ok_or(LoginError::InvalidCredentials)?;
    if matches!(beginning.purpose, Purpose::Panel) && user.role < Role::Admin {
        return Ok(None);
    }
    user.last_login = Some(now);
    if beginning.replacement.is_some() {
        user.password = beginning.replacement;
    }
    tx.update_user(&user, now)?;
    beginning.whereabouts.note(tx, user.id, now)?;
    let displaced = displace_oldest(tx, &user, now)?;
    let id = SessionCutoff::new_session_id(tx.session_cutoff()?, now);
    let session = id;
    let event = SecurityEvent::LoginSucceeded { session, displaced };
    let event = AuditEvent::new(now, &event).by(user.id).about(user.id);
    tx.append_event(&event.coming_from(&beginning.origin))?;
    let session = new_session(core, &user, id, beginning.origin, now);
    let session = match beginning.purpose {
        Purpose::Tokens => session,
        // It is revoked as access tokens are, so that one must be remembered for as long as the cookie may live.
        Purpose::Panel => Session {
            expires_at: now + PANEL_SESSION_LIFETIME,
            access_expires_at: now + PANEL_SESSION_LIFETIME,
            ..session
        },
    };
    tx.insert_session(&session)?;
    Ok(Some((user, session)))
}

fn displace_oldest(
    tx: &mut dyn Transaction,
    user: &User,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let live = tx.live_sessions_of(user.id, now)?;
    let too_many = (live.len() + 1).saturating_sub(MAX_SESSIONS_PER_USER);
    for session in live.iter().take(too_many) {
        tx.end_session(session.id, EndReason::Displaced, now)?;
    }
    Ok(too_many)
}

fn new_session(
    core: &Core,
    user: &User,
    id: SessionId,
    origin: Origin,
    now: DateTime<Utc>,
) -> Session {
    let settings = core.settings.load();
    let salt = Salt(rand::rng().random());
    let keys = &core.keys.present;
    let expires_at = now + settings.refresh_token_lifetime;
    Session {
        id,
        user_id: user.id,
        generation: 0,
        salt,
        digest: RefreshSecret::derive(keys, id, 0, salt).digest(keys),
        previous_digest: None,
        created_at: now,
        rotated_at: now,
        expires_at,
        access_expires_at: (now + settings.access_token_lifetime).min(expires_at),
        origin: origin.of_request(None),
        end: None,
    }
}
