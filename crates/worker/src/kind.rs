//! What a task can do: a kind has a name, a typed payload, and a way to run.

use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::task::{TaskFailure, TaskReport};
use doorward_domain::{ScheduledTask, TaskId, UserId};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::future::{Future, ready};
use std::time::Duration;

pub use doorward_services::tasks::KindError as CheckError;

/// A kind of task.
///
/// A run may come twice, after a worker has died in the middle of it or has lost its lease: whoever minds recognises the
/// task by [`Run::task`], which all its attempts share.
pub trait Kind: Send + Sync + 'static {
    /// What tasks of this kind name in `kind`.
    const NAME: &'static str;

    /// For how long one run may take; then it is dropped where it awaits, and has failed.
    const TIME_LIMIT: Duration = Duration::from_mins(1);

    /// What a task of this kind carries. It is parsed when the task is made, so that whoever makes a bad one hears of it,
    /// and again at each attempt.
    type Payload: DeserializeOwned + Send;

    /// Looks at the payload of a task that `owner` makes, beyond its type.
    ///
    /// # Errors
    /// [`CheckError`]: the task is not made.
    fn check(
        &self,
        _owner: UserId,
        _payload: Self::Payload,
    ) -> impl Future<Output = Result<(), CheckError>> + Send {
        ready(Ok(()))
    }

    /// Runs a task; what it returns is the task's `result`. It is dropped at an await when its time is up or its lease is
    /// lost, and must not block the thread.
    ///
    /// # Errors
    /// [`RunError`]: this attempt has failed.
    fn run(
        &self,
        run: &Run,
        payload: Self::Payload,
    ) -> impl Future<Output = Result<Value, RunError>> + Send;
}

/// One attempt at a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The task, the same at all attempts.
    pub task: TaskId,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// What its owner calls it.
    pub name: String,
    /// Who made it.
    pub owner: UserId,
    /// When it was to happen at first.
    pub scheduled_at: DateTime<Utc>,
    /// When this attempt began.
    pub started_at: DateTime<Utc>,
}

impl Run {
    pub(crate) fn of(task: &ScheduledTask) -> Self {
        Self {
            task: task.id,
            attempt: task.attempts,
            name: task.name.as_str().to_owned(),
            owner: task.user_id,
            scheduled_at: task.scheduled_at,
            started_at: task.started_at.unwrap_or(task.scheduled_at),
        }
    }
}

/// Why an attempt has failed. The message is kept in the task, up to 1000 characters, where its
/// owner reads it: no secret belongs into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    failure: TaskFailure,
    then: Then,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Another attempt, if the task has one left, after the usual pause or, where it is longer, after the given one.
    Retry(Option<Duration>),
    /// None: the task has failed.
    GiveUp,
}

impl RunError {
    /// Another attempt may succeed.
    pub fn retry(message: impl fmt::Display) -> Self {
        Self::new(message, Then::Retry(None))
    }

    /// Another attempt may succeed, but not before so long; an hour is the most that is waited.
    pub fn retry_after(message: impl fmt::Display, pause: Duration) -> Self {
        Self::new(message, Then::Retry(Some(pause)))
    }

    /// No attempt will succeed: the task ends as failed at once.
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self::new(message, Then::GiveUp)
    }

    /// What the owner reads.
    pub fn message(&self) -> &str {
        self.failure.as_str()
    }

    /// What follows.
    pub fn then(&self) -> Then {
        self.then
    }

    fn new(message: impl fmt::Display, then: Then) -> Self {
        let failure = TaskFailure::new(&message.to_string());
        Self { failure, then }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for RunError {}

impl From<RunError> for TaskReport {
    fn from(error: RunError) -> Self {
        match error.then {
            Then::Retry(pause) => {
                let pause = pause.map(|pause| TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX));
                Self::NotDone(error.failure, pause)
            }
            Then::GiveUp => Self::Hopeless(error.failure),
        }
    }
}
