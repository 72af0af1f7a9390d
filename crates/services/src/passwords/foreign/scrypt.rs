//! `scrypt$N$salt$r$p$hash`: RFC 7914, in Django's order of the parameters.

use super::{Unverifiable, number};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_domain::Password;
use scrypt::Params;
use std::fmt;

/// N times r blocks of 128 bytes: 256 MiB. Django's default is 16 MiB.
const MOST_MEMORY: u32 = 2 * 1024 * 1024;
/// N times r times p: a few seconds of work. Django's default is 655,360.
const MOST_WORK: u32 = 8 * 1024 * 1024;
const LENGTH: usize = 64;

pub(in crate::passwords) struct Scrypt {
    params: Params,
    salt: String,
    hash: Vec<u8>,
}

impl Scrypt {
    pub(super) fn parse(parameters: &str) -> Result<Self, Unverifiable> {
        let parts: Vec<_> = parameters.split('$').collect();
        let [n, salt, r, p, hash] = parts.as_slice() else {
            return Err(Unverifiable::Damaged);
        };
        let n = number(n, MOST_MEMORY)?;
        let r = number(r, MOST_MEMORY / n)?;
        let p = number(p, MOST_WORK / (n * r))?;
        let hash = STANDARD.decode(hash).unwrap_or_default();
        if n < 2 || !n.is_power_of_two() || salt.is_empty() || hash.len() != LENGTH {
            return Err(Unverifiable::Damaged);
        }
        let log_n = u8::try_from(n.ilog2()).map_err(|_large| Unverifiable::TooCostly)?;
        Ok(Self {
            params: Params::new(log_n, r, p).map_err(|_invalid| Unverifiable::Damaged)?,
            salt: (*salt).to_owned(),
            hash,
        })
    }

    pub(super) fn matches(&self, password: &Password) -> bool {
        let mut computed = [0; LENGTH];
        let (secret, salt) = (password.expose().as_bytes(), self.salt.as_bytes());
        scrypt::scrypt(secret, salt, &self.params, &mut computed)
            .is_ok_and(|()| verify_slices_are_equal(&computed, &self.hash).is_ok())
    }
}

impl fmt::Debug for Scrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrypt").finish_non_exhaustive()
    }
}
