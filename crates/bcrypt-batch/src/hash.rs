//! The notation in which hashes are stored: `$2b$12$`, the salt and the digest.

use crate::batch::hash_batch;
use crate::cost::Cost;
use crate::job::{Job, PasswordTooLong, Salt};
use crate::lanes::Digest;
use base64::Engine;
use base64::alphabet;
use base64::display::Base64Display;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq;

/// Its own alphabet, no padding, and the bits that the last character has too many must be zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// The second character of the notation: by whom a hash was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `$2a$`: OpenBSD until 2014, and many others since. Computed like `$2b$`.
    TwoA,
    /// `$2b$`: OpenBSD since 2014. All new hashes are of it.
    TwoB,
    /// `$2x$`: `crypt_blowfish` until 2011, which took bytes over 127 for negative. Computed with that fault, without which
    /// such hashes would match nothing, and never made anew.
    TwoX,
    /// `$2y$`: `crypt_blowfish` and PHP since 2011. Computed like `$2b$`.
    TwoY,
}

/// A hash with all that it takes to verify a password against it.
///
/// Its text form, by [`Display`](fmt::Display) and [`FromStr`], is what is stored: always 60 characters. Two are compared
/// in constant time.
#[derive(Clone)]
pub struct Hash {
    version: Version,
    cost: Cost,
    salt: Salt,
    digest: Digest,
}

/// A text that is no bcrypt hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHash {
    /// It is not `$`, a version, `$`, two digits, `$` and 53 more characters.
    #[error("a bcrypt hash has 60 characters, as $2b$12$ and 53 more")]
    Shape,
    /// The version is none of [`Version`].
    #[error("the version of a bcrypt hash is 2a, 2b, 2x or 2y")]
    Version,
    /// The cost is not 04 to 31.
    #[error("the cost of a bcrypt hash is 04 to 31")]
    Cost,
    /// The salt or the digest has a character that cannot be there.
    #[error("the salt or the digest of a bcrypt hash is damaged")]
    Encoding,
}

impl Hash {
    pub(crate) fn of(job: &Job, digest: Digest) -> Self {
        Self {
            version: job.version,
            cost: job.cost,
            salt: job.salt,
            digest,
        }
    }

    /// The job of hashing this password as this hash was made. If what it gives equals this hash, it is the password.
    ///
    /// # Errors
    /// When the password has more than 72 bytes.
    pub fn job(&self, password: &[u8]) -> Result<Job, PasswordTooLong> {
        Job::with_version(self.version, password, self.salt, self.cost)
    }

    /// Whether it is the password. One hash, computed at once; for several at a time there are [`job`](Self::job) and
    /// [`hash_batch`].
    ///
    /// # Errors
    /// When the password has more than 72 bytes.
    pub fn verify(&self, password: &[u8]) -> Result<bool, PasswordTooLong> {
        let job = self.job(password)?;
        Ok(hash_batch([&job]).contains(self))
    }

    /// By whom it was made.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How much work it was.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// The salt.
    pub fn salt(&self) -> Salt {
        self.salt
    }

    /// The bytes that bcrypt computed. Not to be compared with `==`: that stops at the first difference.
    pub fn digest(&self) -> [u8; 23] {
        self.digest
    }
}

/// The digests are compared in constant time; what is known anyway is not.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        let alike =
            self.version == other.version && self.cost == other.cost && self.salt == other.salt;
        alike & bool::from(self.digest.ct_eq(&other.digest))
    }
}

impl Eq for Hash {}

impl FromStr for Hash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        let &[
            b'$',
            number,
            letter,
            b'$',
            tens @ b'0'..=b'9',
            ones @ b'0'..=b'9',
            b'$',
            ref rest @ ..,
        ] = text.as_bytes()
        else {
            return Err(InvalidHash::Shape);
        };
        let version = match [number, letter] {
            [b'2', b'a'] => Version::TwoA,
            [b'2', b'b'] => Version::TwoB,
            [b'2', b'x'] => Version::TwoX,
            [b'2', b'y'] => Version::TwoY,
            _ => return Err(InvalidHash::Version),
        };
        let cost = u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
        let cost = Cost::new(cost).map_err(|_range| InvalidHash::Cost)?;
        let Some((salt, digest)) = rest.split_first_chunk::<22>() else {
            return Err(InvalidHash::Shape);
        };
        let digest: &[u8; 31] = digest.try_into().map_err(|_length| InvalidHash::Shape)?;
        Ok(Self {
            version,
            cost,
            salt: decode(salt)?,
            digest: decode(digest)?,
        })
    }
}

