//! Django's `BCryptSHA256PasswordHasher`, `bcrypt_sha256$$2b$12$…`: the SHA-256 in hex is what bcrypt gets, so that nothing
//! is cut at 72 bytes.

use super::{Unverifiable, Verification, bcrypt_hash};
use crate::hashing::{Next, Step};
use aws_lc_rs::digest::{SHA256, digest};
use bcrypt_batch::{Cost, Hash, Job, PasswordTooLong, Salt};
use doorward_domain::{Password, PasswordHash};
use std::fmt::Write;
use std::ops::Range;

/// How Django calls it.
pub(super) const ALGORITHM: &str = "bcrypt_sha256";

/// What bcrypt gets of a password: 64 characters.
pub(super) struct Digest(String);

impl Digest {
    pub(super) fn of(password: &Password) -> Self {
        let hex = digest(&SHA256, password.expose().as_bytes())
            .as_ref()
            .iter()
            .fold(String::with_capacity(64), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
        Self(hex)
    }

    /// The job of making a new hash.
    pub(super) fn new_hash(&self, cost: Cost) -> Job {
        self.with_salt(rand::random(), cost)
    }

    /// The job of computing what is compared with a hash that is stored.
    fn against(&self, stored: &Hash) -> Job {
        fitting(stored.job(self.0.as_bytes()))
    }

    /// A job that costs what a real one costs, and whose hash is compared with nothing.
    pub(super) fn dummy(&self, cost: Cost) -> Job {
        self.with_salt(*b"matches nothing.", cost)
    }

    fn with_salt(&self, salt: Salt, cost: Cost) -> Job {
        fitting(Job::new(self.0.as_bytes(), salt, cost))
    }
}

#[expect(clippy::expect_used, reason = "a digest has 64 of the 72 bytes")]
fn fitting(job: Result<Job, PasswordTooLong>) -> Job {
    job.expect("a digest fits")
}

/// What is stored, if it can be verified.
pub(super) fn parse(stored: &PasswordHash) -> Result<Hash, Unverifiable> {
    bcrypt_hash(stored.parameters())
}

/// As Django stores it.
#[expect(clippy::expect_used, reason = "it begins with an algorithm")]
pub(super) fn in_django_notation(hash: &Hash) -> PasswordHash {
    PasswordHash::parse(format!("{ALGORITHM}${hash}")).expect("the notation is ours")
}

/// The first hash of a verification, and what comes after it. A mismatch is as many rounds of bcrypt as one hash of today,
/// whatever is stored: at least those, if it is of a higher cost.
pub(super) fn verify(
    digest: Digest,
    stored: Option<Hash>,
    today: Cost,
) -> (Job, Next<Verification>) {
    let first = match &stored {
        Some(stored) => digest.against(stored),
        None => digest.dummy(today),
    };
    let done = first.cost();
    let next = move |computed: Hash| {
        // The comparison takes constant time.
        if stored.is_none_or(|stored| stored != computed) {
            make_up(digest, missing(done, today))
        } else if done == today {
            Step::Answer(Verification::Match { replacement: None })
        } else {
            Step::Hash(digest.new_hash(today), Box::new(|new| replace(&new)))
        }
    };
    (first, Box::new(next))
}

fn replace(new: &Hash) -> Step<Verification> {
    Step::Answer(Verification::Match {
        replacement: Some(in_django_notation(new)),
    })
}

/// Does the work that is missing to one hash of today's cost, so that nobody learns from the time what is stored. Django
/// calls it `harden_runtime`.
fn make_up(digest: Digest, mut costs: Range<u32>) -> Step<Verification> {
    let cost = costs.next().map(Cost::new);
    match cost {
        Some(Ok(cost)) => Step::Hash(
            digest.dummy(cost),
            Box::new(move |_computed| make_up(digest, costs)),
        ),
        Some(Err(_)) | None => Step::Answer(Verification::Mismatch),
    }
}

/// The costs that add up to today's together with what was done: 2^a rounds and 2^a, 2^(a+1), … up to 2^(b-1) more are
/// 2^b.
fn missing(done: Cost, today: Cost) -> Range<u32> {
    done.get()..today.get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bcrypt_batch::hash_batch;

    const TODAY: Cost = match Cost::new(8) {
        Ok(cost) => cost,
        Err(_) => Cost::MIN,
    };

    fn digest_of(password: &str) -> Digest {
        Digest::of(&Password::parse(password.to_owned()).unwrap())
    }

    fn stored(cost: u32) -> Hash {
        let job = digest_of("right").new_hash(Cost::new(cost).unwrap());
        hash_batch([job]).remove(0)
    }

    /// Every cost that is worked through, and the answer.
    fn costs(typed: &str, stored: Option<Hash>) -> (Vec<u32>, Verification) {
        let (mut job, mut next) = verify(digest_of(typed), stored, TODAY);
        let mut costs = Vec::new();
        loop {
            costs.push(job.cost().get());
            match next(hash_batch([job]).remove(0)) {
                Step::Hash(job_after, next_after) => (job, next) = (job_after, next_after),
                Step::Answer(answer) => return (costs, answer),
            }
        }
    }

    #[test]
    fn a_wrong_password_is_the_work_that_an_unknown_user_is() {
        let (unknown, answer) = costs("wrong", None);
        assert!(matches!(answer, Verification::Mismatch));
        assert_eq!(unknown, [8]);
        let (wrong, answer) = costs("wrong", Some(stored(8)));
        assert!(matches!(answer, Verification::Mismatch));
        assert_eq!(wrong, unknown);
    }

    #[test]
    fn whatever_is_stored_a_mismatch_costs_the_rounds_of_one_hash_of_today() {
        for cost in 4..=8 {
            let (costs, answer) = costs("wrong", Some(stored(cost)));
            assert!(matches!(answer, Verification::Mismatch));
            let rounds: u32 = costs.iter().map(|cost| 1 << cost).sum();
            assert_eq!(rounds, 1 << TODAY.get(), "{costs:?}");
        }
        assert_eq!(costs("wrong", Some(stored(9))).0, [9]);
    }

    #[test]
    fn a_match_is_one_hash_and_one_more_where_it_is_replaced() {
        for (cost, expected) in [(8, vec![8]), (6, vec![6, 8]), (9, vec![9, 8])] {
            let (costs, answer) = costs("right", Some(stored(cost)));
            let Verification::Match { replacement } = answer else {
                panic!("it is the password");
            };
            assert_eq!(replacement.is_some(), cost != 8);
            assert_eq!(costs, expected);
        }
    }

    #[test]
    fn a_new_hash_has_a_salt_of_its_own_and_is_what_the_bcrypt_crate_verifies() {
        let digest = digest_of("right");
        let hashes = hash_batch([Cost::MIN, Cost::MIN].map(|cost| digest.new_hash(cost)));
        assert_ne!(hashes[0].salt(), hashes[1].salt());
        for hash in hashes {
            assert!(bcrypt::verify(&digest.0, &hash.to_string()).unwrap());
        }
    }
}
