//! A task as a row.

use crate::rows::inconsistent;
use crate::schema::tasks;
use crate::types::{DbId, DbInstant};
use diesel::prelude::*;
use doorward_domain::task::{
    MaxAttempts, Repeat, Series, TaskFailure, TaskKind, TaskName, TaskPayload,
};
use doorward_domain::{ScheduledTask, TaskId, UserId};
use doorward_storage::StoreError;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
pub(super) struct TaskRow {
    pub(super) id: DbId,
    pub(super) user_id: DbId,
    name: String,
    kind: String,
    payload: String,
    status: String,
    scheduled_at: DbInstant,
    due_at: Option<DbInstant>,
    series_id: Option<DbId>,
    cron: Option<String>,
    timezone: Option<String>,
    max_attempts: i64,
    attempts: i64,
    earlier_attempts: i64,
    created_at: DbInstant,
    started_at: Option<DbInstant>,
    finished_at: Option<DbInstant>,
    result: Option<String>,
    error: Option<String>,
}

impl From<&ScheduledTask> for TaskRow {
    fn from(task: &ScheduledTask) -> Self {
        let series = task.series.as_ref();
        Self {
            id: task.id.into(),
            user_id: task.user_id.into(),
            name: task.name.as_str().to_owned(),
            kind: task.kind.as_str().to_owned(),
            payload: task.payload.to_json(),
            status: task.status.as_str().to_owned(),
            scheduled_at: task.scheduled_at.into(),
            due_at: task.due_at.map(DbInstant),
            series_id: series.map(|series| series.id.into()),
            cron: series.map(|series| series.repeat.cron().to_owned()),
            timezone: series.map(|series| series.repeat.timezone().to_owned()),
            max_attempts: task.max_attempts.get().into(),
            attempts: task.attempts.into(),
            earlier_attempts: task.earlier_attempts.into(),
            created_at: task.created_at.into(),
            started_at: task.started_at.map(DbInstant),
            finished_at: task.finished_at.map(DbInstant),
            result: task.result.as_ref().map(ToString::to_string),
            error: task.error.as_ref().map(|error| error.as_str().to_owned()),
        }
    }
}

impl TryFrom<TaskRow> for ScheduledTask {
    type Error = StoreError;

    fn try_from(row: TaskRow) -> Result<Self, StoreError> {
        let series = match (row.series_id, row.cron, row.timezone) {
            (None, None, None) => None,
            (Some(id), Some(cron), Some(timezone)) => Some(Series {
                id: TaskId::from_uuid(id.0),
                repeat: Repeat::parse(&cron, &timezone).map_err(bad("cron"))?,
            }),
            _ => return Err(inconsistent("tasks", "series_id")),
        };
        let result = row.result.map(|json| json.parse()).transpose();
        Ok(Self {
            id: TaskId::from_uuid(row.id.0),
            user_id: UserId::from_uuid(row.user_id.0),
            name: TaskName::parse(&row.name).map_err(bad("name"))?,
            kind: TaskKind::parse(&row.kind).map_err(bad("kind"))?,
            payload: TaskPayload::parse(&row.payload).map_err(bad("payload"))?,
            status: row.status.parse().map_err(bad("status"))?,
            scheduled_at: row.scheduled_at.0,
            due_at: row.due_at.map(|at| at.0),
            series,
            max_attempts: MaxAttempts::new(row.max_attempts).map_err(bad("max_attempts"))?,
            attempts: counted(row.attempts, "attempts")?,
            earlier_attempts: counted(row.earlier_attempts, "earlier_attempts")?,
            created_at: row.created_at.0,
            started_at: row.started_at.map(|at| at.0),
            finished_at: row.finished_at.map(|at| at.0),
            result: result.map_err(bad("result"))?,
            error: row.error.as_deref().map(TaskFailure::new),
        })
    }
}

/// One more can be counted.
fn counted(number: i64, column: &'static str) -> Result<u32, StoreError> {
    let counted = u32::try_from(number).ok().filter(|it| *it < u32::MAX);
    counted.ok_or_else(|| inconsistent("tasks", column))
}

fn bad<E>(column: &'static str) -> impl FnOnce(E) -> StoreError {
    move |_| inconsistent("tasks", column)
}
