//! API keys: what services use in place of a password.
//!
//! A key is one row with one secret, which is shown once and of which only a digest is kept. Another secret may take its
//! place, and the one before may be good for a while beside it.

mod secret;

pub use secret::{ApiKeyPrefix, ApiKeySecret, ParseApiKeyError};

use crate::ids::{ApiKeyId, UserId};
use crate::scope::Scopes;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;

/// The most API keys of one user.
pub const MAX_API_KEYS_PER_USER: usize = 100;
/// The longest that a secret may be good beside the next one.
pub const MAX_OVERLAP: TimeDelta = TimeDelta::days(1);
/// How exact it is when a key was last used.
pub const USE_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// A key of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names the key, whatever its secret.
    pub id: ApiKeyId,
    /// For whom it acts.
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: ApiKeyName,
    /// How the present secret begins.
    pub prefix: ApiKeyPrefix,
    /// The digest of the present secret.
    pub digest: ApiKeyDigest,
    /// The secret before, where it was to be good for longer.
    pub previous: Option<PreviousSecret>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is good for nothing. None: it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, not more exact than [`USE_INTERVAL`].
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A secret that was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousSecret {
    /// Its digest.
    pub digest: ApiKeyDigest,
    /// From when on it is good for nothing.
    pub until: DateTime<Utc>,
}

/// How long a secret is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// For ever, unless the key is changed.
    Unlimited,
    /// Until this instant, which is after it.
    Until(DateTime<Utc>),
    /// It is not, or is none of the key's.
    Over,
}

impl ApiKey {
    /// How long the secret with this digest is good.
    pub fn validity(&self, digest: &ApiKeyDigest, now: DateTime<Utc>) -> Validity {
        let replaced_at = match &self.previous {
            _ if *digest == self.digest => None,
            Some(previous) if *digest == previous.digest => Some(previous.until),
            Some(_) | None => return Validity::Over,
        };
        match replaced_at.into_iter().chain(self.expires_at).min() {
            None => Validity::Unlimited,
            Some(end) if now < end => Validity::Until(end),
            Some(_) => Validity::Over,
        }
    }

    /// Whether it has expired.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// The same key with another secret. The one before is good for `overlap` more.
    #[must_use]
    pub fn regenerated(
        self,
        secret: (ApiKeyPrefix, ApiKeyDigest),
        overlap: TimeDelta,
        now: DateTime<Utc>,
    ) -> Self {
        let before = PreviousSecret {
            digest: self.digest,
            until: now + overlap,
        };
        let (prefix, digest) = secret;
        Self {
            prefix,
            digest,
            previous: (overlap > TimeDelta::zero()).then_some(before),
            ..self
        }
    }
}

/// The SHA-256 of a secret. A secret has too much chance in it to be guessed from that, so nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApiKeyDigest(pub [u8; 32]);

impl fmt::Debug for ApiKeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyDigest(…)")
    }
}

impl TryFrom<Vec<u8>> for ApiKeyDigest {
    type Error = Vec<u8>;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Vec<u8>> {
        bytes.try_into().map(Self)
    }
}

/// What somebody calls a key: 1 to 100 characters, none of them a control character, and no space at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyName(String);

/// Why a text is no name of a key, in the words of Django REST framework where it has some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseApiKeyNameError {
    /// There is nothing in it but space.
    #[error("This field may not be blank.")]
    Blank,
    /// It is too long.
    #[error("Ensure this field has no more than 100 characters.")]
    TooLong,
    /// There is something in it that cannot be seen.
    #[error("Control characters are not allowed.")]
    ControlCharacter,
}

impl ApiKeyName {
    /// The name in `text`, without the space around it.
    ///
    /// # Errors
    /// [`ParseApiKeyNameError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ParseApiKeyNameError> {
        let name = text.trim();
        if name.is_empty() {
            Err(ParseApiKeyNameError::Blank)
        } else if name.chars().any(char::is_control) {
            Err(ParseApiKeyNameError::ControlCharacter)
        } else if name.chars().count() > MAX_NAME_CHARS {
            Err(ParseApiKeyNameError::TooLong)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ApiKeyName {
    type Error = ParseApiKeyNameError;

    fn try_from(text: String) -> Result<Self, ParseApiKeyNameError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: ApiKeyDigest = ApiKeyDigest([2; 32]);
    const OLD: ApiKeyDigest = ApiKeyDigest([1; 32]);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn prefix() -> ApiKeyPrefix {
        ApiKeySecret::generate(|| 0).prefix()
    }

    fn key(expires_at: Option<i64>) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(at(0)),
            user_id: UserId::new(at(0)),
            name: ApiKeyName::parse("backup").unwrap(),
            prefix: prefix(),
            digest: OLD,
            previous: None,
            scopes: Scopes::READING,
            created_at: at(0),
            expires_at: expires_at.map(at),
            last_used_at: None,
        }
    }

    #[test]
    fn a_key_is_good_until_it_expires() {
        assert_eq!(key(None).validity(&OLD, at(1)), Validity::Unlimited);
        let limited = key(Some(10));
        assert_eq!(limited.validity(&OLD, at(9)), Validity::Until(at(10)));
        assert_eq!(limited.validity(&OLD, at(10)), Validity::Over);
        assert!(!limited.is_expired(at(9)) && limited.is_expired(at(10)));
        assert_eq!(limited.validity(&NEW, at(1)), Validity::Over);
    }

    #[test]
    fn a_secret_that_was_replaced_is_good_for_the_overlap_and_no_longer_than_the_key() {
        let regenerate = |expires_at, overlap| {
            key(expires_at).regenerated((prefix(), NEW), TimeDelta::seconds(overlap), at(100))
        };
        let at_once = regenerate(None, 0);
        assert_eq!(at_once.validity(&OLD, at(100)), Validity::Over);
        assert_eq!(at_once.validity(&NEW, at(100)), Validity::Unlimited);
        let later = regenerate(None, 60);
        assert_eq!(later.validity(&OLD, at(159)), Validity::Until(at(160)));
        assert_eq!(later.validity(&OLD, at(160)), Validity::Over);
        assert_eq!(later.validity(&NEW, at(160)), Validity::Unlimited);
        let limited = regenerate(Some(130), 60);
        assert_eq!(limited.validity(&OLD, at(101)), Validity::Until(at(130)));
        assert_eq!(limited.validity(&OLD, at(130)), Validity::Over);
        let twice = later.regenerated((prefix(), ApiKeyDigest([3; 32])), MAX_OVERLAP, at(110));
        assert_eq!(twice.validity(&OLD, at(111)), Validity::Over);
        assert_ne!(twice.validity(&NEW, at(111)), Validity::Over);
    }

    #[test]
    fn a_name_is_one_line_of_1_to_100_characters() {
        let longest = "ü".repeat(100);
        for (text, name) in [
            ("My API Key", Ok("My API Key")),
            ("  x\t", Ok("x")),
            (&longest, Ok(&*longest)),
            ("", Err(ParseApiKeyNameError::Blank)),
            (" \n ", Err(ParseApiKeyNameError::Blank)),
            ("a\0b", Err(ParseApiKeyNameError::ControlCharacter)),
            ("a\nb", Err(ParseApiKeyNameError::ControlCharacter)),
            (&format!("{longest}x"), Err(ParseApiKeyNameError::TooLong)),
        ] {
            let parsed = ApiKeyName::parse(text);
            let parsed = parsed.as_ref().map(ApiKeyName::as_str);
            assert_eq!(parsed.map_err(|error| *error), name, "{text}");
        }
    }
}
