//! Passwords in Django's notation: hashed as `bcrypt_sha256`, verified in the pool.

mod foreign;

pub use foreign::Unverifiable;

use crate::hashing::{HashingPool, Overloaded};
use aws_lc_rs::digest::{SHA256, digest};
use bcrypt::HashParts;
use doorward_domain::password_policy::{PasswordPolicy, WeakPassword};
use doorward_domain::{EmailAddress, Password, PasswordHash, Username};
use foreign::ForeignHash;
use std::fmt::Write;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Django's `BCryptSHA256PasswordHasher`: the SHA-256 in hex is what bcrypt gets, so that nothing is cut at 72 bytes.
const BCRYPT_SHA256: &str = "bcrypt_sha256";
/// The highest cost of a stored hash that is worked through: some seconds, not the days of cost 31.
const MOST_BCRYPT_COST: u32 = 16;
/// bcrypt knows none below.
const LEAST_BCRYPT_COST: u32 = 4;

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
        if let Some(stored) = stored.as_ref().filter(|stored| is_foreign(stored)) {
            return self.verify_foreign(password, stored.clone()).await;
        }
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

    /// A hash of another notation is replaced when it matches. When it does not, bcrypt makes up for the time that is
    /// missing.
    async fn verify_foreign(
        &self,
        password: Password,
        stored: PasswordHash,
    ) -> Result<Verification, Overloaded> {
        let cost = self.cost;
        self.pool
            .run(move || {
                let began = Instant::now();
                if matches_foreign(&password, &stored) {
                    return Verification::Match {
                        replacement: Some(hash(&password, cost)),
                    };
                }
                make_up_time(&password, began.elapsed(), cost);
                Verification::Mismatch
            })
            .await
    }
}

/// Whether a stored hash can ever match a password.
///
/// # Errors
/// Why it cannot.
pub(crate) fn check(stored: &PasswordHash) -> Result<(), Unverifiable> {
    if is_foreign(stored) {
        ForeignHash::parse(stored).map(drop)
    } else {
        match cost_in(stored) {
            None => Err(Unverifiable::Damaged),
            Some(cost) if cost > MOST_BCRYPT_COST => Err(Unverifiable::TooCostly),
            Some(_) => Ok(()),
        }
    }
}

fn is_foreign(stored: &PasswordHash) -> bool {
    stored.algorithm() != BCRYPT_SHA256
}

/// A hash that cannot be verified matches nothing.
fn matches_foreign(password: &Password, stored: &PasswordHash) -> bool {
    ForeignHash::parse(stored)
        .inspect_err(|reason| complain(stored, *reason))
        .is_ok_and(|hash| hash.matches(password))
}

fn complain(stored: &PasswordHash, reason: Unverifiable) {
    let algorithm = stored.algorithm();
    tracing::warn!(algorithm, %reason, "a stored password hash cannot be verified");
}

#[expect(
    clippy::expect_used,
    reason = "the cost is bounded, and the digest has neither NUL nor 72 bytes"
)]
fn hash(password: &Password, cost: u32) -> PasswordHash {
    let hash = bcrypt::hash(digest_hex(password), cost).expect("bcrypt takes any digest");
    PasswordHash::parse(format!("{BCRYPT_SHA256}${hash}")).expect("the notation is ours")
}

/// A hash that is damaged or too costly matches nothing.
fn matches(password: &Password, stored: &PasswordHash) -> bool {
    check(stored)
        .inspect_err(|reason| complain(stored, *reason))
        .is_ok_and(|()| bcrypt::verify(digest_hex(password), stored.parameters()).unwrap_or(false))
}

/// The cost of a hash that was worked through; none where there was nothing to work through.
fn cost_of(stored: &PasswordHash) -> Option<u32> {
    cost_in(stored).filter(|cost| *cost <= MOST_BCRYPT_COST)
}

fn cost_in(stored: &PasswordHash) -> Option<u32> {
    let parts: HashParts = stored.parameters().parse().ok()?;
    Some(parts.get_cost())
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

/// As [`make_up`], for work that is not counted in rounds of bcrypt: what is missing to the time of one hash of today's
/// cost. Steps of a sixteenth of it are worked through.
fn make_up_time(password: &Password, done: Duration, cost: u32) {
    let step = cost.saturating_sub(4).max(LEAST_BCRYPT_COST);
    let work = || drop(bcrypt::verify(digest_hex(password), &dummy(step)));
    let began = Instant::now();
    work();
    let took = began.elapsed();
    for _ in 1..missing_steps(done, took, 1 << cost.saturating_sub(step)) {
        work();
    }
}

/// How many steps that take so long are missing to `whole` of them.
fn missing_steps(done: Duration, step: Duration, whole: u32) -> u32 {
    let missing = (step * whole).saturating_sub(done);
    let steps = (missing + step / 2).as_nanos() / step.as_nanos().max(1);
    u32::try_from(steps).unwrap_or(whole).min(whole)
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
    fn what_another_notation_has_not_taken_is_made_up_for_in_steps() {
        let ms = Duration::from_millis;
        for (done, missing) in [(0, 16), (10, 15), (80, 8), (156, 0), (160, 0), (9000, 0)] {
            assert_eq!(missing_steps(ms(done), ms(10), 16), missing, "{done} ms");
        }
        assert_eq!(missing_steps(ms(1), Duration::ZERO, 16), 0);
    }

    #[tokio::test]
    async fn a_hash_too_costly_to_verify_is_not_worked_through() {
        let stored = PasswordHash::parse(format!("bcrypt_sha256${}", dummy(31))).unwrap();
        assert_eq!(check(&stored), Err(Unverifiable::TooCostly));
        let verified = passwords(4).verify(password("x"), Some(stored)).await;
        assert!(matches!(verified.unwrap(), Verification::Mismatch));
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
