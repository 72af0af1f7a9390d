//! What happened: counted by each connection for itself, then added up and told.

use crate::http::{Answer, Failure};
use crate::process::Usage;
use crate::samples::{Quantiles, Samples};
use crate::scenario::Verdict;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const SLOT: Duration = Duration::from_millis(100);

/// What one connection has seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    right: Samples,
    unavailable: Samples,
    statuses: BTreeMap<u16, u64>,
    without_retry_after: u64,
    lost: u64,
    timed_out: u64,
    not_connected: u64,
    pub(crate) reconnects: u64,
    wrong: u64,
    example: Option<String>,
    /// By number.
    slots: BTreeMap<u128, Slot>,
}

/// A tenth of a second.
#[derive(Debug, Clone, Default)]
struct Slot {
    right: u64,
    unauthorized: u64,
    unavailable: u64,
    other: u64,
    lost: u64,
    not_connected: u64,
    longest: Duration,
}

impl Tally {
    /// An answer came `at` this time of the run, after it was waited for this long.
    pub(crate) fn answered(
        &mut self,
        at: Duration,
        took: Duration,
        answer: &Answer<'_>,
        verdict: Verdict,
    ) {
        *self.statuses.entry(answer.status).or_default() += 1;
        if answer.status == 503 {
            self.unavailable.add(took);
            self.without_retry_after += u64::from(!answer.has_retry_after);
        }
        match verdict {
            Verdict::Right => self.right.add(took),
            Verdict::Refused => {}
            Verdict::Wrong => {
                self.wrong += 1;
                let body = String::from_utf8_lossy(answer.body);
                let body: String = body.chars().take(200).collect();
                self.example
                    .get_or_insert_with(|| format!("{} {body}", answer.status));
            }
        }
        let slot = self.slot(at);
        slot.longest = slot.longest.max(took);
        match (verdict, answer.status) {
            (Verdict::Right, _) => slot.right += 1,
            (_, 401) => slot.unauthorized += 1,
            (_, 503) => slot.unavailable += 1,
            _ => slot.other += 1,
        }
    }

    /// No answer came.
    pub(crate) fn failed(&mut self, at: Duration, failure: &Failure) {
        match failure {
            Failure::NotConnected(_) => {
                self.not_connected += 1;
                self.slot(at).not_connected += 1;
                return;
            }
            Failure::Lost(_) => self.lost += 1,
            Failure::TimedOut => self.timed_out += 1,
        }
        self.slot(at).lost += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.right.append(other.right);
        self.unavailable.append(other.unavailable);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.without_retry_after += other.without_retry_after;
        self.lost += other.lost;
        self.timed_out += other.timed_out;
        self.not_connected += other.not_connected;
        self.reconnects += other.reconnects;
        self.wrong += other.wrong;
        self.example = self.example.take().or(other.example);
        for (number, theirs) in other.slots {
            let mine = self.slots.entry(number).or_default();
            mine.right += theirs.right;
            mine.unauthorized += theirs.unauthorized;
            mine.unavailable += theirs.unavailable;
            mine.other += theirs.other;
            mine.lost += theirs.lost;
            mine.not_connected += theirs.not_connected;
            mine.longest = mine.longest.max(theirs.longest);
        }
    }

    /// The time series.
    pub(crate) fn csv(&self) -> String {
        let mut csv =
            "ms,right,unauthorized,unavailable,other,lost,not_connected,max_ms\n".to_owned();
        let slots = self.slots.last_key_value().map_or(0, |(last, _)| last + 1);
        let empty = Slot::default();
        for number in 0..slots {
            let Slot {
                right,
                unauthorized,
                unavailable,
                other,
                lost,
                not_connected,
                longest,
            } = self.slots.get(&number).unwrap_or(&empty);
            let (ms, longest) = (number * 100, longest.as_secs_f64() * 1000.0);
            let _ = writeln!(
                csv,
                "{ms},{right},{unauthorized},{unavailable},{other},{lost},{not_connected},{longest:.2}"
            );
        }
        csv
    }

