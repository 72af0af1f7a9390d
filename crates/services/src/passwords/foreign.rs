//! The hashes that Django's other hashers made: verified as they are, and replaced at the next login.
//!
//! Their parameters come out of somebody else's database, so they are bounded: one login takes neither gigabytes nor
//! minutes, whatever a row says.

mod argon2;
mod bcrypt;
mod pbkdf2;
mod scrypt;

use self::argon2::Argon2;
use self::bcrypt::Bcrypt;
use self::pbkdf2::Pbkdf2;
use self::scrypt::Scrypt;
use doorward_domain::{Password, PasswordHash};

/// Why a stored hash verifies no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverifiable {
    /// None of the algorithms that are known here made it.
    #[error("its algorithm is not known")]
    Algorithm,
    /// It is not written as its algorithm writes it.
    #[error("it is damaged")]
    Damaged,
    /// To verify it would take more memory or time than a login may.
    #[error("it is too costly to verify")]
    TooCostly,
}

/// A hash that can be verified.
#[derive(Debug)]
pub(super) enum ForeignHash {
    Pbkdf2(Pbkdf2),
    Argon2(Argon2),
    Scrypt(Scrypt),
    Bcrypt(Bcrypt),
}

impl ForeignHash {
    pub(super) fn parse(hash: &PasswordHash) -> Result<Self, Unverifiable> {
        let parameters = hash.parameters();
        match hash.algorithm() {
            "pbkdf2_sha256" => Pbkdf2::parse_sha256(parameters).map(Self::Pbkdf2),
            "pbkdf2_sha1" => Pbkdf2::parse_sha1(parameters).map(Self::Pbkdf2),
            "argon2" => Argon2::parse(parameters).map(Self::Argon2),
            "scrypt" => Scrypt::parse(parameters).map(Self::Scrypt),
            "bcrypt" => Bcrypt::parse(parameters).map(Self::Bcrypt),
            _ => Err(Unverifiable::Algorithm),
        }
    }

    pub(super) fn matches(&self, password: &Password) -> bool {
        match self {
            Self::Pbkdf2(hash) => hash.matches(password),
            Self::Argon2(hash) => hash.matches(password),
            Self::Scrypt(hash) => hash.matches(password),
            Self::Bcrypt(hash) => hash.matches(password),
        }
    }
}

/// A number as Django writes it, without a sign, at most `maximum`.
fn number(text: &str, maximum: u32) -> Result<u32, Unverifiable> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unverifiable::Damaged);
    }
    // What is too long for the type is too large all the more.
    let number = text.parse().unwrap_or(u32::MAX);
    match number {
        0 => Err(Unverifiable::Damaged),
        number if number > maximum => Err(Unverifiable::TooCostly),
        number => Ok(number),
    }
}

#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
