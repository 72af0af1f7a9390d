//! How passwords are hashed and which are refused.

use super::reader::Reader;
use doorward_domain::password_policy::{ParsePolicyError, PasswordPolicy};

/// The rules for passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passwords {
    /// `BCRYPT_COST`: one more doubles the work.
    pub bcrypt_cost: u32,
    /// `PASSWORD_VALIDATORS`: what a new password has to pass.
    pub policy: PasswordPolicy,
}

impl Passwords {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let names = ParsePolicyError.to_string();
        Self {
            bcrypt_cost: reader
                .parsed("BCRYPT_COST", "a whole number from 10 to 15", |text| {
                    text.parse().ok().filter(|cost| (10..=15).contains(cost))
                })
                .unwrap_or(12),
            policy: reader
                .parsed(
                    "PASSWORD_VALIDATORS",
                    names.strip_prefix("must be ").unwrap_or(&names),
                    |text| text.parse().ok(),
                )
                .unwrap_or_default(),
        }
    }
}
