//! Passwords in Django's notation: hashed as `bcrypt_sha256`, verified in the pool.

use crate::hashing::{HashingPool, Overloaded};
use aws_lc_rs::digest::{SHA256, digest};
use bcrypt::HashParts;
use doorward_domain::password_policy::{PasswordPolicy, WeakPassword};
use doorward_domain::{EmailAddress, Password, PasswordHash, Username};
use std::fmt::Write;
use std::ops::Range;

/// Django's `BCryptSHA256PasswordHasher`: the SHA-256 in hex is what bcrypt gets, so that nothing is cut at 72 bytes.
const BCRYPT_SHA256: &str = "bcrypt_sha256";

/// Hashes and verifies passwords.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    pool: HashingPool,
    cost: u32,
    policy: PasswordPolicy,
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
    pub(crate) fn new(pool: HashingPool, cost: u32, policy: PasswordPolicy) -> Self {
        Self { pool, cost, policy }
    }

    /// Every rule that a new password breaks. It takes milliseconds, so it does not run on the threads that serve.
    pub(crate) async fn weaknesses(
        &self,
        password: Password,
        username: Option<Username>,
        email: Option<EmailAddress>,
    ) -> Result<Vec<WeakPassword>, Overloaded> {
        let policy = self.policy;
        let look = move || policy.weaknesses(&password, username.as_ref(), email.as_ref());
        self.pool.look(look).await
    }

    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, Overloaded> {
        let cost = self.cost;
        self.pool.run(move || hash(&password, cost)).await
    }

    /// Takes as long without a hash as with one, and as long with one of a lower cost as with a new one.
    pub(crate) async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verification, Overloaded> {
        let cost = self.cost;
        self.pool
            .run(move || {
                let matching = stored.as_ref().filter(|stored| matches(&password, stored));
                if let Some(stored) = matching {
                    let is_current = cost_of(stored) == Some(cost);
                    return Verification::Match {
                        replacement: (!is_current).then(|| hash(&password, cost)),
                    };
                }
                make_up(&password, stored.as_ref().and_then(cost_of), cost);
                Verification::Mismatch
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

/// The cost of a hash that was worked through; none where there was nothing to work through.
fn cost_of(stored: &PasswordHash) -> Option<u32> {
    let parts: HashParts = stored.parameters().parse().ok()?;
    (stored.algorithm() == BCRYPT_SHA256).then_some(parts.get_cost())
}

/// Does the work that is missing to one hash of today's cost, so that nobody learns from the time what is stored. Django
/// calls it `harden_runtime`.
fn make_up(password: &Password, done: Option<u32>, cost: u32) {
    for cost in missing(done, cost) {
        let _ = bcrypt::verify(digest_hex(password), &dummy(cost));
    }
}

/// The costs that add up to `cost` together with what was done: 2^a rounds and 2^a, 2^(a+1), … up to 2^(b-1) more are
/// 2^b.
fn missing(done: Option<u32>, cost: u32) -> Range<u32> {
    done.map_or(cost..cost + 1, |done| done..cost)
}

/// A hash that nothing matches, and that costs what a real one costs.
fn dummy(cost: u32) -> String {
    // The last character of each part stands for fewer bits than six; the others of it must be zero.
    format!("$2b${cost:02}$abcdefghijklmnopqrstuu{}u", "x".repeat(30))
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
        Passwords::new(
            HashingPool::start(HashingLimits::default()).unwrap(),
            cost,
            PasswordPolicy::DJANGO,
        )
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

    #[test]
    fn whatever_is_stored_a_refusal_costs_the_rounds_of_one_hash_of_today() {
        let rounds = |cost: u32| 1_u64 << cost;
        for (done, cost) in [(None, 12), (Some(12), 12), (Some(10), 12), (Some(4), 15)] {
            let more: u64 = missing(done, cost).map(rounds).sum();
            assert_eq!(
                done.map_or(0, rounds) + more,
                rounds(cost),
                "{done:?}, {cost}"
            );
        }
        assert!(missing(Some(14), 12).is_empty());
    }

    #[test]
    fn the_dummy_is_worked_through_at_any_cost_and_matches_nothing() {
        for cost in [4, 5, 6] {
            assert!(bcrypt::verify("x", &dummy(cost)).is_ok_and(|matches| !matches));
        }
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
            bcrypt::verify("x", &dummy(4)).is_ok_and(|matches| !matches),
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
