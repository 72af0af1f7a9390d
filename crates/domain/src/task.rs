//! Scheduled tasks: what happens at a time, once, whatever dies.
//!
//! A task is one row. A worker holds it under a lease, and the number of the attempt fences off every write of one that
//! has lost it. A task that repeats is a series of rows, one for each firing, of which one at the most is live: the next
//! is made in the transaction that ends the one before, so what was missed meanwhile happens once and not many times.

mod kind;
mod name;
mod outcome;
mod payload;
mod repeat;

pub use kind::{ParseTaskKindError, TaskKind};
pub use name::{ParseTaskNameError, TaskName};
pub use outcome::{Jitter, TaskFailure, TaskOutcome, TaskReport, retry_pause};
pub use payload::{InvalidPayload, MAX_PAYLOAD_BYTES, TaskPayload};
pub use repeat::{ParseRepeatError, Repeat};

use crate::ids::{TaskId, UserId};
use chrono::{DateTime, Datelike, SubsecRound, Timelike, Utc};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// The most tasks of one user that have not ended.
pub const MAX_LIVE_TASKS_PER_USER: usize = 10_000;

/// A task of a user.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduledTask {
    /// Names the task.
    pub id: TaskId,
    /// Whose it is.
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: TaskName,
    /// What it does.
    pub kind: TaskKind,
    /// What its kind is told.
    pub payload: TaskPayload,
    /// How far it is.
    pub status: TaskStatus,
    /// When it was to run.
    pub scheduled_at: DateTime<Utc>,
    /// When somebody has to look after it: a pending one is due then, and the lease of a running one ends. None when it
    /// has ended.
    pub due_at: Option<DateTime<Utc>>,
    /// Its series, where it repeats.
    pub series: Option<Series>,
    /// How often it is tried.
    pub max_attempts: MaxAttempts,
    /// How often it was tried. Grows for ever: the number of the attempt that runs fences off the ones before.
    pub attempts: u32,
    /// How many of them were given back, or made before it was last run anew, and do not count against [`max_attempts`](Self::max_attempts).
    pub earlier_attempts: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its latest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// What came of it, when it has completed.
    pub result: Option<Value>,
    /// What went wrong in the latest attempt.
    pub error: Option<TaskFailure>,
}

/// What the firings of a repeating task have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The first firing, after which the series is called.
    pub id: TaskId,
    /// When it fires.
    pub repeat: Repeat,
}

impl ScheduledTask {
    /// How many attempts count against [`max_attempts`](Self::max_attempts).
    pub fn counted_attempts(&self) -> u32 {
        self.attempts.saturating_sub(self.earlier_attempts)
    }

    /// Whether it may be tried once more after the attempts that were made.
    pub fn has_attempts_left(&self) -> bool {
        self.counted_attempts() < self.max_attempts.get()
    }

    /// The next firing of its series, where there is one: the first moment after both this one's and `now`, so that what
    /// was missed happens once.
    #[must_use]
    pub fn next_firing(&self, now: DateTime<Utc>) -> Option<Self> {
        let series = self.series.as_ref()?;
        let at = series.repeat.next_after(now.max(self.scheduled_at))?;
        Some(Self {
            id: TaskId::new(now),
            status: TaskStatus::Pending,
            scheduled_at: at,
            due_at: Some(at),
            attempts: 0,
            earlier_attempts: 0,
            created_at: now,
            started_at: None,
            finished_at: None,
            result: None,
            error: None,
            ..self.clone()
        })
    }
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskStatus {
    /// It waits for its time, or for its next attempt.
    Pending,
    /// A worker has it.
    Running,
    /// It was done.
    Completed,
    /// No attempt is left, or none would help.
    Failed,
    /// It was called off before it began, or its owner may not have it run.
    Cancelled,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens by itself.
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Completed | Self::Failed | Self::Cancelled => true,
        }
    }

    /// Whether it may be called off.
    pub const fn may_be_cancelled(self) -> bool {
        matches!(self, Self::Pending)
    }

    /// Whether it may be deleted: a worker must not lose what it works at.
    pub const fn may_be_deleted(self) -> bool {
        !matches!(self, Self::Running)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Must be one of pending, running, completed, failed, cancelled.")]
pub struct ParseTaskStatusError;

impl FromStr for TaskStatus {
    type Err = ParseTaskStatusError;

    fn from_str(text: &str) -> Result<Self, ParseTaskStatusError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(ParseTaskStatusError)
    }
}

/// How often a task is tried: 1 to 20 times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MaxAttempts(u8);

/// It is not in the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Must be a whole number from 1 to 20.")]
pub struct MaxAttemptsOutOfBounds;

impl MaxAttempts {
    /// So many, from 1 to 20.
    ///
    /// # Errors
    /// When there are fewer or more.
    pub fn new(attempts: i64) -> Result<Self, MaxAttemptsOutOfBounds> {
        u8::try_from(attempts)
            .ok()
            .filter(|attempts| (1..=20).contains(attempts))
            .map(Self)
            .ok_or(MaxAttemptsOutOfBounds)
    }

    /// As a number.
    pub fn get(self) -> u32 {
        self.0.into()
    }
}

impl Default for MaxAttempts {
    fn default() -> Self {
        Self(5)
    }
}

/// The text tells no instant that we can keep and tell again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Enter a time with its zone, such as 2030-01-31T12:00:00Z.")]
pub struct ParseInstantError;

/// An instant as RFC 3339 writes it, with its zone, and as exact as the databases keep it: to the microsecond. They know
/// no leap seconds, and RFC 3339 writes years with four digits.
///
/// # Errors
/// [`ParseInstantError`] for everything else.
pub fn parse_instant(text: &str) -> Result<DateTime<Utc>, ParseInstantError> {
    match DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()) {
        Ok(at) if (0..=9999).contains(&at.year()) && at.nanosecond() < 1_000_000_000 => {
            Ok(at.trunc_subsecs(6))
        }
        Ok(_) | Err(_) => Err(ParseInstantError),
    }
}

#[cfg(test)]
mod tests;
