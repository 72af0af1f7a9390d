//! A password as somebody typed it.

use secrecy::{ExposeSecret, SecretString};

/// The most characters a password has.
pub const MAX_CHARS: usize = 256;
/// The most bytes a password has in UTF-8.
pub const MAX_BYTES: usize = 1024;

/// A password in clear: wiped when dropped, never printed. Long ones are refused, never cut.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// Why a text cannot be a password. The messages are Django REST framework's where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParsePasswordError {
    /// There is nothing in it.
    #[error("This field may not be blank.")]
    Blank,
    /// More than [`MAX_CHARS`] characters or [`MAX_BYTES`] bytes.
    #[error("Ensure this field has no more than 256 characters and 1024 bytes.")]
    TooLong,
    /// A NUL among the characters.
    #[error("Null characters are not allowed.")]
    Nul,
}

impl Password {
    /// # Errors
    /// [`ParsePasswordError`] when the text cannot be anybody's password.
    pub fn parse(text: impl Into<SecretString>) -> Result<Self, ParsePasswordError> {
        let secret = text.into();
        let text = secret.expose_secret();
        if text.is_empty() {
            return Err(ParsePasswordError::Blank);
        }
        if text.len() > MAX_BYTES || text.chars().count() > MAX_CHARS {
            return Err(ParsePasswordError::TooLong);
        }
        if text.contains('\0') {
            return Err(ParsePasswordError::Nul);
        }
        Ok(Self(secret))
    }

    /// The password itself, for hashing and for the validators.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Password, ParsePasswordError> {
        Password::parse(text.to_owned())
    }

    #[test]
    fn a_password_does_not_print() {
        let password = parse("correct horse").unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }

    #[test]
    fn limits_count_characters_and_bytes() {
        assert!(parse(&"a".repeat(256)).is_ok());
        assert_eq!(
            parse(&"a".repeat(257)).unwrap_err(),
            ParsePasswordError::TooLong
        );
        assert!(parse(&"🔑".repeat(256)).is_ok());
        assert_eq!(parse("").unwrap_err(), ParsePasswordError::Blank);
        assert_eq!(parse("a\0b").unwrap_err(), ParsePasswordError::Nul);
    }

    #[test]
    fn spaces_around_a_password_belong_to_it() {
        assert_eq!(parse("  spaced  ").unwrap().expose(), "  spaced  ");
    }
}
