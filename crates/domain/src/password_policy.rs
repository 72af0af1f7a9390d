//! The four password validators that Django ships, in Django's wording.
//!
//! The rules are those of `django.contrib.auth.password_validation`; the strength data behind "too common" is that of
//! the zxcvbn crate.

use crate::email::EmailAddress;
use crate::password::Password;
use crate::username::Username;
use std::str::FromStr;

/// Django's `MinimumLengthValidator` asks for this many characters.
pub const MIN_CHARS: usize = 8;
/// Django's `UserAttributeSimilarityValidator` refuses from this share of common characters on.
const MAX_SIMILARITY: f64 = 0.7;
/// Django's list of common passwords has this many: what is guessed within as many attempts is common.
const COMMON_GUESSES: u64 = 20_000;

/// Nothing that is longer is common; and to look at a long text costs more than to hash it.
const MOST_COMMON_CHARS: usize = 20;

/// Which validators a new password has to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a switch for each validator")]
pub struct PasswordPolicy {
    /// Not like the username or the email address.
    pub similarity: bool,
    /// At least [`MIN_CHARS`] characters.
    pub length: bool,
    /// Not among the passwords that are guessed first.
    pub common: bool,
    /// Not of digits alone.
    pub numeric: bool,
}

/// One rule that a password breaks; its text is Django's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too much of it stands in the username.
    #[error("The password is too similar to the username.")]
    LikeUsername,
    /// Too much of it stands in the email address.
    #[error("The password is too similar to the email address.")]
    LikeEmail,
    /// Under [`MIN_CHARS`] characters.
    #[error("This password is too short. It must contain at least 8 characters.")]
    TooShort,
    /// Everybody tries it.
    #[error("This password is too common.")]
    TooCommon,
    /// Digits alone.
    #[error("This password is entirely numeric.")]
    Numeric,
}

/// The text names no validator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a list of similarity, length, common and numeric, or none")]
pub struct ParsePolicyError;

impl PasswordPolicy {
    /// All four, as Django's project template sets them.
    pub const DJANGO: Self = Self {
        similarity: true,
        length: true,
        common: true,
        numeric: true,
    };
    /// Any password passes.
    pub const NONE: Self = Self {
        similarity: false,
        length: false,
        common: false,
        numeric: false,
    };

    /// Every rule that the password breaks, in Django's order; empty when it passes.
    pub fn weaknesses(
        &self,
        password: &Password,
        username: Option<&Username>,
        email: Option<&EmailAddress>,
    ) -> Vec<WeakPassword> {
        let text = password.expose();
        let like_username = || username.is_some_and(|name| is_similar(text, name.as_str()));
        let like_email = || email.is_some_and(|email| is_similar(text, email.as_str()));
        [
            (
                self.similarity && like_username(),
                WeakPassword::LikeUsername,
            ),
            (self.similarity && like_email(), WeakPassword::LikeEmail),
            (
                self.length && text.chars().count() < MIN_CHARS,
                WeakPassword::TooShort,
            ),
            (self.common && is_common(text), WeakPassword::TooCommon),
            (
                self.numeric && text.chars().all(char::is_numeric),
                WeakPassword::Numeric,
            ),
        ]
        .into_iter()
        .filter_map(|(broken, weakness)| broken.then_some(weakness))
        .collect()
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self::DJANGO
    }
}

impl FromStr for PasswordPolicy {
    type Err = ParsePolicyError;

    fn from_str(text: &str) -> Result<Self, ParsePolicyError> {
        let mut policy = Self::NONE;
        if text.trim() == "none" {
            return Ok(policy);
        }
        for name in text.split(',') {
            match name.trim() {
                "similarity" => policy.similarity = true,
                "length" => policy.length = true,
                "common" => policy.common = true,
                "numeric" => policy.numeric = true,
                _ => return Err(ParsePolicyError),
            }
        }
        Ok(policy)
    }
}

