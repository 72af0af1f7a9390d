//! What happened, with what is to be said of it. Never a password, a token, a key's secret, or what somebody typed.

use super::{AuditAction, Details};
use crate::ids::{ApiKeyId, SessionId};
use crate::role::Role;
use crate::scope::Scopes;
use crate::signing_key::KeyId;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use uuid::Uuid;

/// Something that the audit log tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the actions say what they mean")]
pub enum SecurityEvent {
    LoginSucceeded {
        session: SessionId,
        /// How many of his oldest sessions ended for it.
        displaced: usize,
    },
    LoginFailed {
        reason: LoginFailure,
        /// A keyed digest of a name that nobody has: what was typed might be a password.
        name_digest: Option<String>,
    },
    LoginThrottled {
        /// As above.
        name_digest: Option<String>,
    },
    LoggedOut {
        session: SessionId,
    },
    SessionEnded {
        session: SessionId,
    },
    AllSessionsEnded {
        sessions: usize,
    },
    RefreshTokenReused {
        session: SessionId,
    },
    UserRegistered,
    UserCreated {
        role: Role,
    },
    SuperuserCreated {
        role: Role,
    },
    UsersImported {
        imported: u64,
        already_there: u64,
        left_out: u64,
    },
    ProfileChanged {
        /// The names of the fields.
        fields: Vec<&'static str>,
    },
    PasswordChanged {
        sessions_ended: usize,
    },
    PasswordRefused,
    RoleChanged {
        from: Role,
        to: Role,
    },
    UserActivated,
    UserDeactivated {
        sessions_ended: usize,
        api_keys_deleted: usize,
    },
    UserDeleted {
        role: Role,
        sessions_ended: usize,
    },
    ApiKeyCreated {
        api_key: ApiKeyId,
        scopes: Scopes,
        expires_at: Option<DateTime<Utc>>,
    },
    ApiKeyChanged {
        api_key: ApiKeyId,
        /// The names of the fields.
        fields: Vec<&'static str>,
    },
    ApiKeyRegenerated {
        api_key: ApiKeyId,
        /// For how long the secret before still works.
        overlap: TimeDelta,
    },
    ApiKeyDeleted {
        api_key: ApiKeyId,
    },
    SigningKeyPrepared {
        kid: KeyId,
    },
    SigningKeyRotated {
        kid: KeyId,
    },
    SigningKeyRetired {
        kid: KeyId,
    },
    SettingsChanged {
        changes: Vec<SettingChange>,
    },
    TaskCancelled {
        task: Uuid,
    },
    TaskRunAgain {
        task: Uuid,
    },
    WebhookSecretRotated,
    DatabaseRestored,
    AuditSwept {
        events: usize,
        /// The number of the last one in the chain.
        up_to: i64,
    },
    AuditRestarted {
        /// The number of the last one before.
        up_to: i64,
    },
}

/// Why a login is refused; the log alone knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginFailure {
    /// Nobody has this name.
    UnknownAccount,
    /// The password is another.
    WrongPassword,
    /// The account is deactivated.
    Inactive,
    /// The account changed while the password was verified.
    Changed,
}

impl LoginFailure {
    /// The name in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown_account",
            Self::WrongPassword => "wrong_password",
            Self::Inactive => "inactive",
            Self::Changed => "changed",
        }
    }
}

/// A setting that has another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    /// Its name.
    pub name: String,
    /// The value before.
    pub from: String,
    /// The value now.
    pub to: String,
}

impl SecurityEvent {
    /// What it is called.
    pub const fn action(&self) -> AuditAction {
        match self {
            Self::LoginSucceeded { .. } => AuditAction::LoginSucceeded,
            Self::LoginFailed { .. } => AuditAction::LoginFailed,
            Self::LoginThrottled { .. } => AuditAction::LoginThrottled,
            Self::LoggedOut { .. } => AuditAction::LoggedOut,
            Self::SessionEnded { .. } => AuditAction::SessionEnded,
            Self::AllSessionsEnded { .. } => AuditAction::AllSessionsEnded,
            Self::RefreshTokenReused { .. } => AuditAction::RefreshTokenReused,
            Self::UserRegistered => AuditAction::UserRegistered,
            Self::UserCreated { .. } => AuditAction::UserCreated,
            Self::SuperuserCreated { .. } => AuditAction::SuperuserCreated,
            Self::UsersImported { .. } => AuditAction::UsersImported,
            Self::ProfileChanged { .. } => AuditAction::ProfileChanged,
            Self::PasswordChanged { .. } => AuditAction::PasswordChanged,
            Self::PasswordRefused => AuditAction::PasswordRefused,
            Self::RoleChanged { .. } => AuditAction::RoleChanged,
            Self::UserActivated => AuditAction::UserActivated,
            Self::UserDeactivated { .. } => AuditAction::UserDeactivated,
            Self::UserDeleted { .. } => AuditAction::UserDeleted,
            Self::ApiKeyCreated { .. } => AuditAction::ApiKeyCreated,
            Self::ApiKeyChanged { .. } => AuditAction::ApiKeyChanged,
            Self::ApiKeyRegenerated { .. } => AuditAction::ApiKeyRegenerated,
            Self::ApiKeyDeleted { .. } => AuditAction::ApiKeyDeleted,
            Self::SigningKeyPrepared { .. } => AuditAction::SigningKeyPrepared,
            Self::SigningKeyRotated { .. } => AuditAction::SigningKeyRotated,
            Self::SigningKeyRetired { .. } => AuditAction::SigningKeyRetired,
            Self::SettingsChanged { .. } => AuditAction::SettingsChanged,
            Self::TaskCancelled { .. } => AuditAction::TaskCancelled,
            Self::TaskRunAgain { .. } => AuditAction::TaskRunAgain,
            Self::WebhookSecretRotated => AuditAction::WebhookSecretRotated,
            Self::DatabaseRestored => AuditAction::DatabaseRestored,
            Self::AuditSwept { .. } => AuditAction::AuditSwept,
            Self::AuditRestarted { .. } => AuditAction::AuditRestarted,
        }
    }

