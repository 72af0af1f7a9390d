//! The audit log: who did what to whom, when and from where. Events are appended in the same transaction as what they
//! tell of, and chained afterwards.

mod chain;
mod details;
mod security_event;

pub use chain::{AuditKeyId, AuditMac, ChainHead, SealedEvent};
pub use details::Details;
pub use security_event::{LoginFailure, SecurityEvent, SettingChange};

use crate::ids::{AuditEventId, UserId};
use crate::origin::Origin;
use chrono::{DateTime, Utc};

macro_rules! actions {
    ($($name:ident $text:literal $about:literal,)+) => {
        /// What can happen that the audit log tells of. The names stay: programs look for them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuditAction {
            $(#[doc = $about] $name,)+
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in the log.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// What it means, in a sentence.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$name => $about,)+
                }
            }
        }
    };
}

actions! {
    LoginSucceeded "login.succeeded" "Somebody has logged in.",
    LoginFailed "login.failed" "A login was refused.",
    LoginThrottled "login.throttled" "Logins are refused unseen, since there were too many; told once a minute.",
    LoggedOut "session.logged_out" "Somebody has logged out.",
    SessionEnded "session.ended" "A session was ended from another one.",
    AllSessionsEnded "session.all_ended" "All sessions of a user were ended.",
    RefreshTokenReused "session.refresh_token_reused" "A refresh token that was used up came again: it was stolen, and its session has ended.",
    UserRegistered "user.registered" "Somebody has registered.",
    UserCreated "user.created" "An admin or an owner has made an account.",
    SuperuserCreated "user.superuser_created" "A command has made an owner or an admin.",
    UsersImported "user.imported" "A command has taken over accounts.",
    ProfileChanged "user.profile_changed" "A username or an email address was changed.",
    PasswordChanged "user.password_changed" "A password was changed.",
    PasswordRefused "user.password_refused" "Somebody who was logged in gave a wrong password where it is asked for again.",
    PasswordLinkMade "user.password_link_made" "An admin or an owner has made a link by which somebody sets a new password.",
    RoleChanged "user.role_changed" "A user has another role.",
    UserActivated "user.activated" "An account was activated.",
    UserDeactivated "user.deactivated" "An account was deactivated.",
    UserDeleted "user.deleted" "An account was deleted.",
    ApiKeyCreated "api_key.created" "An API key was made.",
    ApiKeyChanged "api_key.changed" "An API key has another name, other scopes or another end.",
    ApiKeyRegenerated "api_key.regenerated" "An API key has another secret.",
    ApiKeyDeleted "api_key.deleted" "An API key was deleted.",
    SigningKeyPrepared "signing_key.prepared" "The next signing key was made.",
    SigningKeyRotated "signing_key.rotated" "Another signing key signs.",
    SigningKeyRetired "signing_key.retired" "A signing key was retired.",
    SettingsChanged "settings.changed" "Runtime settings were changed.",
    TaskCancelled "task.cancelled" "An admin has cancelled a task.",
    TaskRunAgain "task.run_again" "An admin has let a task run again.",
    WebhookSecretRotated "webhook_secret.rotated" "A user has another webhook secret.",
    DatabaseRestored "database.restored" "All sessions were ended after a restore from a backup.",
    AuditSwept "audit.swept" "The oldest events were deleted.",
    AuditRestarted "audit.restarted" "The chain of the audit log was begun anew: what was sealed before cannot be checked any more.",
}

/// One event, as it is kept. Texts are as they were written: a row of a newer release may have an action that this one
/// does not know, and one that somebody has changed must still be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Later events have later ids, to the millisecond.
    pub id: AuditEventId,
    /// When.
    pub at: DateTime<Utc>,
    /// What, as [`AuditAction::as_str`] has it.
    pub action: String,
    /// Who did it; none where it was nobody who was logged in.
    pub actor_id: Option<UserId>,
    /// Whom it concerns, who may be gone by now.
    pub subject_id: Option<UserId>,
    /// From which address.
    pub ip_address: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// More, as a small JSON object without secrets.
    pub details: String,
}

impl AuditEvent {
    /// An event of now, by nobody, about nobody, from nowhere.
    pub fn new(now: DateTime<Utc>, event: &SecurityEvent) -> Self {
        Self {
            id: AuditEventId::new(now),
            at: now,
            action: event.action().as_str().to_owned(),
            actor_id: None,
            subject_id: None,
            ip_address: None,
            user_agent: None,
            request_id: None,
            details: event.details().into_json(),
        }
    }

    /// The same, done by him.
    #[must_use]
    pub fn by(self, actor: UserId) -> Self {
        Self {
            actor_id: Some(actor),
            ..self
        }
    }

    /// The same, about him.
    #[must_use]
    pub fn about(self, subject: UserId) -> Self {
        Self {
            subject_id: Some(subject),
            ..self
        }
    }

    /// The same, about nobody.
    #[must_use]
    pub fn about_nobody(self) -> Self {
        Self {
            subject_id: None,
            ..self
        }
    }

    /// The same, from there.
    #[must_use]
    pub fn coming_from(self, origin: &Origin) -> Self {
        Self {
            ip_address: origin.ip_address.map(|address| address.to_string()),
            user_agent: origin.user_agent.clone(),
            request_id: origin.request_id.clone(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_has_a_name_of_its_own_in_two_parts() {
        let names: BTreeSet<_> = AuditAction::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(names.len(), AuditAction::ALL.len());
        for name in names {
            let is_plain = |c: char| c.is_ascii_lowercase() || c == '_';
            let (of, what) = name.split_once('.').unwrap();
            assert!(
                of.chars().all(is_plain) && what.chars().all(is_plain),
                "{name}"
            );
        }
    }

    #[test]
    fn an_event_tells_where_it_comes_from() {
        let now = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        let (actor, subject) = (UserId::new(now), UserId::new(now));
        let origin =
            Origin::new("::1".parse().ok(), Some("curl")).of_request(Some("r1".to_owned()));
        let event = AuditEvent::new(now, &SecurityEvent::UserActivated);
        let event = event.by(actor).about(subject).coming_from(&origin);
        assert_eq!((&*event.action, &*event.details), ("user.activated", "{}"));
        assert_eq!(
            (event.actor_id, event.subject_id),
            (Some(actor), Some(subject))
        );
        let from = [event.ip_address, event.user_agent, event.request_id];
        assert_eq!(from.map(Option::unwrap), ["::1", "curl", "r1"]);
    }
}