/// Django compares with the attribute and with each of its words, where the lengths are near enough to matter.
fn is_similar(password: &str, attribute: &str) -> bool {
    let password = password.to_lowercase();
    let attribute = attribute.to_lowercase();
    attribute
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .chain([attribute.as_str()])
        .filter(|part| !part.is_empty() && !is_much_longer(&password, part))
        .any(|part| common_share(&password, part) >= MAX_SIMILARITY)
}

/// Django's `exceeds_maximum_length_ratio`: a word that makes up so little of a long password cannot be similar to it.
fn is_much_longer(password: &str, part: &str) -> bool {
    let (password, part) = (count(password), count(part));
    password >= 10.0 * part && part < MAX_SIMILARITY / 2.0 * password
}

/// Python's `SequenceMatcher.quick_ratio`: twice the characters that both have, over the characters of both.
fn common_share(a: &str, b: &str) -> f64 {
    let mut rest: Vec<char> = b.chars().collect();
    let common = a
        .chars()
        .filter(|c| {
            rest.iter()
                .position(|r| r == c)
                .map(|at| rest.swap_remove(at))
                .is_some()
        })
        .count();
    2.0 * f64::from(u32::try_from(common).unwrap_or(u32::MAX)) / (count(a) + count(b))
}

fn count(text: &str) -> f64 {
    f64::from(u32::try_from(text.chars().count()).unwrap_or(u32::MAX))
}

fn is_common(text: &str) -> bool {
    if text.chars().count() > MOST_COMMON_CHARS {
        return false;
    }
    zxcvbn::zxcvbn(&text.trim().to_lowercase(), &[]).guesses() <= COMMON_GUESSES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weaknesses(password: &str) -> Vec<WeakPassword> {
        let username = Username::parse("adalovelace").unwrap();
        let email = EmailAddress::parse("countess@engine.example").unwrap();
        PasswordPolicy::DJANGO.weaknesses(
            &Password::parse(password.to_owned()).unwrap(),
            Some(&username),
            Some(&email),
        )
    }

    #[test]
    fn a_good_password_passes() {
        for password in [
            "securepassword123",
            "correct horse battery",
            "Tr0ub4dor&3x",
            "пароль-длинный",
        ] {
            assert_eq!(weaknesses(password), [], "{password}");
        }
    }

    #[test]
    fn each_validator_refuses_what_it_is_for() {
        for (password, weakness) in [
            ("lovelaceada", WeakPassword::LikeUsername),
            ("countess1", WeakPassword::LikeEmail),
            ("xK9-q", WeakPassword::TooShort),
            ("password", WeakPassword::TooCommon),
            ("Password1", WeakPassword::TooCommon),
            ("iloveyou", WeakPassword::TooCommon),
            ("83927461950371", WeakPassword::Numeric),
        ] {
            assert!(
                weaknesses(password).contains(&weakness),
                "{password}: {:?}",
                weaknesses(password)
            );
        }
    }

    #[test]
    fn a_long_password_is_not_looked_up_whatever_it_is_made_of() {
        let costly = "4@8({[<369&#!1/|0$5+7%2".repeat(10);
        assert_eq!(weaknesses(&costly), []);
        assert_eq!(weaknesses(&"password".repeat(8)), []);
    }

    #[test]
    fn all_messages_come_at_once_in_djangos_words() {
        let messages: Vec<_> = weaknesses("1234567")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            messages,
            [
                "This password is too short. It must contain at least 8 characters.",
                "This password is too common.",
                "This password is entirely numeric.",
            ]
        );
    }

    #[test]
    fn validators_are_chosen_by_name_and_none_lets_everything_pass() {
        assert_eq!(
            "similarity,length,common,numeric".parse(),
            Ok(PasswordPolicy::DJANGO)
        );
        assert_eq!("none".parse(), Ok(PasswordPolicy::NONE));
        assert_eq!(
            " length , numeric".parse(),
            Ok(PasswordPolicy {
                length: true,
                numeric: true,
                ..PasswordPolicy::NONE
            })
        );
        assert_eq!("lenght".parse::<PasswordPolicy>(), Err(ParsePolicyError));
        let password = Password::parse("1".to_owned()).unwrap();
        assert_eq!(PasswordPolicy::NONE.weaknesses(&password, None, None), []);
    }
}
