//! Passwords in Django's notation: hashed as `bcrypt_sha256`, verified in the pool.

mod bcrypt_sha256;
mod foreign;

pub use foreign::Unverifiable;

use crate::hashing::{HashingFigures, HashingPool, Overloaded, Step};
use bcrypt_batch::{Cost, Hash, hash_batch};
use bcrypt_sha256::{Digest, in_django_notation};
use doorward_domain::password_policy::{PasswordPolicy, WeakPassword};
use doorward_domain::{EmailAddress, Password, PasswordHash, Username};
use foreign::ForeignHash;
use std::time::{Duration, Instant};

/// The highest cost of a stored hash that is worked through: some seconds, not the days of cost 31.
const MOST_BCRYPT_COST: u32 = 16;

/// Hashes and verifies passwords.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    pool: HashingPool,
    cost: Cost,
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
    pub(crate) fn new(pool: HashingPool, cost: Cost, policy: PasswordPolicy) -> Self {
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

    /// How busy the threads are.
    pub(crate) fn figures(&self) -> HashingFigures {
        self.pool.figures()
    }

    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, Overloaded> {
        let job = Digest::of(&password).new_hash(self.cost);
        let store = |hash: Hash| Step::Answer(in_django_notation(&hash));
        self.pool.bcrypt(job, Box::new(store)).await
    }

    /// Takes as long without a hash as with one, and as long with one of a lower cost as with a new one.
    pub(crate) async fn verify(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verification, Overloaded> {
        let known = match stored {
            Some(stored) if is_foreign(&stored) => {
                return self.verify_foreign(password, stored).await;
            }
            Some(stored) => bcrypt_sha256::parse(&stored)
                .inspect_err(|reason| complain(&stored, *reason))
                .ok(),
            None => None,
        };
        let (job, next) = bcrypt_sha256::verify(Digest::of(&password), known, self.cost);
        self.pool.bcrypt(job, next).await
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
                let is_match = matches_foreign(&password, &stored);
                let digest = Digest::of(&password);
                if is_match {
                    let new = hash_batch([digest.new_hash(cost)]);
                    return Verification::Match {
                        replacement: new.first().map(in_django_notation),
                    };
                }
                make_up_time(&digest, began.elapsed(), cost);
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
        bcrypt_sha256::parse(stored).map(drop)
    }
}

fn is_foreign(stored: &PasswordHash) -> bool {
    stored.algorithm() != bcrypt_sha256::ALGORITHM
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

/// A hash of bcrypt whose cost is one that is worked through.
fn bcrypt_hash(text: &str) -> Result<Hash, Unverifiable> {
    let hash: Hash = text.parse().map_err(|_damage| Unverifiable::Damaged)?;
    if hash.cost().get() > MOST_BCRYPT_COST {
        return Err(Unverifiable::TooCostly);
    }
    Ok(hash)
}

/// Does the work that is missing to the time of one hash of today's cost, after work that is not counted in rounds of
/// bcrypt. Steps of a sixteenth of it are worked through.
fn make_up_time(digest: &Digest, done: Duration, cost: Cost) {
    let step = Cost::new(cost.get().saturating_sub(4)).unwrap_or(Cost::MIN);
    let work = || drop(hash_batch([digest.dummy(step)]));
    let began = Instant::now();
    work();
    let took = began.elapsed();
    for _ in 1..missing_steps(done, took, 1 << (cost.get() - step.get())) {
        work();
    }
}

/// How many steps that take so long are missing to `whole` of them.
fn missing_steps(done: Duration, step: Duration, whole: u32) -> u32 {
    let missing = (step * whole).saturating_sub(done);
    let steps = (missing + step / 2).as_nanos() / step.as_nanos().max(1);
    u32::try_from(steps).unwrap_or(whole).min(whole)
}

#[cfg(test)]
mod tests;
