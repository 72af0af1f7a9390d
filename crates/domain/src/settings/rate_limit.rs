//! How often something may be tried: `10/min`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// So many attempts in each second, minute or hour, or as many as one likes: `10/min`, `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RateLimit(Option<(NonZeroU32, Period)>);

/// The span in which the attempts of a [`RateLimit`] are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// `/sec`
    Second,
    /// `/min`
    Minute,
    /// `/hour`
    Hour,
}

/// Not `N/sec`, `N/min`, `N/hour` or `off`, or N is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be N/sec, N/min or N/hour with N from 1 to {}, or off",
    RateLimit::MAX_COUNT
)]
pub struct NotARateLimit;

impl RateLimit {
    /// No limit.
    pub const OFF: Self = Self(None);
    /// The largest number of attempts.
    pub const MAX_COUNT: u32 = 1_000_000;
    /// What it looks like, as a regular expression that JSON Schema can have: everything but the largest number.
    pub const PATTERN: &str = "^(off|[1-9][0-9]{0,6}/(sec|min|hour))$";

    /// `count` in each `period`. None when the count is 0 or above [`MAX_COUNT`](Self::MAX_COUNT).
    pub const fn new(count: u32, period: Period) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(some) if count <= Self::MAX_COUNT => Some(Self(Some((some, period)))),
            Some(_) | None => None,
        }
    }

    /// How many, and within which time; none when there is no limit.
    pub const fn allowance(self) -> Option<(NonZeroU32, Duration)> {
        match self.0 {
            Some((count, period)) => Some((count, period.duration())),
            None => None,
        }
    }
}

impl Period {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Hour];

    /// `sec`, `min` or `hour`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "sec",
            Self::Minute => "min",
            Self::Hour => "hour",
        }
    }

    /// How long it is.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
        }
    }
}

impl FromStr for RateLimit {
    type Err = NotARateLimit;

    fn from_str(text: &str) -> Result<Self, NotARateLimit> {
        let text = text.trim().to_ascii_lowercase();
        if text == "off" {
            return Ok(Self::OFF);
        }
        let (count, unit) = text.split_once('/').ok_or(NotARateLimit)?;
        let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
        let count = count.parse().ok().filter(|_| is_number);
        let period = Period::ALL.into_iter().find(|it| it.as_str() == unit);
        count
            .zip(period)
            .and_then(|(count, period)| Self::new(count, period))
            .ok_or(NotARateLimit)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((count, period)) => write!(f, "{count}/{}", period.as_str()),
            None => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_is_what_it_allows() {
        for (text, count, seconds) in [
            ("10/min", 10, 60),
            ("1/sec", 1, 1),
            ("1000000/hour", 1_000_000, 3600),
            (" 20/MIN ", 20, 60),
        ] {
            let limit: RateLimit = text.parse().unwrap();
            let count = NonZeroU32::new(count).unwrap();
            assert_eq!(
                limit.allowance(),
                Some((count, Duration::from_secs(seconds)))
            );
            assert_eq!(limit.to_string(), text.trim().to_ascii_lowercase());
        }
        assert_eq!("Off".parse(), Ok(RateLimit::OFF));
        assert_eq!(RateLimit::OFF.to_string(), "off");
        assert_eq!(RateLimit::OFF.allowance(), None);
    }

    #[test]
    fn what_is_no_limit_is_refused_with_its_bounds() {
        for text in [
            "",
            "10",
            "10/day",
            "/min",
            "0/min",
            "1000001/min",
            "+5/min",
            "-1/sec",
            "1.5/sec",
            "10/min/sec",
            "10 /min",
            "ten/min",
            "99999999999/sec",
            "on",
        ] {
            let error = text.parse::<RateLimit>().unwrap_err();
            assert_eq!(
                error.to_string(),
                "must be N/sec, N/min or N/hour with N from 1 to 1000000, or off",
                "{text}"
            );
        }
    }
}
