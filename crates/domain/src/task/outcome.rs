//! How an attempt ends, and what follows from it.

use super::ScheduledTask;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// The pause after the first attempt.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(5);
/// The longest pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// The longest message that is kept, in characters.
const MAX_ERROR_CHARS: usize = 1000;

/// What a kind says of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskReport {
    /// It was done, with this result.
    Done(Option<Value>),
    /// It was not. Another attempt may help, not before the pause that is given, where one is.
    NotDone(TaskFailure, Option<TimeDelta>),
    /// It was not, and no other attempt would help.
    Hopeless(TaskFailure),
}

/// What an attempt leaves in the row.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskOutcome {
    /// The task has completed.
    Completed(Option<Value>),
    /// The task has failed.
    Failed(TaskFailure),
    /// It is tried again.
    Retry {
        /// From when on.
        at: DateTime<Utc>,
        /// What went wrong this time.
        error: TaskFailure,
    },
    /// The worker did not bring it to an end and says so: it is tried again, and this attempt does not count against
    /// [`max_attempts`](ScheduledTask::max_attempts).
    GivenBack {
        /// From when on.
        at: DateTime<Utc>,
    },
}

/// What went wrong, for the owner to read: no secret may be in it. No more than 1000 characters are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFailure(String);

impl TaskFailure {
    /// The message, cut where it is too long. What PostgreSQL keeps in no text is left out.
    pub fn new(message: &str) -> Self {
        let kept = message.chars().filter(|character| *character != '\0');
        Self(kept.take(MAX_ERROR_CHARS).collect())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How far a pause is off the mark, in thousandths: -100 to 100. Whoever calls brings the chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter(i32);

impl Jitter {
    /// None.
    pub const NONE: Self = Self(0);

    /// So many thousandths; more than 100 are 100.
    pub fn per_mille(thousandths: i32) -> Self {
        Self(thousandths.clamp(-100, 100))
    }
}

/// The pause before the next attempt when so many were made: 5 s after the first, three times as long after each one
/// that follows, ±10 %, at most an hour.
pub fn retry_pause(attempts: u32, jitter: Jitter) -> TimeDelta {
    // After the seventh it is an hour in any case.
    let factor = 3_i32.pow(attempts.saturating_sub(1).min(7));
    let pause = (FIRST_PAUSE * factor).min(LONGEST_PAUSE);
    (pause + pause * jitter.0 / 1000).min(LONGEST_PAUSE)
}

impl ScheduledTask {
    /// What follows from the report of its present attempt, at `now`.
    pub fn decide(&self, report: TaskReport, now: DateTime<Utc>, jitter: Jitter) -> TaskOutcome {
        let (error, least) = match report {
            TaskReport::Done(result) => return TaskOutcome::Completed(result),
            TaskReport::Hopeless(error) => return TaskOutcome::Failed(error),
            TaskReport::NotDone(error, _) if !self.has_attempts_left() => {
                return TaskOutcome::Failed(error);
            }
            TaskReport::NotDone(error, least) => (error, least.unwrap_or_default()),
        };
        let pause = retry_pause(self.counted_attempts(), jitter).max(least.min(LONGEST_PAUSE));
        TaskOutcome::Retry {
            at: now + pause,
            error,
        }
    }
}
