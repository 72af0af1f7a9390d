//! The keys that are derived from `SECRET_KEY`, one for each purpose (HKDF, RFC 5869), so that no value made under one
//! can be used as another.

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
}

impl Keys {
    pub(crate) fn derive(secret: &SecretString) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let root = Salt::new(HKDF_SHA256, b"doorward").extract(secret);
        Self {
            token: hmac::Key::new(HMAC_SHA256, secret),
            refresh_jti: expand(&root, b"refresh token jti v1"),
            refresh_uuid: expand(&root, b"refresh token uuid v1"),
            refresh_digest: expand(&root, b"refresh token digest v1"),
        }
    }
}

#[expect(clippy::expect_used, reason = "only more than 255 blocks are refused")]
fn expand(root: &Prk, label: &[u8]) -> hmac::Key {
    root.expand(&[label], HMAC_SHA256)
        .map(hmac::Key::from)
        .expect("one block is given")
}

/// 32 bytes for one purpose, for keys that are no HMAC keys.
pub(crate) fn expand_bytes(secret: &SecretString, label: &[u8]) -> [u8; 32] {
    let secret = secret.expose_secret().as_bytes();
    let root = Salt::new(HKDF_SHA256, b"doorward").extract(secret);
    let mut bytes = [0; 32];
    #[expect(clippy::expect_used, reason = "one block is given")]
    root.expand(&[label], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut bytes))
        .expect("one block is given");
    bytes
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// The present key, and earlier ones that still verify and never make anything new.
#[derive(Debug)]
pub(crate) struct KeyRing {
    pub(crate) present: Keys,
    earlier: Vec<Keys>,
}

impl KeyRing {
    pub(crate) fn new(present: &SecretString, earlier: &[SecretString]) -> Self {
        Self {
            present: Keys::derive(present),
            earlier: earlier.iter().map(Keys::derive).collect(),
        }
    }

    /// The present keys first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Keys> {
        std::iter::once(&self.present).chain(&self.earlier)
    }
}
