//! `argon2$argon2id$v=19$m=…,t=…,p=…$salt$hash`, and the varieties `argon2i` and `argon2d`: RFC 9106.

use super::{Unverifiable, number};
use argon2::{Algorithm, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use doorward_domain::Password;
use std::fmt;
use std::ops::RangeInclusive;

/// 256 MiB, in KiB. Django's default is 100 MiB.
const MOST_MEMORY: u32 = 256 * 1024;
/// KiB times passes: a few seconds of work. Django's default is 204,800.
const MOST_WORK: u32 = 2 * 1024 * 1024;
const MOST_LANES: u32 = 64;
/// argon2-cffi writes 32; the shortest that is as good as unguessable is half of it.
const BYTES: RangeInclusive<usize> = 16..=64;

pub(in crate::passwords) struct Argon2 {
    hasher: argon2::Argon2<'static>,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Argon2 {
    pub(super) fn parse(parameters: &str) -> Result<Self, Unverifiable> {
        let mut parts: Vec<_> = parameters.split('$').collect();
        // The first version of the algorithm did not write its number.
        if parts.len() == 4 {
            parts.insert(1, "v=16");
        }
        let [variety, version, costs, salt, hash] = parts.as_slice() else {
            return Err(Unverifiable::Damaged);
        };
        let algorithm = match *variety {
            "argon2id" => Algorithm::Argon2id,
            "argon2i" => Algorithm::Argon2i,
            "argon2d" => Algorithm::Argon2d,
            _ => return Err(Unverifiable::Algorithm),
        };
        let version = match *version {
            "v=19" => Version::V0x13,
            "v=16" => Version::V0x10,
            _ => return Err(Unverifiable::Algorithm),
        };
        let [memory, passes, lanes] = costs_of(costs)?;
        let bytes = |text: &str| STANDARD_NO_PAD.decode(text).unwrap_or_default();
        let (salt, hash) = (bytes(salt), bytes(hash));
        if salt.len() < argon2::MIN_SALT_LEN || !BYTES.contains(&hash.len()) {
            return Err(Unverifiable::Damaged);
        }
        let params = Params::new(memory, passes, lanes, Some(hash.len()))
            .map_err(|_invalid| Unverifiable::Damaged)?;
        Ok(Self {
            hasher: argon2::Argon2::new(algorithm, version, params),
            salt,
            hash,
        })
    }

    pub(super) fn matches(&self, password: &Password) -> bool {
        let mut computed = vec![0; self.hash.len()];
        let secret = password.expose().as_bytes();
        self.hasher
            .hash_password_into(secret, &self.salt, &mut computed)
            .is_ok_and(|()| verify_slices_are_equal(&computed, &self.hash).is_ok())
    }
}

impl fmt::Debug for Argon2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2").finish_non_exhaustive()
    }
}

/// Memory in KiB, passes and lanes.
fn costs_of(text: &str) -> Result<[u32; 3], Unverifiable> {
    let parts: Vec<_> = text.split(',').collect();
    let [memory, passes, lanes] = parts.as_slice() else {
        return Err(Unverifiable::Damaged);
    };
    let value = |part: &str, name: &str, maximum: u32| {
        let text = part.strip_prefix(name).ok_or(Unverifiable::Damaged)?;
        number(text, maximum)
    };
    let memory = value(memory, "m=", MOST_MEMORY)?;
    let passes = value(passes, "t=", MOST_WORK / memory)?;
    Ok([memory, passes, value(lanes, "p=", MOST_LANES)?])
}
