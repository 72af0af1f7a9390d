//! The attempts of one key: a log of them, in grains.

use super::{Rate, Taken};
use std::time::Duration;

/// Attempts that count as one moment, in microseconds of uptime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grain {
    end: u64,
    count: u32,
}

/// What is remembered of a key.
#[derive(Debug)]
pub(super) struct Attempts {
    window: u64,
    grains: Vec<Grain>,
}

impl Attempts {
    pub(super) fn none(rate: &Rate) -> Self {
        Self {
            window: micros(rate.per).max(1),
            grains: Vec::new(),
        }
    }

    /// Counts one at `at`, if the rate allows it.
    pub(super) fn take(&mut self, rate: &Rate, at: Duration) -> Taken {
        let taken = self.look(rate, at);
        if !taken.allowed {
            return taken;
        }
        self.count(rate, at);
        Taken {
            remaining: taken.remaining.saturating_sub(1),
            resets_after: self.resets_after(at),
            ..taken
        }
    }

    /// What [`take`](Self::take) would say, but for what this attempt itself costs.
    pub(super) fn look(&self, rate: &Rate, at: Duration) -> Taken {
        let remaining = rate.limit.get().saturating_sub(self.used(at));
        let allowed = remaining > 0;
        Taken {
            allowed,
            remaining,
            retry_after: if allowed {
                Duration::ZERO
            } else {
                self.left(at, self.live(at).map(|grain| grain.end).min())
            },
            resets_after: self.resets_after(at),
        }
    }

    /// Counts one that happened at `at`.
    pub(super) fn count(&mut self, rate: &Rate, at: Duration) {
        let now = micros(at);
        let grain = micros(rate.grain()).max(1);
        let end = (now / grain).saturating_add(1).saturating_mul(grain);
        let window = self.window;
        self.grains.retain(|grain| grain.is_live(now, window));
        match self.grains.iter_mut().find(|grain| grain.end == end) {
            Some(grain) => grain.count = grain.count.saturating_add(1),
            None => self.grains.push(Grain { end, count: 1 }),
        }
    }

    /// How many of the limit are gone.
    pub(super) fn used(&self, at: Duration) -> u32 {
        self.live(at)
            .fold(0, |sum: u32, grain| sum.saturating_add(grain.count))
    }

    fn live(&self, at: Duration) -> impl Iterator<Item = &Grain> {
        let now = micros(at);
        self.grains
            .iter()
            .filter(move |grain| grain.is_live(now, self.window))
    }

    fn resets_after(&self, at: Duration) -> Duration {
        self.left(at, self.live(at).map(|grain| grain.end).max())
    }

    fn left(&self, at: Duration, end: Option<u64>) -> Duration {
        end.map_or(Duration::ZERO, |end| {
            let forgotten_at = end.saturating_add(self.window);
            Duration::from_micros(forgotten_at.saturating_sub(micros(at)))
        })
    }
}

impl Grain {
    fn is_live(self, now: u64, window: u64) -> bool {
        self.end.saturating_add(window) > now
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    fn rate(limit: u32, per: Duration) -> Rate {
        Rate {
            limit: NonZeroU32::new(limit).unwrap(),
            per,
        }
    }

    #[test]
    fn the_numbers_are_those_of_a_sliding_window() {
        let rate = rate(2, Duration::from_mins(1));
        let mut attempts = Attempts::none(&rate);
        let (at, grain) = (Duration::from_secs, rate.grain());
        let first = attempts.take(&rate, at(100));
        assert!(first.allowed && first.remaining == 1 && first.retry_after.is_zero());
        assert_eq!(first.resets_after, Duration::from_mins(1) + grain);
        let second = attempts.take(&rate, at(110));
        assert!(second.allowed && second.remaining == 0);
        let third = attempts.take(&rate, at(120));
        assert!(!third.allowed);
        assert_eq!(third.retry_after, Duration::from_secs(40) + grain);
        assert_eq!(third.resets_after, Duration::from_secs(50) + grain);
        assert!(!attempts.take(&rate, at(160)).allowed);
        assert!(attempts.take(&rate, at(161)).allowed);
        assert!(!attempts.take(&rate, at(161)).allowed);
    }

    proptest! {
        #[test]
        fn no_span_of_the_window_has_more_than_the_limit(
            limit in 1_u32..100,
            steps in prop::collection::vec(0_u64..2000, 1..400),
        ) {
            let rate = rate(limit, Duration::from_millis(100));
            let mut attempts = Attempts::none(&rate);
            let (mut at, mut allowed) = (Duration::ZERO, Vec::new());
            for step in steps {
                at += Duration::from_micros(step);
                let taken = attempts.take(&rate, at);
                if taken.allowed {
                    allowed.push(at);
                } else {
                    // And it keeps its word.
                    let just_before = (at + taken.retry_after).saturating_sub(Duration::from_micros(1));
                    prop_assert!(!attempts.look(&rate, just_before).allowed);
                    prop_assert!(attempts.look(&rate, at + taken.retry_after).allowed);
                }
                let reset = attempts.look(&rate, at + taken.resets_after);
                prop_assert_eq!(reset.remaining, limit);
                prop_assert!(attempts.grains.len() <= 34);
            }
            for (i, start) in allowed.iter().enumerate() {
                let within = allowed.iter().skip(i).take_while(|at| at.saturating_sub(*start) < rate.per);
                prop_assert!(within.count() <= usize::try_from(limit).unwrap());
            }
        }
    }
}
