//! Pictures of series: SVG without styles of its own, with the same numbers as words and as a table beside it.

use crate::words::number;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use doorward_services::audit::HourlyCount;

/// The height of the picture, in units of its own.
const HEIGHT: u64 = 100;
/// The width of one step, with its gap.
const STEP: usize = 10;

/// A series of two kinds: what went well and what did not.
#[derive(Debug)]
pub(crate) struct Chart {
    /// Tells pictures of one page apart.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What one step is called.
    pub(crate) step: &'static str,
    pub(crate) bars: Vec<Bar>,
    pub(crate) width: usize,
    /// What the full height stands for.
    pub(crate) most: String,
    /// In words.
    pub(crate) summary: String,
}

/// One step.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) good: u64,
    pub(crate) bad: u64,
    pub(crate) x: usize,
    pub(crate) good_height: u64,
    pub(crate) bad_height: u64,
}

impl Bar {
    pub(crate) fn good_y(&self) -> u64 {
        HEIGHT.saturating_sub(self.good_height)
    }

    pub(crate) fn bad_y(&self) -> u64 {
        self.good_y().saturating_sub(self.bad_height)
    }
}

impl Chart {
    /// Sign-ins and failures of the last day, hour by hour.
    pub(crate) fn of_day(counts: &[HourlyCount], now: DateTime<Utc>) -> Self {
        let steps = Steps {
            length: TimeDelta::hours(1),
            count: 24,
            format: "%H:00",
        };
        Self::new("day", "The last 24 hours", "Hour", steps.sum(counts, now))
    }

    /// The same of the last month, day by day.
    pub(crate) fn of_month(counts: &[HourlyCount], now: DateTime<Utc>) -> Self {
        let steps = Steps {
            length: TimeDelta::days(1),
            count: 30,
            format: "%d %b",
        };
        Self::new("month", "The last 30 days", "Day", steps.sum(counts, now))
    }

    fn new(
        id: &'static str,
        title: &'static str,
        step: &'static str,
        sums: Vec<(String, u64, u64)>,
    ) -> Self {
        let most = sums.iter().map(|(_, good, bad)| good + bad).max();
        let most = most.unwrap_or_default().max(1);
        let (good, bad) = sums
            .iter()
            .fold((0, 0), |(good, bad), sum| (good + sum.1, bad + sum.2));
        // What is there is seen, however little it is.
        let height = |count: u64| match count {
            0 => 0,
            count => (count * HEIGHT / most).max(2),
        };
        let bars = sums
            .into_iter()
            .enumerate()
            .map(|(index, (label, good, bad))| Bar {
                label,
                good,
                bad,
                x: index * STEP,
                good_height: height(good),
                bad_height: height(bad),
            });
        let bars: Vec<_> = bars.collect();
        let busiest = bars.iter().max_by_key(|bar| bar.good + bar.bad);
        let busiest = busiest.filter(|_| good + bad > 0).map(|bar| {
            let sum = number(bar.good + bar.bad);
            format!(" Most of them at {}: {sum}.", bar.label)
        });
        Self {
            id,
            title,
            step,
            width: bars.len() * STEP,
            most: number(most),
            summary: format!(
                "{} sign-ins and {} failures.{}",
                number(good),
                number(bad),
                busiest.unwrap_or_default()
            ),
            bars,
        }
    }

    /// The labels below the picture: the first, one in the middle and the last.
    pub(crate) fn marks(&self) -> Vec<&str> {
        let middle = self.bars.len() / 2;
        let marks = [self.bars.first(), self.bars.get(middle), self.bars.last()];
        marks
            .into_iter()
            .flatten()
            .map(|bar| bar.label.as_str())
            .collect()
    }
}

/// How time is cut.
struct Steps {
    length: TimeDelta,
    count: i32,
    format: &'static str,
}

impl Steps {
    /// The beginning of the first step.
    fn start(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let last = now.duration_trunc(self.length).unwrap_or(now);
        last - self.length * (self.count - 1)
    }

    fn sum(&self, counts: &[HourlyCount], now: DateTime<Utc>) -> Vec<(String, u64, u64)> {
        let start = self.start(now);
        (0..self.count)
            .map(|index| {
                let from = start + self.length * index;
                let until = from + self.length;
                let within = counts.iter().filter(|it| (from..until).contains(&it.hour));
                let (mut good, mut bad) = (0, 0);
                for it in within {
                    let count = u64::try_from(it.count).unwrap_or_default();
                    match it.action.as_str() {
                        "login.succeeded" => good += count,
                        "login.failed" | "login.throttled" => bad += count,
                        _ => {}
                    }
                }
                (from.format(self.format).to_string(), good, bad)
            })
            .collect()
    }
}

/// From when on counts are needed.
pub(crate) fn since(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(TimeDelta::days(1)).unwrap_or(now) - TimeDelta::days(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000, 0).unwrap() - TimeDelta::hours(hour)
    }

    fn count(hours_ago: i64, action: &str, count: i64) -> HourlyCount {
        HourlyCount {
            hour: at(hours_ago).duration_trunc(TimeDelta::hours(1)).unwrap(),
            action: action.to_owned(),
            count,
        }
    }

    #[test]
    fn a_day_has_its_hours_and_a_month_its_days() {
        let counts = [
            count(0, "login.succeeded", 4),
            count(0, "login.failed", 1),
            count(23, "login.throttled", 2),
            count(24, "login.succeeded", 100),
            count(1, "user.registered", 9),
        ];
        let day = Chart::of_day(&counts, at(0));
        assert_eq!(day.bars.len(), 24);
        let (first, last) = (&day.bars[0], &day.bars[23]);
        assert_eq!((first.good, first.bad), (0, 2));
        assert_eq!((last.good, last.bad), (4, 1));
        assert_eq!((last.good_height, last.bad_height), (80, 20));
        assert_eq!((last.good_y(), last.bad_y()), (20, 0));
        assert_eq!(
            day.summary,
            "4 sign-ins and 3 failures. Most of them at 15:00: 5."
        );
        let month = Chart::of_month(&counts, at(0));
        assert_eq!(month.bars.len(), 30);
        assert_eq!(month.bars.iter().map(|bar| bar.good).sum::<u64>(), 104);
    }

    #[test]
    fn nothing_is_no_picture_of_something() {
        let day = Chart::of_day(&[], at(0));
        assert!(
            day.bars
                .iter()
                .all(|bar| bar.good_height + bar.bad_height == 0)
        );
        assert_eq!(day.summary, "0 sign-ins and 0 failures.");
    }
}
