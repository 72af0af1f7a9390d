//! What an API key may be used for (scopes, as in RFC 6749, section 3.3).

use std::fmt;
use std::str::FromStr;

/// One thing that a key may do in place of its owner, as far as his role goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// See the owner's profile.
    ProfileRead,
    /// Change the owner's profile.
    ProfileWrite,
    /// See the users that the owner may see.
    UsersRead,
    /// See the owner's tasks.
    TasksRead,
    /// Make and cancel the owner's tasks.
    TasksWrite,
}

/// The text names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Must be among profile:read, profile:write, users:read, tasks:read, tasks:write.")]
pub struct ParseScopeError;

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [
        Self::ProfileRead,
        Self::ProfileWrite,
        Self::UsersRead,
        Self::TasksRead,
        Self::TasksWrite,
    ];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProfileRead => "profile:read",
            Self::ProfileWrite => "profile:write",
            Self::UsersRead => "users:read",
            Self::TasksRead => "tasks:read",
            Self::TasksWrite => "tasks:write",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::ProfileRead => 1,
            Self::ProfileWrite => 2,
            Self::UsersRead => 4,
            Self::TasksRead => 8,
            Self::TasksWrite => 16,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Self, ParseScopeError> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(ParseScopeError)
    }
}

/// Some of the scopes, in no order and none of them twice. As text they stand with a space between.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Those that change nothing: what a key has for which nobody asked for any.
    pub const READING: Self =
        Self(Scope::ProfileRead.bit() | Scope::UsersRead.bit() | Scope::TasksRead.bit());
    /// Every scope.
    pub const ALL: Self = Self(0b1_1111);

    /// Whether the scope is among them.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{scope}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

impl FromStr for Scopes {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Self, ParseScopeError> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl TryFrom<String> for Scopes {
    type Error = ParseScopeError;

    fn try_from(text: String) -> Result<Self, ParseScopeError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_back_from_its_name() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        for text in ["", "Profile:read", "profile", "profile:read "] {
            assert_eq!(text.parse::<Scope>(), Err(ParseScopeError), "{text}");
        }
    }

    #[test]
    fn every_set_of_scopes_is_read_back_from_its_text() {
        for bits in 0..32_u8 {
            let scopes: Scopes = Scope::ALL
                .into_iter()
                .filter(|scope| scope.bit() & bits != 0)
                .collect();
            assert_eq!(scopes.to_string().parse(), Ok(scopes));
            assert_eq!(scopes.iter().collect::<Scopes>(), scopes);
            for scope in Scope::ALL {
                assert_eq!(scopes.contains(scope), scope.bit() & bits != 0);
            }
        }
        assert_eq!("profile:read king".parse::<Scopes>(), Err(ParseScopeError));
    }

    #[test]
    fn all_are_all_and_the_reading_ones_write_nothing() {
        assert_eq!(Scopes::ALL, Scope::ALL.into_iter().collect());
        assert_eq!(
            Scopes::READING.to_string(),
            "profile:read users:read tasks:read"
        );
        assert!(Scopes::default().is_empty() && !Scopes::READING.is_empty());
    }
}
