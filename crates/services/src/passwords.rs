//! Passwords in Django's notation: hashed as `bcrypt_sha256`, verified in the pool.

use crate::hashing::{HashingPool, Overloaded};
use aws_lc_rs::digest::{SHA256, digest};
use doorward_domain::{Password, PasswordHash};
use std::fmt::Write;

/// Django's `BCryptSHA256PasswordHasher`: the SHA-256 in hex is what bcrypt gets, so that nothing is cut at 72 bytes.
const BCRYPT_SHA256: &str = "bcrypt_sha256";

/// Hashes and verifies passwords.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    pool: HashingPool,
    cost: u32,
    /// A hash that nothing matches, for accounts that do not exist: it costs what a real one costs.
    dummy: String,
}

/// What a verification says.
#[derive(Debug)]
pub(crate) enum Verification {
    /// It is the password.
    Match {
        /// The hash to store in place of the present one, which is not as new ones are.
        replacement: Option<PasswordHash>,
    },
    /// It is not, or there is none.
    Mismatch,
}

impl Passwords {
    pub(crate) fn new(pool: HashingPool, cost: u32) -> Self {
        let dummy = format!(
            "$2b${cost:02}${}",
            // The last character of each part stands for fewer bits than six; the others of it must be zero.
            "abcdefghijklmnopqrstuu".to_owned() + &"x".repeat(30) + "u"
        );
        Self { pool, cost, dummy }
    }

    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, Overloaded> {
        let cost = self.cost;
        self.pool.run(move || hash(&password, cost)).await
    }

    /// Takes as long without a hash as with one.
    pub(crate) async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verification, Overloaded> {
        let (cost, dummy) = (self.cost, self.dummy.clone());
        self.pool
            .run(move || match stored {
                Some(stored) if matches(&password, &stored) => Verification::Match {
                    replacement: (!is_current(&stored, cost)).then(|| hash(&password, cost)),
                },
                Some(_) => Verification::Mismatch,
                None => {
                    let _ = bcrypt::verify(digest_hex(&password), &dummy);
                    Verification::Mismatch
                }
            })
            .await
    }
}

#[expect(
    clippy::expect_used,
    reason = "the cost is bounded, and the digest has neither NUL nor 72 bytes"
)]
fn hash(password: &Password, cost: u32) -> PasswordHash {
    let hash = bcrypt::hash(digest_hex(password), cost).expect("bcrypt takes any digest");
    PasswordHash::parse(format!("{BCRYPT_SHA256}${hash}")).expect("the notation is ours")
}

/// A hash of an algorithm that we do not know matches nothing.
fn matches(password: &Password, stored: &PasswordHash) -> bool {
    match stored.algorithm() {
        BCRYPT_SHA256 => bcrypt::verify(digest_hex(password), stored.parameters()).unwrap_or(false),
        algorithm => {
            tracing::warn!(algorithm, "a stored password hash cannot be verified");
            false
        }
    }
}

fn is_current(stored: &PasswordHash, cost: u32) -> bool {
    stored.algorithm() == BCRYPT_SHA256
        && stored.parameters().split('$').nth(2) == Some(format!("{cost:02}").as_str())
}

fn digest_hex(password: &Password) -> String {
    digest(&SHA256, password.expose().as_bytes())
        .as_ref()
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashing::HashingLimits;

    fn passwords(cost: u32) -> Passwords {
        Passwords::new(HashingPool::start(HashingLimits::default()).unwrap(), cost)
    }

    fn password(text: &str) -> Password {
        Password::parse(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let passwords = passwords(4);
        let hash = passwords.hash(password("correct horse")).await.unwrap();
        assert!(hash.as_str().starts_with("bcrypt_sha256$$2b$04$"));
        let verify = |text: &str| passwords.verify(password(text), Some(hash.clone()));
        assert!(matches!(
            verify("correct horse").await.unwrap(),
            Verification::Match { replacement: None }
        ));
        assert!(matches!(
            verify("correct horsf").await.unwrap(),
            Verification::Mismatch
        ));
    }

    #[tokio::test]
    async fn a_hash_that_django_made_matches() {
        let stored = "bcrypt_sha256$$2b$04$sYhUtFwJ2uRy4qcxcLkgJuGZkTOwgQASpb2aQfRN9RIwZ5L/iZmu6";
        let verified = passwords(4)
            .verify(
                password("lètmein-Doorward"),
                Some(PasswordHash::parse(stored).unwrap()),
            )
            .await;
        assert!(matches!(
            verified.unwrap(),
            Verification::Match { replacement: None }
        ));
    }

    #[tokio::test]
    async fn nothing_is_cut_at_72_bytes() {
        let passwords = passwords(4);
        let hash = passwords.hash(password(&"a".repeat(73))).await.unwrap();
        let other = passwords
            .verify(password(&("a".repeat(72) + "b")), Some(hash))
            .await
            .unwrap();
        assert!(matches!(other, Verification::Mismatch));
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_replaced_when_it_matches() {
        let old = passwords(4).hash(password("correct horse")).await.unwrap();
        let passwords = passwords(5);
        let Verification::Match {
            replacement: Some(new),
        } = passwords
            .verify(password("correct horse"), Some(old))
            .await
            .unwrap()
        else {
            panic!("it matches and is replaced");
        };
        assert!(new.as_str().starts_with("bcrypt_sha256$$2b$05$"));
    }

    #[tokio::test]
    async fn without_a_hash_the_dummy_is_worked_through_and_never_matches() {
        let passwords = passwords(4);
        assert!(
            bcrypt::verify("x", &passwords.dummy).is_ok_and(|matches| !matches),
            "a well-formed hash"
        );
        assert!(matches!(
            passwords.verify(password("x"), None).await.unwrap(),
            Verification::Mismatch
        ));
    }

    #[tokio::test]
    async fn an_unknown_or_damaged_hash_matches_nothing() {
        for stored in [
            "md5$abc$def",
            "bcrypt_sha256$$2b$99$x",
            "bcrypt_sha256$junk",
            "unusable$!",
        ] {
            let stored = PasswordHash::parse(stored).unwrap();
            let verified = passwords(4)
                .verify(password("x"), Some(stored))
                .await
                .unwrap();
            assert!(matches!(verified, Verification::Mismatch));
        }
    }
}
