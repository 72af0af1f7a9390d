//! Hashes of bcrypt one after the other for one caller, and beside those of others.

use bcrypt_batch::{Cost, Hash, Job, hash_batch};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use tokio::sync::oneshot;

/// What comes after a hash.
pub type Next<T> = Box<dyn FnOnce(Hash) -> Step<T> + Send>;

/// What is to be done for a caller.
pub enum Step<T> {
    /// One more hash. The caller does not wait in the queue for it.
    Hash(Job, Next<T>),
    /// Nothing more: this is the answer.
    Answer(T),
}

impl<T: fmt::Debug> fmt::Debug for Step<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(job, _) => f.debug_tuple("Hash").field(job).finish_non_exhaustive(),
            Self::Answer(answer) => f.debug_tuple("Answer").field(answer).finish(),
        }
    }
}

/// A hash to be computed, and what comes after it, whatever the answer is.
pub(super) struct Chain {
    job: Job,
    next: Box<dyn FnOnce(Hash) -> Option<Chain> + Send>,
}

impl Chain {
    /// Ends when nobody waits for the answer any more.
    pub(super) fn new<T: Send + 'static>(
        job: Job,
        next: Next<T>,
        answer: oneshot::Sender<T>,
        caller: Weak<()>,
    ) -> Self {
        let next = Box::new(move |hash| match next(hash) {
            Step::Answer(value) => {
                let _ = answer.send(value);
                None
            }
            Step::Hash(job, next) => {
                (caller.strong_count() > 0).then(|| Self::new(job, next, answer, caller))
            }
        });
        Self { job, next }
    }

    fn cost(&self) -> Cost {
        self.job.cost()
    }
}

/// Works all chains through to their ends, those of one cost together, the cheapest first. A panic costs no more answers
/// than it must.
pub(super) fn work_through(mut chains: Vec<Chain>) {
    while let Some(cost) = chains.iter().map(Chain::cost).min() {
        let (batch, others) = chains.into_iter().partition(|chain| chain.cost() == cost);
        chains = others;
        chains.extend(step(batch));
    }
}

/// One hash further. Those that have come to their end are left out.
fn step(batch: Vec<Chain>) -> Vec<Chain> {
    let hash = || hash_batch(batch.iter().map(|chain| &chain.job));
    let Some(hashes) = unless_it_panics(hash) else {
        return Vec::new();
    };
    let steps = batch.into_iter().zip(hashes);
    let steps = steps.filter_map(|(chain, hash)| unless_it_panics(|| (chain.next)(hash)));
    steps.flatten().collect()
}

pub(super) fn unless_it_panics<T>(hash: impl FnOnce() -> T) -> Option<T> {
    let hashed = catch_unwind(AssertUnwindSafe(hash));
    hashed
        .inspect_err(|_panic| tracing::error!("hashing a password panicked"))
        .ok()
}