    fn slot(&mut self, at: Duration) -> &mut Slot {
        self.slots
            .entry(at.as_millis() / SLOT.as_millis())
            .or_default()
    }
}

/// The longest time in which no connection got a right answer.
#[derive(Debug)]
pub(crate) struct Gaps {
    began: Instant,
    state: Mutex<(Duration, Gap)>,
}

/// A time without a right answer, in milliseconds since the beginning.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Gap {
    pub(crate) ms: f64,
    pub(crate) from_ms: f64,
    pub(crate) to_ms: f64,
}

impl Gaps {
    pub(crate) fn new(began: Instant) -> Self {
        Self {
            began,
            state: Mutex::default(),
        }
    }

    /// There was a right answer now.
    pub(crate) fn right(&self) {
        self.note(self.began.elapsed());
    }

    /// The longest, now that all is over.
    pub(crate) fn longest(&self, until: Duration) -> Gap {
        self.note(until);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn note(&self, now: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, longest) = &mut *state;
        let ms = now.saturating_sub(*last).as_secs_f64() * 1000.0;
        if ms > longest.ms {
            *longest = Gap {
                ms,
                from_ms: last.as_secs_f64() * 1000.0,
                to_ms: now.as_secs_f64() * 1000.0,
            };
        }
        *last = now.max(*last);
    }
}

/// What `run` tells.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) scenario: String,
    /// Seconds of the Unix epoch at which the measured requests began.
    pub(crate) started_at: f64,
    pub(crate) seconds: f64,
    /// Sent ones, answered or not.
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    pub(crate) right: Quantiles,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) unauthorized: u64,
    pub(crate) unavailable: Quantiles,
    pub(crate) unavailable_without_retry_after: u64,
    pub(crate) other_5xx: u64,
    pub(crate) lost: u64,
    pub(crate) timed_out: u64,
    pub(crate) not_connected: u64,
    pub(crate) reconnects: u64,
    pub(crate) wrong: u64,
    pub(crate) example: Option<String>,
    pub(crate) longest_gap: Gap,
    pub(crate) server: Option<Server>,
}

/// What the servers' processes cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Server {
    pub(crate) cpu_micros_per_request: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_mib: f64,
    pub(crate) peak_mib: f64,
}

impl Server {
    pub(crate) fn between(before: Usage, after: Usage, requests: u64) -> Self {
        let cpu = after.cpu.saturating_sub(before.cpu);
        Self {
            cpu_micros_per_request: cpu.as_secs_f64() * 1e6 / to_float(requests.max(1)),
            cpu_seconds: cpu.as_secs_f64(),
            resident_mib: to_float(after.resident_kib) / 1024.0,
            peak_mib: to_float(after.peak_kib) / 1024.0,
        }
    }
}

impl Report {
    pub(crate) fn new(
        scenario: &str,
        started_at: f64,
        took: Duration,
        tally: Tally,
        longest_gap: Gap,
    ) -> Self {
        let answered: u64 = tally.statuses.values().sum();
        let requests = answered + tally.lost + tally.timed_out;
        let right = tally.right.quantiles();
        let status = |status: u16| tally.statuses.get(&status).copied().unwrap_or_default();
        let all_5xx: u64 = tally.statuses.range(500..).map(|(_, count)| count).sum();
        Self {
            scenario: scenario.to_owned(),
            started_at,
            seconds: took.as_secs_f64(),
            requests,
            per_second: to_float(requests) / took.as_secs_f64().max(f64::EPSILON),
            right,
            unauthorized: status(401),
            unavailable: tally.unavailable.quantiles(),
            unavailable_without_retry_after: tally.without_retry_after,
            other_5xx: all_5xx - status(503),
            statuses: tally.statuses,
            lost: tally.lost,
            timed_out: tally.timed_out,
            not_connected: tally.not_connected,
            reconnects: tally.reconnects,
            wrong: tally.wrong,
            example: tally.example,
            longest_gap,
            server: None,
        }
    }

