//! The limiter of one node.

use super::attempts::Attempts;
use super::{Rate, RateLimiter, Taken};
use crate::clock::Clock;
use async_trait::async_trait;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const SHARDS: usize = 64;
/// Beyond this all busy keys are alike.
const BUSIEST: usize = 64;

/// Keeps the attempts in the memory of this process, for up to a number of keys.
///
/// When there are more, keys whose whole limit is back are forgotten, then those with the fewest attempts: who makes up
/// many keys cannot make a busy one forgotten with a few attempts at each.
pub struct InProcessRateLimiter {
    clock: Arc<dyn Clock>,
    shards: Vec<Mutex<HashMap<u128, Attempts>>>,
    most_in_shard: usize,
    /// Two, since a key is known by 128 bits of hash: no key is longer than another in memory.
    hashers: [RandomState; 2],
}

impl fmt::Debug for InProcessRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessRateLimiter")
            .finish_non_exhaustive()
    }
}

impl InProcessRateLimiter {
    /// A limiter that remembers up to `most_keys`, of about 150 bytes each; 600 for a busy one with a large limit.
    pub fn new(clock: Arc<dyn Clock>, most_keys: usize) -> Self {
        Self {
            clock,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            most_in_shard: most_keys.div_ceil(SHARDS).max(1),
            hashers: [RandomState::new(), RandomState::new()],
        }
    }

    /// As [`take`](RateLimiter::take), without waiting for anything.
    pub fn take_now(&self, key: &str, rate: &Rate) -> Taken {
        let at = self.clock.uptime();
        self.with(key, rate, at, |attempts| attempts.take(rate, at))
    }

    /// What an attempt would be told now; it is not counted.
    pub fn look(&self, key: &str, rate: &Rate) -> Taken {
        let at = self.clock.uptime();
        let (shard, name) = self.place(key, rate);
        match lock(shard).get(&name) {
            Some(attempts) => attempts.look(rate, at),
            None => Attempts::none(rate).look(rate, at),
        }
    }

    /// Counts an attempt that was allowed elsewhere, at the uptime `at`.
    pub fn note(&self, key: &str, rate: &Rate, at: Duration) {
        self.with(key, rate, at, |attempts| attempts.count(rate, at));
    }

    fn with<T>(
        &self,
        key: &str,
        rate: &Rate,
        at: Duration,
        act: impl FnOnce(&mut Attempts) -> T,
    ) -> T {
        let (shard, name) = self.place(key, rate);
        let mut shard = lock(shard);
        if shard.len() >= self.most_in_shard && !shard.contains_key(&name) {
            make_room(&mut shard, self.most_in_shard, at);
        }
        act(shard.entry(name).or_insert_with(|| Attempts::none(rate)))
    }

    fn place(&self, key: &str, rate: &Rate) -> (&Mutex<HashMap<u128, Attempts>>, u128) {
        let [high, low] = &self.hashers;
        let (high, low) = (high.hash_one((key, rate)), low.hash_one((key, rate)));
        let index = usize::try_from(high).unwrap_or_default() % SHARDS;
        #[expect(clippy::indexing_slicing, reason = "there are so many shards")]
        let shard = &self.shards[index];
        (shard, (u128::from(high) << 64) | u128::from(low))
    }
}

#[async_trait]
impl RateLimiter for InProcessRateLimiter {
    async fn take(&self, key: &str, rate: &Rate) -> Taken {
        self.take_now(key, rate)
    }

    fn glance(&self, key: &str, rate: &Rate) -> Taken {
        self.look(key, rate)
    }
}

fn lock(shard: &Mutex<HashMap<u128, Attempts>>) -> MutexGuard<'_, HashMap<u128, Attempts>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves a quarter of the room free, so that this happens seldom.
fn make_room(shard: &mut HashMap<u128, Attempts>, most: usize, at: Duration) {
    shard.retain(|_, attempts| attempts.used(at) > 0);
    let mut surplus = shard.len().saturating_sub(most - most.div_ceil(4));
    if surplus == 0 {
        return;
    }
    let business = |attempts: &Attempts| {
        usize::try_from(attempts.used(at)).map_or(BUSIEST, |used| used.min(BUSIEST))
    };
    let mut by_business = [0_usize; BUSIEST + 1];
    for attempts in shard.values() {
        if let Some(count) = by_business.get_mut(business(attempts)) {
            *count += 1;
        }
    }
    // How many of each degree of business go.
    for count in &mut by_business {
        *count = surplus.min(*count);
        surplus -= *count;
    }
    shard.retain(
        |_, attempts| match by_business.get_mut(business(attempts)) {
            Some(going) if *going > 0 => {
                *going -= 1;
                false
            }
            Some(_) | None => true,
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{FakeClock, SystemClock};
    use chrono::DateTime;
    use std::future::{Ready, ready};
    use std::num::NonZeroU32;

    fn open() -> Ready<((), Arc<dyn RateLimiter>)> {
        let clock = Arc::new(SystemClock::start());
        ready(((), Arc::new(InProcessRateLimiter::new(clock, 10_000))))
    }

    crate::rate_limiter_contract!(open);

    fn ten_a_minute() -> Rate {
        Rate {
            limit: NonZeroU32::new(10).unwrap(),
            per: Duration::from_mins(1),
        }
    }

    fn known(limiter: &InProcessRateLimiter) -> usize {
        limiter.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    #[test]
    fn attempts_are_forgotten_by_the_clock() {
        let clock = Arc::new(FakeClock::at(DateTime::UNIX_EPOCH));
        let limiter = InProcessRateLimiter::new(Arc::<FakeClock>::clone(&clock), 100);
        for _ in 0..10 {
            assert!(limiter.take_now("ada", &ten_a_minute()).allowed);
        }
        let refused = limiter.take_now("ada", &ten_a_minute());
        assert!(!refused.allowed);
        clock.age(refused.retry_after);
        assert!(limiter.take_now("ada", &ten_a_minute()).allowed);
    }

    #[test]
    fn a_look_costs_nothing_and_what_is_noted_counts() {
        let limiter = InProcessRateLimiter::new(Arc::new(SystemClock::start()), 100);
        let rate = ten_a_minute();
        assert_eq!(limiter.look("ada", &rate).remaining, 10);
        assert_eq!(known(&limiter), 0);
        limiter.note("ada", &rate, limiter.clock.uptime());
        assert_eq!(limiter.look("ada", &rate).remaining, 9);
    }

    #[test]
    fn made_up_keys_take_bounded_memory_and_do_not_wash_out_a_busy_one() {
        let limiter = InProcessRateLimiter::new(Arc::new(SystemClock::start()), 1000);
        let rate = ten_a_minute();
        for _ in 0..10 {
            limiter.take_now("ada", &rate);
        }
        for i in 0..100_000 {
            limiter.take_now(&i.to_string(), &rate);
        }
        assert!(known(&limiter) <= 1000 + SHARDS);
        assert!(!limiter.look("ada", &rate).allowed);
    }

    #[test]
    fn what_is_whole_again_goes_first() {
        let clock = Arc::new(FakeClock::at(DateTime::UNIX_EPOCH));
        let limiter = InProcessRateLimiter::new(Arc::<FakeClock>::clone(&clock), 1000);
        let rate = ten_a_minute();
        for i in 0..1000 {
            limiter.take_now(&format!("old {i}"), &rate);
        }
        clock.age(Duration::from_mins(2));
        for i in 0..10_000 {
            limiter.take_now(&format!("new {}", i % 300), &rate);
        }
        for i in 0..300 {
            assert!(!limiter.look(&format!("new {i}"), &rate).allowed, "{i}");
        }
    }
}
