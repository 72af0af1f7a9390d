#![doc = include_str!("../README.md")]

pub mod api_key;
pub mod audit;
pub mod change;
pub mod cutoff;
pub mod email;
pub mod folding;
pub mod ids;
pub mod network;
pub mod origin;
pub mod password;
pub mod password_hash;
pub mod password_policy;
pub mod place;
pub mod role;
pub mod scope;
pub mod session;
pub mod settings;
pub mod signing_key;
#[cfg(test)]
mod strangers;
pub mod task;
pub mod user;
pub mod username;
pub mod webhook_secret;

pub use api_key::{ApiKey, ApiKeyDigest, ApiKeySecret};
pub use audit::{AuditAction, AuditEvent, SecurityEvent};
pub use change::Change;
pub use cutoff::SessionCutoff;
pub use email::EmailAddress;
pub use ids::{ApiKeyId, AuditEventId, SessionId, SettingChangeId, TaskId, UserId};
pub use network::Network;
pub use origin::Origin;
pub use password::Password;
pub use password_hash::PasswordHash;
pub use place::{Place, PlaceDigest};
pub use role::Role;
pub use scope::{Scope, Scopes};
pub use session::{EndReason, Session};
pub use settings::Settings;
pub use signing_key::{JwtAlgorithm, KeyAlgorithm, KeyId, KeyState, SigningKey};
pub use task::{ScheduledTask, TaskStatus};
pub use user::User;
pub use username::Username;
pub use webhook_secret::{SealedSecret, WebhookSecret};
