//! How often something may be tried.

mod attempts;
mod in_process;

use async_trait::async_trait;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

pub use in_process::InProcessRateLimiter;

/// Up to this limit each attempt is remembered by itself.
const EXACT_UP_TO: u32 = 32;

/// So many attempts within so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// At most so many.
    pub limit: NonZeroU32,
    /// Within any span of this length.
    pub per: Duration,
}

impl Rate {
    /// The unit in which attempts are remembered: up to 32 a window each by itself, above that in 32 portions of the
    /// window, so that none takes more memory than 33 entries. An attempt counts as one at the end of its portion: it
    /// is remembered a little longer then, and never too short.
    pub fn grain(&self) -> Duration {
        let finest = Duration::from_micros(1);
        if self.limit.get() <= EXACT_UP_TO {
            finest
        } else {
            (self.per / EXACT_UP_TO).max(finest)
        }
    }
}

/// What came of an attempt, and what the headers of an answer tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The attempt may go on.
    pub allowed: bool,
    /// So many more at once would be allowed.
    pub remaining: u32,
    /// After this time one is allowed again; zero when this one is allowed.
    pub retry_after: Duration,
    /// After this time without attempts the whole limit is there again.
    pub resets_after: Duration,
}

/// Counts attempts in a sliding window: of the attempts of one key, at most `limit` are allowed within any span of `per`,
/// however many come at once and wherever the span begins. Refused attempts do not count.
///
/// It is no token bucket (GCRA), which gives up to twice the limit within the first window: "10 a minute" is meant so.
///
/// Keys are independent of each other, and so are the rates of one key: after a change of the rate a key begins afresh.
/// A key is stored as it is, so whoever names people in it gives a digest.
#[async_trait]
pub trait RateLimiter: Send + Sync + fmt::Debug {
    /// Counts an attempt, and says whether it may go on.
    async fn take(&self, key: &str, rate: &Rate) -> Taken;

    /// What an attempt would be told, as far as this node knows without asking; it is not counted. What is refused here
    /// is refused by [`take`](Self::take) as well; what is allowed here may be refused there.
    fn glance(&self, key: &str, rate: &Rate) -> Taken;
}
