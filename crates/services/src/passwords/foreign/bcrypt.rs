//! `bcrypt$$2b$cost$…`: bcrypt of the password itself, and so of its first 72 bytes alone.

use super::Unverifiable;
use crate::passwords::bcrypt_hash;
use bcrypt_batch::{Hash, Version};
use doorward_domain::Password;
use std::fmt;

pub(in crate::passwords) struct Bcrypt(Hash);

impl Bcrypt {
    /// `$2b$`, `$2a$` and `$2y$` are one algorithm since its mistakes were mended; `$2x$` has kept one.
    pub(super) fn parse(parameters: &str) -> Result<Self, Unverifiable> {
        let hash = bcrypt_hash(parameters)?;
        match hash.version() {
            Version::TwoA | Version::TwoB | Version::TwoY => Ok(Self(hash)),
            Version::TwoX => Err(Unverifiable::Algorithm),
        }
    }

    /// A longer password is refused: to bcrypt all that begin with the same 72 bytes are one.
    pub(super) fn matches(&self, password: &Password) -> bool {
        let secret = password.expose().as_bytes();
        self.0.verify(secret).unwrap_or(false)
    }
}

impl fmt::Debug for Bcrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bcrypt").finish_non_exhaustive()
    }
}
