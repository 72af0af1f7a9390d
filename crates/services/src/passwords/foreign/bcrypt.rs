//! `bcrypt$$2b$cost$…`: bcrypt of the password itself, and so of its first 72 bytes alone.

use super::{Unverifiable, number};
use crate::passwords::MOST_BCRYPT_COST;
use bcrypt::HashParts;
use doorward_domain::Password;
use std::fmt;

/// What bcrypt looks at.
const MOST_BYTES: usize = 72;

pub(in crate::passwords) struct Bcrypt(String);

impl Bcrypt {
    /// `$2b$`, `$2a$` and `$2y$` are one algorithm since its mistakes were mended; `$2x$` has kept one.
    pub(super) fn parse(parameters: &str) -> Result<Self, Unverifiable> {
        let is_known = ["$2b$", "$2a$", "$2y$"]
            .iter()
            .any(|prefix| parameters.starts_with(prefix));
        if !is_known {
            return Err(Unverifiable::Algorithm);
        }
        let cost = parameters.split('$').nth(2).unwrap_or_default();
        number(cost, MOST_BCRYPT_COST)?;
        parameters
            .parse::<HashParts>()
            .map_err(|_damage| Unverifiable::Damaged)?;
        Ok(Self(parameters.to_owned()))
    }

    /// A longer password is refused: to bcrypt all that begin with the same 72 bytes are one.
    pub(super) fn matches(&self, password: &Password) -> bool {
        let secret = password.expose().as_bytes();
        secret.len() <= MOST_BYTES && bcrypt::verify(secret, &self.0).unwrap_or(false)
    }
}

impl fmt::Debug for Bcrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bcrypt").finish_non_exhaustive()
    }
}
