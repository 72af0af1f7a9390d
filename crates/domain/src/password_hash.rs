//! Password hashes in Django's notation, `algorithm$parameters…`.

use std::fmt;

/// A stored password hash. It is not the password, and yet nobody's to read: it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// The text is not in Django's notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a password hash in Django's notation")]
pub struct ParseHashError;

impl PasswordHash {
    /// # Errors
    /// [`ParseHashError`] when there is no `algorithm$` at the beginning.
    pub fn parse(text: impl Into<String>) -> Result<Self, ParseHashError> {
        let text = text.into();
        match text.split_once('$') {
            Some((algorithm, rest)) if !algorithm.is_empty() && !rest.is_empty() => Ok(Self(text)),
            Some(_) | None => Err(ParseHashError),
        }
    }

    /// What stands before the first `$`: `bcrypt_sha256`, `pbkdf2_sha256`, …
    pub fn algorithm(&self) -> &str {
        self.0
            .split_once('$')
            .map_or("", |(algorithm, _)| algorithm)
    }

    /// What stands after the first `$`.
    pub fn parameters(&self) -> &str {
        self.0
            .split_once('$')
            .map_or("", |(_, parameters)| parameters)
    }

    /// The whole text, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PasswordHash {
    type Error = ParseHashError;

    fn try_from(text: String) -> Result<Self, ParseHashError> {
        Self::parse(text)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({}$…)", self.algorithm())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_is_taken_apart_at_its_first_dollar() {
        let hash = PasswordHash::parse("bcrypt_sha256$$2b$12$abc").unwrap();
        assert_eq!(hash.algorithm(), "bcrypt_sha256");
        assert_eq!(hash.parameters(), "$2b$12$abc");
        assert!(!format!("{hash:?}").contains("abc"));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in ["", "plain", "$2b$12$abc", "md5$"] {
            assert_eq!(PasswordHash::parse(text), Err(ParseHashError), "{text}");
        }
    }
}
