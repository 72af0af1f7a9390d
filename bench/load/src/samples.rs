//! Times that were measured, and their quantiles.

use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Every time that was measured, in microseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<u32>);

/// What is told of them, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) count: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Samples {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0
            .push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn quantiles(mut self) -> Quantiles {
        self.0.sort_unstable();
        let at = |part: usize, of: usize| {
            // The smallest that is not exceeded by `part` of `of`.
            let rank = (self.0.len() * part).div_ceil(of).max(1);
            let micros = self.0.get(rank - 1).copied().unwrap_or_default();
            f64::from(micros) / 1000.0
        };
        Quantiles {
            count: self.0.len(),
            p50: at(1, 2),
            p99: at(99, 100),
            p999: at(999, 1000),
            max: at(1, 1),
        }
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {:.2} ms, p99 {:.2} ms, p999 {:.2} ms, max {:.2} ms",
            self.p50, self.p99, self.p999, self.max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_times() {
        let mut samples = Samples::default();
        for millis in (1..=1000).rev() {
            samples.add(Duration::from_millis(millis));
        }
        let quantiles = samples.quantiles();
        assert_eq!(
            quantiles,
            Quantiles {
                count: 1000,
                p50: 500.0,
                p99: 990.0,
                p999: 999.0,
                max: 1000.0
            }
        );
        assert_eq!(Samples::default().quantiles(), Quantiles::default());
    }
}
