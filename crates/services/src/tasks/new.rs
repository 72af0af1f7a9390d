//! A task to be made.

use super::{CreateTaskError, KindError, TaskKinds};
use crate::fields::FieldErrors;
use chrono::{DateTime, Utc};
use doorward_domain::task::{
    MaxAttempts, ParseRepeatError, Repeat, Series, TaskKind, TaskName, TaskPayload, parse_instant,
};
use doorward_domain::{ScheduledTask, TaskId, TaskStatus, UserId};
use serde_json::{Map, Value};

/// A task to be made.
#[derive(Debug, Default)]
pub struct NewTask {
    /// What its owner calls it. Required.
    pub name: Option<String>,
    /// When it runs, as RFC 3339 writes it. One that repeats may leave it to the expression; then it first runs when that
    /// says so.
    pub scheduled_at: Option<String>,
    /// What it does; without a word, [`TaskKind::NOOP`].
    pub kind: Option<String>,
    /// What its kind is told.
    pub payload: Option<Map<String, Value>>,
    /// How often it is tried.
    pub max_attempts: Option<i64>,
    /// When it happens again.
    pub repeat: Option<NewRepeat>,
    /// What the reader of the input has found wrong already.
    pub errors: FieldErrors,
}

/// When a task happens again.
#[derive(Debug, Default)]
pub struct NewRepeat {
    /// A cron expression of five fields. Required.
    pub cron: Option<String>,
    /// The name of a time zone; without a word, UTC.
    pub timezone: Option<String>,
}

impl NewTask {
    /// The task, pending.
    pub(super) async fn read(
        self,
        user_id: UserId,
        now: DateTime<Utc>,
        kinds: &dyn TaskKinds,
    ) -> Result<ScheduledTask, CreateTaskError> {
        let mut errors = self.errors;
        let name = errors.require("name", self.name);
        let name = name.and_then(|name| errors.take("name", TaskName::parse(&name)));
        let max_attempts = self
            .max_attempts
            .map_or(Ok(MaxAttempts::default()), MaxAttempts::new);
        let max_attempts = errors.take("max_attempts", max_attempts);
        let has_payload = !errors.mentions("payload");
        let payload = TaskPayload::new(self.payload.unwrap_or_default());
        let payload = errors.take("payload", payload).filter(|_| has_payload);
        let repeat = self.repeat.and_then(|repeat| repeat.read(&mut errors));
        let scheduled_at = read_time(self.scheduled_at, repeat.as_ref(), now, &mut errors);
        let kind = read_kind(self.kind, kinds, &mut errors);
        if let (Some(kind), Some(payload)) = (&kind, &payload) {
            match kinds.validate(kind, payload, user_id).await {
                Ok(()) => {}
                Err(KindError::Invalid(refused)) => errors.extend(&refused),
                Err(KindError::Internal(error)) => return Err(error.into()),
            }
        }
        let (Some(name), Some(scheduled_at), Some(kind), Some(payload), Some(max_attempts), true) = (
            name,
            scheduled_at,
            kind,
            payload,
            max_attempts,
            errors.is_empty(),
        ) else {
            return Err(CreateTaskError::Invalid(errors));
        };
        let id = TaskId::new(now);
        Ok(ScheduledTask {
            id,
            user_id,
            name,
            kind,
            payload,
            status: TaskStatus::Pending,
            scheduled_at,
            // Nobody gets before others by a time that is long past.
            due_at: Some(scheduled_at.max(now)),
            series: repeat.map(|repeat| Series { id, repeat }),
            max_attempts,
            attempts: 0,
            earlier_attempts: 0,
            created_at: now,
            started_at: None,
            finished_at: None,
            result: None,
            error: None,
        })
    }
}

impl NewRepeat {
    fn read(self, errors: &mut FieldErrors) -> Option<Repeat> {
        let timezone = self.timezone.as_deref().unwrap_or("UTC");
        errors.take("repeat.timezone", Repeat::check_timezone(timezone));
        let cron = errors.require("repeat.cron", self.cron)?;
        match Repeat::parse(&cron, timezone) {
            Err(ParseRepeatError::TimeZone) => None, // that was said already
            parsed => errors.take("repeat.cron", parsed),
        }
    }
}

/// When it first runs, which must be said or follow from the expression, and again after it.
fn read_time(
    text: Option<String>,
    repeat: Option<&Repeat>,
    now: DateTime<Utc>,
    errors: &mut FieldErrors,
) -> Option<DateTime<Utc>> {
    let said = text.map(|text| errors.take("scheduled_at", parse_instant(&text)));
    let start = said.flatten().map_or(now, |at| at.max(now));
    let next = repeat.and_then(|repeat| repeat.next_after(start));
    if repeat.is_some() && next.is_none() {
        errors.add("repeat.cron", "It never happens.");
    }
    match said {
        Some(said) => said,
        None if errors.mentions("scheduled_at") => None,
        None if repeat.is_some() => next,
        None => errors.require("scheduled_at", None),
    }
}

fn read_kind(
    name: Option<String>,
    kinds: &dyn TaskKinds,
    errors: &mut FieldErrors,
) -> Option<TaskKind> {
    if errors.mentions("kind") {
        return None;
    }
    let Some(name) = name else {
        return Some(TaskKind::NOOP);
    };
    let known = kinds.names();
    let kind = known.iter().find(|kind| kind.as_str() == name).cloned();
    let kind = kind.ok_or_else(|| {
        let names: Vec<_> = known.iter().map(TaskKind::as_str).collect();
        format!("Must be one of {}.", names.join(", "))
    });
    errors.take("kind", kind)
}
