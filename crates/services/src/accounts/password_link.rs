//! A link by which somebody sets a new password, which an admin has made for him.
//!
//! As Django's, it is kept nowhere: it is a keyed hash over what a new password or a login changes, so that it dies with
//! its first use, and the database has nothing from which one could be made.

use super::AccountService;
use crate::auth::{Caller, end_access};
use crate::error::{Internal, from_internal};
use crate::fields::FieldErrors;
use crate::keys::Keys;
use crate::users::{AdministerError, require_admin};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::session::EndReason;
use doorward_domain::{AuditEvent, Origin, Password, SecurityEvent, User, UserId, Username};
use secrecy::SecretString;
use std::fmt;
use uuid::Uuid;

/// For how long a link is good.
pub const PASSWORD_LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Somebody's id and the end of the link, and behind them the keyed hash.
const SAID: usize = 16 + 8;

/// A link that is told now and never again.
#[derive(Clone)]
pub struct PasswordLink {
    /// What the page asks for at which the password is set.
    pub token: String,
    /// When it ceases to be good, if it is not used before.
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for PasswordLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordLink")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A new password that somebody sets by a link.
#[derive(Debug, Default)]
pub struct SetPassword {
    /// Required.
    pub new_password: Option<SecretString>,
    /// Where the request comes from.
    pub origin: Origin,
    /// What the reader of the input has found wrong already.
    pub errors: FieldErrors,
}

/// Why no password is set by a link.
#[derive(Debug, thiserror::Error)]
pub enum PasswordLinkError {
    /// It is none, was used, or is too old; or its account is gone or deactivated.
    #[error("the link is not valid")]
    NotValid,
    /// Every bad field with every message.
    #[error("the input is not valid")]
    Invalid(FieldErrors),
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(PasswordLinkError);

struct Presented {
    user: UserId,
    expires_at: DateTime<Utc>,
    tag: Vec<u8>,
}

impl AccountService {
    /// A link for a user whom the caller may manage.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user, and for an admin who means an admin or an owner.
    pub async fn password_link(
        &self,
        caller: &Caller,
        id: UserId,
    ) -> Result<PasswordLink, AdministerError> {
        require_admin(caller)?;
        let (caller, now) = (caller.clone(), self.core.clock.now());
        let expires_at = now + PASSWORD_LINK_LIFETIME;
        let user = self
            .core
            .store
            .write(move |tx| {
                let user = tx.lock_user(id)?.ok_or(AdministerError::NotFound)?;
                if !caller.principal.role.may_manage(user.role) {
                    return Err(AdministerError::NotAllowed);
                }
                let event = SecurityEvent::PasswordLinkMade { expires_at };
                tx.append_event(&caller.event(now, &event).about(id))?;
                Ok(user)
            })
            .await?;
        let tag = hmac::sign(
            &self.core.keys.present.password_link,
            &signed(&user, expires_at),
        );
        let mut bytes = said(id, expires_at);
        bytes.extend_from_slice(tag.as_ref());
        Ok(PasswordLink {
            token: URL_SAFE_NO_PAD.encode(bytes),
            expires_at,
        })
    }

    /// For whom a link is.
    ///
    /// # Errors
    /// [`PasswordLinkError::NotValid`] when it is for nobody any more.
    pub async fn holder_of_password_link(
        &self,
        token: &str,
    ) -> Result<Username, PasswordLinkError> {
        Ok(self.holder(token).await?.username)
    }

    /// Sets a new password, and ends all sessions.
    ///
    /// # Errors
    /// [`PasswordLinkError::NotValid`] when the link is not good any more; [`PasswordLinkError::Invalid`] for a password
    /// that is refused: the link stays good.
    pub async fn set_password_by_link(
        &self,
        token: &str,
        new: SetPassword,
    ) -> Result<(), PasswordLinkError> {
        let limit = self.core.settings.load().login_rate_limit;
        let throttle = &self.core.throttle;
        throttle.password_from(limit, &new.origin).await?;
        let before = self.holder(token).await?;
        let (mut errors, origin) = (new.errors, new.origin);
        let new = errors.require("new_password", new.new_password);
        let new = new.and_then(|text| errors.take("new_password", Password::parse(text)));
        if let Some(new) = &new {
            let (name, email) = (before.username.clone(), before.email.clone());
            let judged = self
                .core
                .passwords
                .weaknesses(new.clone(), Some(name), email);
            for weakness in judged.await? {
                errors.add("new_password", weakness);
            }
        }
        let (Some(new), true) = (new, errors.is_empty()) else {
            return Err(PasswordLinkError::Invalid(errors));
        };
        let hash = self.core.passwords.hash(new).await?;
        let now = self.core.clock.now();
        self.core
            .store
            .write(move |tx| {
                let is_same = |user: &User| {
                    user.is_active
                        && user.password == before.password
                        && user.last_login == before.last_login
                        && user.role == before.role
                };
                let user = tx
                    .lock_user(before.id)?
                    .filter(is_same)
                    .ok_or(PasswordLinkError::NotValid)?;
                let changed = User {
                    password: Some(hash),
                    ..user
                };
                tx.update_user(&changed, now)?;
                let sessions_ended =
                    end_access(tx, changed.id, None, EndReason::PasswordChanged, now)?;
                let event = SecurityEvent::PasswordChanged { sessions_ended };
                let event = AuditEvent::new(now, &event).about(changed.id);
                Ok(tx.append_event(&event.coming_from(&origin))?)
            })
            .await
    }

    async fn holder(&self, token: &str) -> Result<User, PasswordLinkError> {
        let now = self.core.clock.now();
        let presented = read(token)
            .filter(|link| now < link.expires_at)
            .ok_or(PasswordLinkError::NotValid)?;
        let id = presented.user;
        let user = self.core.store.read(move |tx| tx.user(id)).await?;
        let is_ours = |user: &User| {
            let signed = signed(user, presented.expires_at);
            let verifies =
                |keys: &Keys| hmac::verify(&keys.password_link, &signed, &presented.tag).is_ok();
            user.is_active && self.core.keys.iter().any(verifies)
        };
        user.filter(is_ours).ok_or(PasswordLinkError::NotValid)
    }
}

fn read(token: &str) -> Option<Presented> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (said, tag) = bytes.split_at_checked(SAID)?;
    let (user, said) = said.split_first_chunk::<16>()?;
    let (expires_at, _) = said.split_first_chunk::<8>()?;
    Some(Presented {
        user: UserId::from_uuid(Uuid::from_bytes(*user)),
        expires_at: DateTime::from_timestamp_micros(i64::from_be_bytes(*expires_at))?,
        tag: tag.to_vec(),
    })
}

fn said(user: UserId, expires_at: DateTime<Utc>) -> Vec<u8> {
    let mut bytes = user.as_uuid().as_bytes().to_vec();
    bytes.extend_from_slice(&expires_at.timestamp_micros().to_be_bytes());
    bytes
}

/// What the keyed hash is made over: all of fixed length or with an end, but the last.
fn signed(user: &User, expires_at: DateTime<Utc>) -> Vec<u8> {
    let mut bytes = said(user.id, expires_at);
    let last_login = user.last_login.map_or(i64::MIN, |at| at.timestamp_micros());
    bytes.extend_from_slice(&last_login.to_be_bytes());
    // Else whoever made it for a plain user could become the owner who that user is by now.
    bytes.extend_from_slice(user.role.as_str().as_bytes());
    bytes.push(0);
    if let Some(password) = &user.password {
        bytes.extend_from_slice(password.as_str().as_bytes());
    }
    bytes
}
