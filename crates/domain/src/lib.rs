#![doc = include_str!("../README.md")]

pub mod api_key;
pub mod change;
pub mod cutoff;
pub mod email;
pub mod folding;
pub mod ids;
pub mod network;
pub mod password;
pub mod password_hash;
pub mod password_policy;
pub mod place;
pub mod role;
pub mod scope;
pub mod session;
pub mod settings;
pub mod signing_key;
pub mod user;
pub mod username;

pub use api_key::{ApiKey, ApiKeyDigest, ApiKeySecret};
pub use change::Change;
pub use cutoff::SessionCutoff;
pub use email::EmailAddress;
pub use ids::{ApiKeyId, SessionId, UserId};
pub use network::Network;
pub use password::Password;
pub use password_hash::PasswordHash;
pub use place::{Place, PlaceDigest};
pub use role::Role;
pub use scope::{Scope, Scopes};
pub use session::{EndReason, Origin, Session};
pub use settings::Settings;
pub use signing_key::{JwtAlgorithm, KeyAlgorithm, KeyId, KeyState, SigningKey};
pub use user::User;
pub use username::Username;