fn decode<const N: usize>(text: &[u8]) -> Result<[u8; N], InvalidHash> {
    let mut bytes = [0; N];
    match BASE64.decode_slice(text, &mut bytes) {
        Ok(length) if length == N => Ok(bytes),
        Ok(_) | Err(_) => Err(InvalidHash::Encoding),
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let salt = Base64Display::new(&self.salt, &BASE64);
        let digest = Base64Display::new(&self.digest, &BASE64);
        write!(f, "${}${:02}${salt}{digest}", self.version, self.cost)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoA => "2a",
            Self::TwoB => "2b",
            Self::TwoX => "2x",
            Self::TwoY => "2y",
        })
    }
}

/// Without the salt and the digest, from which the password could be guessed.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}${:02}$…", self.version, self.cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of jBCrypt, for the password "a".
    const HASH: &str = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";

    fn invalid(text: &str) -> InvalidHash {
        text.parse::<Hash>().unwrap_err()
    }

    #[test]
    fn what_is_read_is_written_again() {
        for version in ["2a", "2b", "2x", "2y"] {
            for cost in 4..=31 {
                let text = HASH.replace("2a$06", &format!("{version}${cost:02}"));
                assert_eq!(text.parse::<Hash>().unwrap().to_string(), text);
            }
        }
    }

    #[test]
    fn a_text_of_another_shape_is_no_hash() {
        for text in [
            "",
            "$",
            "$2a$06$",
            HASH.get(1..).unwrap(),
            HASH.get(..59).unwrap(),
            HASH.get(..29).unwrap(),
            &format!("{HASH}."),
            &format!(" {HASH}"),
            &HASH.replace("$06$", "$6$"),
            &HASH.replace("$06$", "$+6$"),
            &HASH.replace("$06$", "$006$"),
            &HASH.replace("2a$", "2$"),
            &HASH.replace('$', "-"),
        ] {
            assert_eq!(invalid(text), InvalidHash::Shape, "{text}");
        }
    }

    #[test]
    fn an_unknown_version_is_no_hash() {
        for version in ["2c", "2A", "2 ", "1a", "2`", "2{", "2\0"] {
            assert_eq!(invalid(&HASH.replace("2a", version)), InvalidHash::Version);
        }
    }

    #[test]
    fn a_cost_that_nobody_hashes_with_is_no_hash() {
        for cost in ["00", "03", "32", "99"] {
            let text = HASH.replace("$06$", &format!("${cost}$"));
            assert_eq!(invalid(&text), InvalidHash::Cost);
        }
    }

    #[test]
    fn every_character_outside_of_the_alphabet_is_damage() {
        for place in 7..60 {
            for wrong in ["$", "=", "+", "-", " ", "\0", "\u{7f}"] {
                let mut text = HASH.to_owned();
                text.replace_range(place..=place, wrong);
                assert_eq!(invalid(&text), InvalidHash::Encoding, "{text}");
            }
        }
        let wide = HASH.replace("m0", "é");
        assert_eq!(wide.len(), 60);
        assert_eq!(invalid(&wide), InvalidHash::Encoding);
    }

    #[test]
    fn the_last_characters_have_no_other_spelling() {
        // Two bits of the salt's last character belong to it, and four of the digest's.
        for (place, right) in [(28, ".Oeu"), (59, ".CGKOSWaeimquy26")] {
            for character in
                "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".chars()
            {
                let mut text = HASH.to_owned();
                text.replace_range(place..=place, &character.to_string());
                assert_eq!(
                    text.parse::<Hash>().is_ok(),
                    right.contains(character),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn hashes_that_differ_anywhere_are_not_equal() {
        let hash: Hash = HASH.parse().unwrap();
        assert!(hash == hash.clone());
        for other in [
            HASH.replace("2a", "2b"),
            HASH.replace("$06", "$07"),
            HASH.replace("$m0", "$n0"),
            HASH.replace("Vfxe", "Vfxi"),
            HASH.replace("O3rS", "O4rS"),
        ] {
            assert!(hash != other.parse().unwrap(), "{other}");
        }
    }

    #[test]
    fn a_password_is_verified() {
        let hash: Hash = HASH.parse().unwrap();
        assert_eq!(hash.verify(b"a"), Ok(true));
        assert_eq!(hash.verify(b"b"), Ok(false));
        assert_eq!(hash.verify(&[b'a'; 73]), Err(PasswordTooLong));
    }

    #[test]
    fn neither_salt_nor_digest_is_printed() {
        let hash: Hash = HASH.parse().unwrap();
        assert_eq!(format!("{hash:?}"), "$2a$06$…");
    }
}
