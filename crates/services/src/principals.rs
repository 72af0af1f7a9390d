//! Who makes a request, as memory has him.

use chrono::{DateTime, Utc};
use doorward_domain::{EmailAddress, Role, User, UserId, Username};

/// A user without his password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Names the account for ever.
    pub id: UserId,
    /// What others see.
    pub username: Username,
    /// None for an imported account that had none.
    pub email: Option<EmailAddress>,
    /// What the person may do.
    pub role: Role,
    /// A deactivated account has no valid token.
    pub is_active: bool,
    /// When the account was made.
    pub date_joined: DateTime<Utc>,
    /// When a password was last accepted.
    pub last_login: Option<DateTime<Utc>>,
}

impl From<User> for Principal {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
            role: user.role,
            is_active: user.is_active,
            date_joined: user.date_joined,
            last_login: user.last_login,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn ada() -> Principal {
        Principal {
            id: UserId::new(DateTime::UNIX_EPOCH),
            username: Username::parse("ada").unwrap(),
            email: None,
            role: Role::User,
            is_active: true,
            date_joined: DateTime::UNIX_EPOCH,
            last_login: None,
        }
    }
}