    /// What else there is to say.
    pub fn details(&self) -> Details {
        let details = Details::default();
        match self {
            Self::UserRegistered
            | Self::PasswordRefused
            | Self::UserActivated
            | Self::WebhookSecretRotated
            | Self::DatabaseRestored => details,
            Self::LoginSucceeded { session, displaced } => {
                let details = details.text("session", &session.to_string());
                match displaced {
                    0 => details,
                    ended => details.number("sessions_displaced", *ended),
                }
            }
            Self::LoginFailed {
                reason,
                name_digest,
            } => details
                .text("reason", reason.as_str())
                .text_if("name_digest", name_digest.as_deref()),
            Self::LoginThrottled { name_digest } => {
                details.text_if("name_digest", name_digest.as_deref())
            }
            Self::LoggedOut { session }
            | Self::SessionEnded { session }
            | Self::RefreshTokenReused { session } => details.text("session", &session.to_string()),
            Self::AllSessionsEnded { sessions } => details.number("sessions_ended", *sessions),
            Self::UserCreated { role } | Self::SuperuserCreated { role } => {
                details.text("role", role.as_str())
            }
            Self::UsersImported {
                imported,
                already_there,
                left_out,
            } => details
                .number("imported", *imported)
                .number("already_there", *already_there)
                .number("left_out", *left_out),
            Self::ProfileChanged { fields } => details.texts("fields", fields),
            Self::PasswordChanged { sessions_ended } => {
                details.number("sessions_ended", *sessions_ended)
            }
            Self::RoleChanged { from, to } => {
                details.text("from", from.as_str()).text("to", to.as_str())
            }
            Self::UserDeactivated {
                sessions_ended,
                api_keys_deleted,
            } => details
                .number("sessions_ended", *sessions_ended)
                .number("api_keys_deleted", *api_keys_deleted),
            Self::UserDeleted {
                role,
                sessions_ended,
            } => details
                .text("role", role.as_str())
                .number("sessions_ended", *sessions_ended),
            Self::ApiKeyCreated {
                api_key,
                scopes,
                expires_at,
            } => details
                .text("api_key", &api_key.to_string())
                .text("scopes", &scopes.to_string())
                .text_if(
                    "expires_at",
                    expires_at
                        .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
                        .as_deref(),
                ),
            Self::ApiKeyChanged { api_key, fields } => details
                .text("api_key", &api_key.to_string())
                .texts("fields", fields),
            Self::ApiKeyRegenerated { api_key, overlap } => {
                let details = details.text("api_key", &api_key.to_string());
                details.number("overlap_seconds", overlap.num_seconds())
            }
            Self::ApiKeyDeleted { api_key } => details.text("api_key", &api_key.to_string()),
            Self::SigningKeyPrepared { kid }
            | Self::SigningKeyRotated { kid }
            | Self::SigningKeyRetired { kid } => details.text("kid", kid.as_str()),
            Self::SettingsChanged { changes } => changes.iter().fold(details, |details, change| {
                let values = Details::default()
                    .text("from", &change.from)
                    .text("to", &change.to);
                details.object(&change.name, values)
            }),
            Self::TaskCancelled { task } | Self::TaskRunAgain { task } => {
                details.text("task", &task.as_hyphenated().to_string())
            }
            Self::AuditSwept { events, up_to } => {
                details.number("events", *events).number("up_to", *up_to)
            }
            Self::AuditRestarted { up_to } => details.number("up_to", *up_to),
        }
    }
}
