//! The keys that are derived from `SECRET_KEY`, one for each purpose (HKDF, RFC 5869), so that no value made under one
//! can be used as another; and the ring of all keys that this node knows.

use crate::pairs::Pairs;
use crate::sealing::SealingKey;
use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// What one secret key gives.
pub(crate) struct Keys {
    /// Signs and verifies tokens. It is the secret itself, so that a Django service with the same key can verify.
    pub(crate) token: hmac::Key,
    /// Derives the `jti` of refresh tokens.
    pub(crate) refresh_jti: hmac::Key,
    /// Derives the short form of refresh tokens.
    pub(crate) refresh_uuid: hmac::Key,
    /// Digests what is stored of them.
    pub(crate) refresh_digest: hmac::Key,
    /// Digests the places of users.
    pub(crate) place: hmac::Key,
    /// Encrypts the private parts of key pairs.
    pub(crate) signing_key_seal: SealingKey,
    /// Encrypts the secrets that sign webhooks.
    pub(crate) webhook_seal: SealingKey,
}

impl Keys {
    pub(crate) fn derive(secret: &SecretString) -> Self {
        let root = root(secret);
        Self {
            token: hmac::Key::new(HMAC_SHA256, secret.expose_secret().as_bytes()),
            refresh_jti: expand(&root, b"refresh token jti v1"),
            refresh_uuid: expand(&root, b"refresh token uuid v1"),
            refresh_digest: expand(&root, b"refresh token digest v1"),
            place: expand(&root, b"place digest v1"),
            signing_key_seal: SealingKey::expand(&root, b"signing key seal v1"),
            webhook_seal: SealingKey::expand(&root, b"webhook secret seal v1"),
        }
    }
}

/// What every key for a purpose of its own is expanded from.
pub(crate) fn root(secret: &SecretString) -> Prk {
    Salt::new(HKDF_SHA256, b"doorward").extract(secret.expose_secret().as_bytes())
}

#[expect(clippy::expect_used, reason = "only more than 255 blocks are refused")]
pub(crate) fn expand(root: &Prk, label: &[u8]) -> hmac::Key {
    root.expand(&[label], HMAC_SHA256)
        .map(hmac::Key::from)
        .expect("one block is given")
}

#[expect(clippy::expect_used, reason = "the length is that of the algorithm")]
pub(crate) fn expand_seal(root: &Prk, label: &[u8]) -> RandomizedNonceKey {
    let mut bytes = [0; 32];
    root.expand(&[label], HKDF_SHA256)
        .and_then(|key| key.fill(&mut bytes))
        .and_then(|()| RandomizedNonceKey::new(&AES_256_GCM, &bytes))
        .expect("32 bytes are a key")
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// The present key, earlier ones that still verify and never make anything new, and the key pairs.
#[derive(Debug)]
pub(crate) struct KeyRing {
    pub(crate) present: Keys,
    earlier: Vec<Keys>,
    /// Replaced as a whole whenever a pair is new, signs now or is retired, so that no request waits for a lock.
    pub(crate) pairs: ArcSwap<Pairs>,
}

impl KeyRing {
    pub(crate) fn new(present: &SecretString, earlier: &[SecretString]) -> Self {
        Self {
            present: Keys::derive(present),
            earlier: earlier.iter().map(Keys::derive).collect(),
            pairs: ArcSwap::default(),
        }
    }

    /// Whether there are earlier keys.
    pub(crate) fn has_earlier(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// The present keys first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Keys> {
        std::iter::once(&self.present).chain(&self.earlier)
    }
}
