//! The key pairs that sign tokens: prepared and published first, then active, then only verifying, then retired.

use chrono::{DateTime, Utc};
use std::fmt;
use std::str::FromStr;

/// How tokens are signed (RFC 7518, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum JwtAlgorithm {
    /// With the secret key, which whoever verifies has to know.
    #[default]
    Hs256,
    /// With a key pair, whose public part is published.
    KeyPair(KeyAlgorithm),
}

/// What a key pair signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
}

/// The text names no algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be HS256, EdDSA, ES256 or RS256")]
pub struct ParseAlgorithmError;

impl JwtAlgorithm {
    /// The value of `alg` (RFC 7518, 3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::KeyPair(algorithm) => algorithm.as_str(),
        }
    }
}

impl KeyAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// The value of `alg` (RFC 7518, 3.1; RFC 8037, 3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for JwtAlgorithm {
    type Err = ParseAlgorithmError;

    fn from_str(text: &str) -> Result<Self, ParseAlgorithmError> {
        if text == Self::Hs256.as_str() {
            Ok(Self::Hs256)
        } else {
            text.parse().map(Self::KeyPair)
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = ParseAlgorithmError;

    fn from_str(text: &str) -> Result<Self, ParseAlgorithmError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or(ParseAlgorithmError)
    }
}

/// Names a key pair, the `kid` of its tokens: the thumbprint of its public part (RFC 7638, SHA-256, base64url).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

/// The text is no thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a kid is 43 characters of base64url")]
pub struct ParseKeyIdError;

impl KeyId {
    const CHARS: usize = 43;

    /// Takes the text of a thumbprint: 43 letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: impl Into<String>) -> Result<Self, ParseKeyIdError> {
        let text = text.into();
        let is_kid = text.len() == Self::CHARS
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        is_kid.then_some(Self(text)).ok_or(ParseKeyIdError)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key pair is there for. There is one prepared and one active pair of an algorithm at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Published, so that whoever verifies knows it before it signs.
    Prepared,
    /// Signs.
    Active,
    /// Has signed; its tokens are still accepted.
    Retiring,
    /// Its tokens are refused, its private part is gone.
    Retired,
}

/// The text names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be prepared, active, retiring or retired")]
pub struct ParseKeyStateError;

impl KeyState {
    /// All of them, in the order in which a pair has them.
    pub const ALL: [Self; 4] = [Self::Prepared, Self::Active, Self::Retiring, Self::Retired];

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyState {
    type Err = ParseKeyStateError;

    fn from_str(text: &str) -> Result<Self, ParseKeyStateError> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(ParseKeyStateError)
    }
}

/// A key pair as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name.
    pub kid: KeyId,
    /// What it signs with.
    pub algorithm: KeyAlgorithm,
    /// The public part: the members of a JSON Web Key that the thumbprint is made of (RFC 7638, 3).
    pub public_key: String,
    /// The private part, encrypted; none once it is retired.
    pub sealed_key: Option<Vec<u8>>,
    /// What it is there for.
    pub state: KeyState,
    /// Since when it is there and published.
    pub created_at: DateTime<Utc>,
    /// Since when it signs or has signed.
    pub activated_at: Option<DateTime<Utc>>,
    /// Since when it signs no more.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// Since when it is refused.
    pub retired_at: Option<DateTime<Utc>>,
}

impl SigningKey {
    /// Whether its tokens are accepted, and its public part is told to everybody.
    pub fn is_published(&self) -> bool {
        self.state != KeyState::Retired
    }

    /// The pair from `now` on, when it signs.
    #[must_use]
    pub fn activated(self, now: DateTime<Utc>) -> Self {
        Self {
            state: KeyState::Active,
            activated_at: Some(now),
            ..self
        }
    }

    /// The pair from `now` on, when it only verifies.
    #[must_use]
    pub fn deactivated(self, now: DateTime<Utc>) -> Self {
        Self {
            state: KeyState::Retiring,
            deactivated_at: Some(now),
            ..self
        }
    }

    /// The pair from `now` on, when it is good for nothing.
    #[must_use]
    pub fn retired(self, now: DateTime<Utc>) -> Self {
        Self {
            state: KeyState::Retired,
            sealed_key: None,
            retired_at: Some(now),
            ..self
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_and_states_are_read_back_from_their_names_and_from_nothing_else() {
        for algorithm in KeyAlgorithm::ALL {
            let both = JwtAlgorithm::KeyPair(algorithm);
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
            assert_eq!(both.as_str().parse(), Ok(both));
        }
        assert_eq!("HS256".parse(), Ok(JwtAlgorithm::Hs256));
        assert_eq!("HS256".parse::<KeyAlgorithm>(), Err(ParseAlgorithmError));
        for text in ["none", "eddsa", "RS512", ""] {
            assert_eq!(text.parse::<JwtAlgorithm>(), Err(ParseAlgorithmError));
        }
        for state in KeyState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("revoked".parse::<KeyState>(), Err(ParseKeyStateError));
    }

    #[test]
    fn a_kid_is_a_thumbprint_and_fits_into_a_header_as_it_is() {
        let good = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(KeyId::parse(good).unwrap().as_str(), good);
        for bad in [
            "",
            "../../dev/null",
            "\"",
            good.trim_start_matches('N'),
            &good.replace('N', "\""),
        ] {
            assert_eq!(KeyId::parse(bad), Err(ParseKeyIdError), "{bad}");
        }
    }

    #[test]
    fn a_pair_goes_from_prepared_to_retired_and_loses_its_private_part_there() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let prepared = SigningKey {
            kid: KeyId::parse("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs").unwrap(),
            algorithm: KeyAlgorithm::EdDsa,
            public_key: "{}".to_owned(),
            sealed_key: Some(vec![1]),
            state: KeyState::Prepared,
            created_at: at(0),
            activated_at: None,
            deactivated_at: None,
            retired_at: None,
        };
        let active = prepared.activated(at(1));
        assert_eq!(
            (active.state, active.activated_at),
            (KeyState::Active, Some(at(1)))
        );
        let retiring = active.deactivated(at(2));
        assert!(retiring.is_published() && retiring.sealed_key.is_some());
        let retired = retiring.retired(at(3));
        assert!(!retired.is_published() && retired.sealed_key.is_none());
        assert_eq!(
            (
                retired.activated_at,
                retired.deactivated_at,
                retired.retired_at
            ),
            (Some(at(1)), Some(at(2)), Some(at(3)))
        );
        assert!(!format!("{retired:?}").contains("sealed"));
    }
}