    pub(crate) fn is_right(&self) -> bool {
        self.wrong == 0
    }
}

/// Counts are far below 2⁵³.
pub(crate) fn to_float(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} requests in {:.1} s, {:.0} a second",
            self.scenario, self.requests, self.seconds, self.per_second
        )?;
        writeln!(f, "  right        {} ({})", self.right.count, self.right)?;
        let statuses: Vec<_> = self
            .statuses
            .iter()
            .map(|(status, count)| format!("{status}: {count}"))
            .collect();
        writeln!(f, "  statuses     {}", statuses.join(", "))?;
        if self.unavailable.count > 0 {
            writeln!(
                f,
                "  503          {} ({}), {} without Retry-After",
                self.unavailable.count, self.unavailable, self.unavailable_without_retry_after
            )?;
        }
        writeln!(
            f,
            "  connections  {} refused, {} opened again; {} requests lost, {} timed out",
            self.not_connected, self.reconnects, self.lost, self.timed_out
        )?;
        let Gap { ms, from_ms, to_ms } = self.longest_gap;
        writeln!(
            f,
            "  longest gap  {ms:.0} ms, from {from_ms:.0} to {to_ms:.0} ms"
        )?;
        if let Some(server) = self.server {
            writeln!(
                f,
                "  server       {:.1} µs of CPU a request ({:.2} s in all), {:.1} MiB, at most {:.1} MiB",
                server.cpu_micros_per_request,
                server.cpu_seconds,
                server.resident_mib,
                server.peak_mib
            )?;
        }
        write!(f, "  wrong        {}", self.wrong)?;
        match &self.example {
            Some(example) => write!(f, ", the first: {example}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer<'static> {
        Answer {
            status,
            has_retry_after: false,
            body: b"{}",
        }
    }

    #[test]
    fn what_connections_saw_adds_up() {
        let ms = Duration::from_millis;
        let mut tally = Tally::default();
        tally.answered(ms(10), ms(1), &answer(200), Verdict::Right);
        tally.answered(ms(20), ms(1), &answer(503), Verdict::Refused);
        let mut other = Tally::default();
        other.answered(ms(250), ms(2), &answer(500), Verdict::Refused);
        other.failed(ms(260), &Failure::TimedOut);
        other.answered(ms(270), ms(2), &answer(200), Verdict::Wrong);
        tally.add(other);
        let csv = tally.csv();
        assert_eq!(csv.lines().count(), 4);
        assert!(csv.contains("\n0,1,0,1,0,0,0,1.00\n"), "{csv}");
        assert!(csv.contains("\n200,0,0,0,2,1,0,2.00\n"), "{csv}");
        let report = Report::new("me", 0.0, ms(1000), tally, Gap::default());
        assert_eq!(
            (report.requests, report.right.count, report.wrong),
            (5, 1, 1)
        );
        assert_eq!(
            (report.other_5xx, report.unavailable.count, report.timed_out),
            (1, 1, 1)
        );
        assert_eq!(report.unavailable_without_retry_after, 1);
        assert!(!report.is_right());
        assert_eq!(report.example.as_deref(), Some("200 {}"));
    }

    #[test]
    fn the_longest_gap_is_found_even_at_the_end() {
        let gaps = Gaps::new(Instant::now());
        for second in [1, 2, 5, 6] {
            gaps.note(Duration::from_secs(second));
        }
        let gap = gaps.longest(Duration::from_secs(8));
        assert!((gap.ms - 3000.0).abs() < 1.0 && (gap.from_ms - 2000.0).abs() < 1.0);
        assert!((gaps.longest(Duration::from_secs(20)).ms - 12000.0).abs() < 1.0);
    }
}
