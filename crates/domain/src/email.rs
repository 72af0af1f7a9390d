//! Email addresses.

use crate::folding::fold;
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// The longest address that SMTP can carry: RFC 5321, section 4.5.3.1.3, less the angle brackets.
pub const MAX_LENGTH: usize = 254;

/// An address as its owner spells it, but for the domain, which is in lower case, and compared by [`key`](Self::key).
///
/// What is accepted is what Django's `EmailValidator` accepts, without quoted local parts and literal IP addresses.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// The text is no email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Enter a valid email address.")]
pub struct ParseEmailError;

impl EmailAddress {
    /// # Errors
    /// [`ParseEmailError`] when the text is no address or longer than [`MAX_LENGTH`].
    pub fn parse(text: &str) -> Result<Self, ParseEmailError> {
        let text: String = text.trim().nfkc().collect();
        let (local, domain) = text.rsplit_once('@').ok_or(ParseEmailError)?;
        let domain = domain.to_lowercase();
        if local.len() + 1 + domain.len() > MAX_LENGTH
            || !is_local_part(local)
            || !is_domain(&domain)
        {
            return Err(ParseEmailError);
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The address as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0
            .rsplit_once('@')
            .map_or(self.as_str(), |(local, _)| local)
    }

    /// The form that is unique among accounts.
    pub fn key(&self) -> String {
        fold(&self.0)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({})", self.0)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = ParseEmailError;

    fn try_from(text: String) -> Result<Self, ParseEmailError> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.0
    }
}

/// A dot-atom of RFC 5322: no empty run between dots.
fn is_local_part(local: &str) -> bool {
    local.len() <= 64
        && local.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
        })
}

/// Labels of letters, digits and inner hyphens, the last of at least two characters and not a number; or `localhost`.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().count() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c == '-' || (c.is_alphanumeric() && !crate::folding::is_invisible(c)))
    };
    domain == "localhost"
        || domain.rsplit_once('.').is_some_and(|(rest, last)| {
            is_label(last)
                && last.chars().count() >= 2
                && !last.chars().all(|c| c.is_ascii_digit())
                && rest.split('.').all(is_label)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_that_people_have_are_accepted() {
        for text in [
            "ada@example.com",
            "a.b+c@sub.example.co",
            "o'hara@example.org",
            "ada@пример.рф",
            "root@localhost",
        ] {
            assert!(EmailAddress::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example",
            "ada@.com",
            "a..b@example.com",
            ".a@example.com",
            "a b@example.com",
            "a@b@example.com",
            "ada@-x.com",
            "ada@x-.com",
            "ada@exa mple.com",
            "ada@1.2.3.4",
            "a\0@example.com",
            "a\n@example.com",
            "\"a\"@example.com",
            &long,
        ] {
            assert_eq!(EmailAddress::parse(text), Err(ParseEmailError), "{text:?}");
        }
    }

    #[test]
    fn the_domain_is_in_lower_case_and_the_local_part_as_typed() {
        let email = EmailAddress::parse(" Ada.L@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "Ada.L@example.com");
        assert_eq!(email.local_part(), "Ada.L");
        assert_eq!(email.key(), "ada.l@example.com");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_and_what_parses_parses_again(text in any::<String>()) {
            if let Ok(email) = EmailAddress::parse(&text) {
                prop_assert_eq!(EmailAddress::parse(email.as_str()), Ok(email));
            }
        }
    }
}
