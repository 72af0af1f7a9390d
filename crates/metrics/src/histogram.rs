//! How long things take.

use crate::counter::Counter;
use std::time::Duration;

/// The upper bounds of the buckets, in microseconds, and as Prometheus has them, in seconds.
const BOUNDS: [(u64, &str); 15] = [
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (10_000_000, "10"),
];

/// Counts how long things take, in buckets from 100 µs to 10 s.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BOUNDS.len()],
    slower: Counter,
    nanos: Counter,
}

impl Histogram {
    /// Something took so long.
    pub fn took(&self, time: Duration) {
        let micros = time.as_micros();
        let at = BOUNDS.partition_point(|(bound, _)| u128::from(*bound) < micros);
        self.buckets.get(at).unwrap_or(&self.slower).count();
        self.nanos
            .add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// What was counted.
    pub fn distribution(&self) -> Distribution {
        Distribution {
            buckets: std::array::from_fn(|at| self.buckets.get(at).map_or(0, Counter::total)),
            slower: self.slower.total(),
            sum: Duration::from_nanos(self.nanos.total()),
        }
    }
}

/// What a [`Histogram`] has counted, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Distribution {
    buckets: [u64; BOUNDS.len()],
    slower: u64,
    sum: Duration,
}

impl Distribution {
    /// Adds what another has counted.
    pub fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
        self.slower += other.slower;
        self.sum += other.sum;
    }

    /// How many things there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.slower
    }

    /// How long they took together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// How many took no longer than each bound, which is in seconds; `+Inf` comes last.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let mut sum = 0;
        let bounded = BOUNDS.iter().zip(self.buckets);
        let bounded = bounded.map(move |((_, bound), count)| {
            sum += count;
            (*bound, sum)
        });
        bounded.chain([("+Inf", self.count())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_in_its_bucket_and_in_all_that_are_wider() {
        let histogram = Histogram::default();
        for micros in [0, 100, 101, 10_000_000, 10_000_001] {
            histogram.took(Duration::from_micros(micros));
        }
        let distribution = histogram.distribution();
        let buckets: Vec<_> = distribution.cumulative().collect();
        assert_eq!(buckets[0], ("0.0001", 2));
        assert_eq!(buckets[1], ("0.00025", 3));
        assert_eq!(buckets[13], ("2.5", 3));
        assert_eq!(buckets[14..], [("10", 4), ("+Inf", 5)]);
        assert_eq!(distribution.sum(), Duration::from_micros(20_000_202));
    }

    #[test]
    fn the_bounds_grow_and_say_the_same_twice() {
        assert!(BOUNDS.is_sorted_by(|(one, _), (other, _)| one < other));
        for (micros, seconds) in BOUNDS {
            let seconds: f64 = seconds.parse().unwrap();
            assert_eq!(
                Duration::from_secs_f64(seconds),
                Duration::from_micros(micros)
            );
        }
    }

    #[test]
    fn two_add_up() {
        let (one, other) = (Histogram::default(), Histogram::default());
        one.took(Duration::from_millis(1));
        other.took(Duration::from_secs(11));
        let mut both = one.distribution();
        both.add(&other.distribution());
        assert_eq!((both.count(), both.sum().as_millis()), (2, 11_001));
    }
}
