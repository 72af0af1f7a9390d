//! Usernames.

use crate::email::EmailAddress;
use crate::folding::{fold, is_invisible};
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// The most characters a username has; Django's limit.
pub const MAX_LENGTH: usize = 150;

/// A name of 1 to [`MAX_LENGTH`] letters, digits, `@.+-_` and single inner spaces, in NFKC, compared by
/// [`key`](Self::key).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

/// Why a text is no username. The messages are Django's where Django has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseUsernameError {
    /// There is nothing in it.
    #[error("This field may not be blank.")]
    Blank,
    /// It has more than [`MAX_LENGTH`] characters.
    #[error("Ensure this field has no more than 150 characters.")]
    TooLong,
    /// It has a character that a username may not have.
    #[error(
        "Enter a valid username. This value may contain only letters, numbers, single inner spaces and @/./+/-/_ \
         characters."
    )]
    Character,
}

/// A username with an `@` that is not the account's own address: it would look like somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("A username that contains @ must be the account's own email address.")]
pub struct ForeignAddress;

impl Username {
    /// # Errors
    /// [`ParseUsernameError`] when the text breaks a rule above.
    pub fn parse(text: &str) -> Result<Self, ParseUsernameError> {
        let name: String = text.trim_matches(' ').nfkc().collect();
        if name.is_empty() {
            return Err(ParseUsernameError::Blank);
        }
        if name.chars().count() > MAX_LENGTH {
            return Err(ParseUsernameError::TooLong);
        }
        if name.contains("  ")
            || name.starts_with(' ')
            || name.ends_with(' ')
            || !name.chars().all(is_allowed)
        {
            return Err(ParseUsernameError::Character);
        }
        Ok(Self(name))
    }

    /// A username out of an email address, for those who give none: the local part, without what a username may not
    /// have.
    pub fn suggested_by(email: &EmailAddress) -> Self {
        let name: String = email
            .local_part()
            .chars()
            .filter(|c| *c != '@' && is_allowed(*c))
            .collect();
        Self::parse(&name).unwrap_or_else(|_| Self("user".to_owned()))
    }

    /// The same name with a number behind it, for when it is taken.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let suffix = number.to_string();
        let stem: String = self.0.chars().take(MAX_LENGTH - suffix.len()).collect();
        Self(format!("{}{suffix}", stem.trim_end()))
    }

    /// # Errors
    /// [`ForeignAddress`] when the name contains an `@` and is not this address.
    pub fn check_against(&self, email: Option<&EmailAddress>) -> Result<(), ForeignAddress> {
        let is_own = || email.is_some_and(|email| email.key() == self.key());
        if self.0.contains('@') && !is_own() {
            Err(ForeignAddress)
        } else {
            Ok(())
        }
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is unique among accounts.
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

fn is_allowed(c: char) -> bool {
    (c.is_alphanumeric() && !is_invisible(c)) || matches!(c, '@' | '.' | '+' | '-' | '_' | ' ')
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username({})", self.0)
    }
}

impl TryFrom<String> for Username {
    type Error = ParseUsernameError;

    fn try_from(text: String) -> Result<Self, ParseUsernameError> {
        Self::parse(&text)
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_people_have_are_accepted() {
        for text in [
            "ada",
            "John Smith",
            "a@b.co",
            "x+y-z_1.2",
            "Жанна",
            "山田太郎",
            " padded ",
        ] {
            assert!(Username::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_breaks_a_rule_is_refused_for_that_rule() {
        let long = "a".repeat(151);
        for (text, error) in [
            ("", ParseUsernameError::Blank),
            ("   ", ParseUsernameError::Blank),
            (long.as_str(), ParseUsernameError::TooLong),
            ("a  b", ParseUsernameError::Character),
            ("a/b", ParseUsernameError::Character),
            ("a\0b", ParseUsernameError::Character),
            ("a\tb", ParseUsernameError::Character),
            ("a\u{200D}b", ParseUsernameError::Character),
            ("a\u{3164}b", ParseUsernameError::Character),
            ("<script>", ParseUsernameError::Character),
        ] {
            assert_eq!(Username::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn case_and_width_do_not_make_another_name() {
        assert_eq!(
            Username::parse("ＡＤＡ").unwrap().key(),
            Username::parse("ada").unwrap().key()
        );
    }

    #[test]
    fn a_name_that_is_an_address_must_be_the_own_one() {
        let name = Username::parse("Ada@example.com").unwrap();
        let own = EmailAddress::parse("ada@example.com").unwrap();
        let other = EmailAddress::parse("eve@example.com").unwrap();
        assert_eq!(name.check_against(Some(&own)), Ok(()));
        assert_eq!(name.check_against(Some(&other)), Err(ForeignAddress));
        assert_eq!(name.check_against(None), Err(ForeignAddress));
    }

    #[test]
    fn a_suggested_name_keeps_what_a_username_may_have() {
        let suggest =
            |text: &str| Username::suggested_by(&EmailAddress::parse(text).unwrap()).to_string();
        assert_eq!(suggest("Ada.L+x@example.com"), "Ada.L+x");
        assert_eq!(suggest("o'hara@example.com"), "ohara");
        assert_eq!(suggest("!!!@example.com"), "user");
    }

    #[test]
    fn a_numbered_name_stays_within_the_limit() {
        let name = Username::parse(&"a".repeat(150)).unwrap().numbered(12);
        assert_eq!(name.as_str().chars().count(), 150);
        assert!(name.as_str().ends_with("a12"));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_and_what_parses_parses_again(text in any::<String>()) {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(Username::parse(name.as_str()), Ok(name));
            }
        }
    }
}
