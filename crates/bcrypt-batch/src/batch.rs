//! Many jobs, in any order and of any cost.

use crate::cost::Cost;
use crate::hash::Hash;
use crate::job::Job;
use crate::lanes::{self, Digest};
use std::borrow::Borrow;

/// How many hashes are computed at once at most.
///
/// Five states take 20 KiB, so that they stay in the fastest cache. More at once are hardly more a second, and each of
/// them takes longer.
pub const LANES: usize = 5;

/// Hashes every job, and gives the hashes in the order of the jobs.
///
/// Jobs of one cost are interleaved, up to [`LANES`] at a time and in parts as even as can be: seven are four and three.
/// Those of the lowest cost come first. It returns when all of them are hashed; who does not want to wait for strangers
/// gives jobs of one cost and no more than [`LANES`].
///
/// It takes as long as it takes: call it on a thread that may be busy for so long, not on one that serves.
pub fn hash_batch(jobs: impl IntoIterator<Item: Borrow<Job>>) -> Vec<Hash> {
    let jobs: Vec<_> = jobs.into_iter().collect();
    let mut order: Vec<(usize, &Job)> = jobs.iter().map(Borrow::borrow).enumerate().collect();
    order.sort_by_key(|(_, job)| job.cost);
    let (places, jobs): (Vec<usize>, Vec<&Job>) = order.into_iter().unzip();

    let mut digests = Vec::with_capacity(jobs.len());
    for alike in jobs.chunk_by(|one, next| one.cost == next.cost) {
        for group in even_groups(alike) {
            if let [first, ..] = group {
                digests.extend(interleaved(group, first.cost));
            }
        }
    }
    let hashes = jobs
        .iter()
        .zip(digests)
        .map(|(job, digest)| Hash::of(job, digest));
    let mut hashes: Vec<_> = places.into_iter().zip(hashes).collect();
    hashes.sort_unstable_by_key(|(place, _)| *place);
    hashes.into_iter().map(|(_, hash)| hash).collect()
}

/// As few groups of at most [`LANES`] as possible, none of them more than one larger than another.
fn even_groups<T>(mut rest: &[T]) -> impl Iterator<Item = &[T]> {
    let groups = rest.len().div_ceil(LANES);
    (1..=groups).rev().map(move |left| {
        let (group, others) = rest.split_at(rest.len().div_ceil(left));
        rest = others;
        group
    })
}

fn interleaved(jobs: &[&Job], cost: Cost) -> Vec<Digest> {
    match *jobs {
        [] => Vec::new(),
        [one] => lanes::hash([one], cost).into(),
        [one, two] => lanes::hash([one, two], cost).into(),
        [one, two, three] => lanes::hash([one, two, three], cost).into(),
        [one, two, three, four] => lanes::hash([one, two, three, four], cost).into(),
        [one, two, three, four, five, ref rest @ ..] => {
            let mut digests = Vec::from(lanes::hash([one, two, three, four, five], cost));
            digests.extend(interleaved(rest, cost));
            digests
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_few_and_even() {
        for (jobs, expected) in [
            (0, vec![]),
            (1, vec![1]),
            (5, vec![5]),
            (6, vec![3, 3]),
            (7, vec![4, 3]),
            (11, vec![4, 4, 3]),
            (21, vec![5, 4, 4, 4, 4]),
        ] {
            let sizes: Vec<_> = even_groups(&vec![(); jobs]).map(<[_]>::len).collect();
            assert_eq!(sizes, expected, "{jobs} jobs");
        }
    }

    #[test]
    fn no_job_is_no_hash() {
        let jobs: [Job; 0] = [];
        assert!(hash_batch(jobs).is_empty());
    }
}
