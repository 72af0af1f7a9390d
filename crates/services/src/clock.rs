//! The one place that knows the time.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use std::fmt;
use std::time::{Duration, Instant};

/// Tells the time, in two ways that must not be mixed.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time of day, for what is stored and sent; in whole microseconds, since that is what databases keep. It may
    /// step back.
    fn now(&self) -> DateTime<Utc>;

    /// The time since some moment in the past, for ages within this process. It never steps.
    fn uptime(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose [`uptime`](Clock::uptime) begins now.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.duration_trunc(TimeDelta::microseconds(1))
            .unwrap_or(now)
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that stands still until it is moved.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug)]
pub struct FakeClock {
    now: std::sync::Mutex<DateTime<Utc>>,
    started: Instant,
    skipped: std::sync::Mutex<Duration>,
}

#[cfg(any(test, feature = "testing"))]
impl FakeClock {
    /// A clock that stands at `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self {
            now: std::sync::Mutex::new(now),
            started: Instant::now(),
            skipped: std::sync::Mutex::new(Duration::ZERO),
        }
    }

    /// Moves the time of day, back too.
    pub fn advance(&self, by: TimeDelta) {
        *lock(&self.now) += by;
    }

    /// Lets everything that this process remembers grow older.
    pub fn age(&self, by: Duration) {
        *lock(&self.skipped) += by;
    }
}

#[cfg(any(test, feature = "testing"))]
impl Clock for FakeClock {
    fn now(&self) -> DateTime<Utc> {
        *lock(&self.now)
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed() + *lock(&self.skipped)
    }
}

#[cfg(any(test, feature = "testing"))]
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_tells_whole_microseconds() {
        assert_eq!(
            SystemClock::start().now().timestamp_subsec_nanos() % 1000,
            0
        );
    }

    #[test]
    fn a_fake_clock_moves_only_by_hand() {
        let clock = FakeClock::at(DateTime::UNIX_EPOCH);
        assert_eq!(clock.now(), clock.now());
        clock.advance(TimeDelta::seconds(-5));
        assert_eq!(clock.now().timestamp(), -5);
    }
}
