//! A person with an account.

use crate::email::EmailAddress;
use crate::ids::UserId;
use crate::password_hash::PasswordHash;
use crate::role::Role;
use crate::username::Username;
use chrono::{DateTime, Utc};

/// An account. Usernames are unique, and so are email addresses, each without regard to case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Names the account for ever.
    pub id: UserId,
    /// What others see.
    pub username: Username,
    /// None for an imported account that had none.
    pub email: Option<EmailAddress>,
    /// None for an account that cannot log in with a password.
    pub password: Option<PasswordHash>,
    /// What the person may do.
    pub role: Role,
    /// A deactivated account has no valid token, key or session.
    pub is_active: bool,
    /// When the account was made.
    pub date_joined: DateTime<Utc>,
    /// When a password was last accepted.
    pub last_login: Option<DateTime<Utc>>,
}
