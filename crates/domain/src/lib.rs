#![doc = include_str!("../README.md")]

pub mod change;
pub mod cutoff;
pub mod email;
pub mod folding;
pub mod ids;
pub mod password;
pub mod password_hash;
pub mod password_policy;
pub mod role;
pub mod session;
pub mod settings;
pub mod signing_key;
pub mod user;
pub mod username;

pub use change::Change;
pub use cutoff::SessionCutoff;
pub use email::EmailAddress;
pub use ids::{SessionId, UserId};
pub use password::Password;
pub use password_hash::PasswordHash;
pub use role::Role;
pub use session::{EndReason, Origin, Session};
pub use settings::Settings;
pub use signing_key::{JwtAlgorithm, KeyAlgorithm, KeyId, KeyState, SigningKey};
pub use user::User;
pub use username::Username;
