//! `pbkdf2_sha256$iterations$salt$hash` and `pbkdf2_sha1$…`: Django's default.

use super::{Unverifiable, number};
use aws_lc_rs::pbkdf2::{Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, verify};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_domain::Password;
use std::fmt;
use std::num::NonZeroU32;

/// A few seconds of work. Django 5.2 writes 1,000,000, and each release somewhat more.
const MOST_ITERATIONS: u32 = 10_000_000;

pub(in crate::passwords) struct Pbkdf2 {
    algorithm: Algorithm,
    iterations: NonZeroU32,
    salt: String,
    hash: Vec<u8>,
}

impl Pbkdf2 {
    pub(super) fn parse_sha256(parameters: &str) -> Result<Self, Unverifiable> {
        Self::parse(parameters, PBKDF2_HMAC_SHA256, 32)
    }

    pub(super) fn parse_sha1(parameters: &str) -> Result<Self, Unverifiable> {
        Self::parse(parameters, PBKDF2_HMAC_SHA1, 20)
    }

    fn parse(parameters: &str, algorithm: Algorithm, length: usize) -> Result<Self, Unverifiable> {
        let parts: Vec<_> = parameters.split('$').collect();
        let [iterations, salt, hash] = parts.as_slice() else {
            return Err(Unverifiable::Damaged);
        };
        let iterations = number(iterations, MOST_ITERATIONS)?;
        let hash = STANDARD.decode(hash).unwrap_or_default();
        if salt.is_empty() || hash.len() != length {
            return Err(Unverifiable::Damaged);
        }
        Ok(Self {
            algorithm,
            iterations: NonZeroU32::new(iterations).ok_or(Unverifiable::Damaged)?,
            salt: (*salt).to_owned(),
            hash,
        })
    }

    pub(super) fn matches(&self, password: &Password) -> bool {
        let (salt, secret) = (self.salt.as_bytes(), password.expose().as_bytes());
        verify(self.algorithm, self.iterations, salt, secret, &self.hash).is_ok()
    }
}

impl fmt::Debug for Pbkdf2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pbkdf2").finish_non_exhaustive()
    }
}
