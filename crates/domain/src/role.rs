//! What a person may do.

use std::fmt;
use std::str::FromStr;

/// Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Role {
    /// Manages himself.
    #[default]
    User,
    /// Sees and manages users.
    Admin,
    /// Alone changes roles, admins, owners and settings.
    Owner,
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Must be one of user, admin, owner.")]
pub struct ParseRoleError;

impl Role {
    /// Every role, the smallest first.
    pub const ALL: [Self; 3] = [Self::User, Self::Admin, Self::Owner];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Whether somebody of this role may change a user of the other one: an admin users only, an owner everybody.
    pub fn may_manage(self, other: Self) -> bool {
        match self {
            Self::User => false,
            Self::Admin => other == Self::User,
            Self::Owner => true,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(ParseRoleError)
    }
}

impl TryFrom<String> for Role {
    type Error = ParseRoleError;

    fn try_from(text: String) -> Result<Self, ParseRoleError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_back_from_its_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("Owner".parse::<Role>(), Err(ParseRoleError));
    }

    #[test]
    fn an_admin_manages_users_and_an_owner_everybody() {
        let manages = |a: Role| Role::ALL.map(|b| a.may_manage(b));
        assert_eq!(manages(Role::User), [false, false, false]);
        assert_eq!(manages(Role::Admin), [true, false, false]);
        assert_eq!(manages(Role::Owner), [true, true, true]);
    }
}
