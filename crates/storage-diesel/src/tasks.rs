//! Scheduled tasks.

mod claim;
mod row;

use crate::backend::on_backend;
use crate::rows::readable;
use crate::schema::tasks;
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use doorward_domain::task::{TaskFailure, TaskKind, TaskOutcome};
use doorward_domain::{Change, ScheduledTask, TaskId, TaskStatus, UserId};
use doorward_storage::{Claim, StoreError, TaskList, TaskQuery, TaskRepository};
use row::TaskRow;
use uuid::Uuid;

const PENDING: &str = TaskStatus::Pending.as_str();
const RUNNING: &str = TaskStatus::Running.as_str();

/// The query, for either database.
macro_rules! matching {
    ($query:expr) => {{
        let TaskQuery {
            user_id,
            status,
            before,
            limit,
        } = $query;
        // No task has the greatest id.
        let before = before.map_or(DbId(Uuid::max()), DbId::from);
        let mut page = tasks::table
            .filter(tasks::id.lt(before))
            .order(tasks::id.desc())
            .limit((*limit).into())
            .select(TaskRow::as_select())
            .into_boxed();
        if let Some(user_id) = *user_id {
            page = page.filter(tasks::user_id.eq(DbId::from(user_id)));
        }
        if let Some(status) = *status {
            page = page.filter(tasks::status.eq(status.as_str()));
        }
        page
    }};
}

impl TaskRepository for DieselTransaction<'_> {
    fn insert_task(&mut self, task: &ScheduledTask, at: DateTime<Utc>) -> Result<(), StoreError> {
        let row = TaskRow::from(task);
        let count = on_backend!(self, |c| diesel::insert_into(tasks::table)
            .values(&row)
            .execute(c))?;
        if count != 1 {
            return Err(unexpected_count(count, "tasks"));
        }
        self.record_due(task.due_at, at)
    }

    fn task(&mut self, id: TaskId) -> Result<Option<ScheduledTask>, StoreError> {
        let wanted = tasks::table.find(DbId::from(id));
        let row = on_backend!(self, |c| wanted
            .select(TaskRow::as_select())
            .first(c)
            .optional())?;
        row.map(ScheduledTask::try_from).transpose()
    }

    fn list_tasks(&mut self, query: &TaskQuery) -> Result<TaskList, StoreError> {
        let rows: Vec<TaskRow> = on_backend!(self, |c| matching!(query).load(c))?;
        let is_full = u32::try_from(rows.len()).is_ok_and(|count| count >= query.limit);
        let last = rows.last().filter(|_| is_full);
        Ok(TaskList {
            last: last.map(|row| TaskId::from_uuid(row.id.0)),
            tasks: readable(rows, |row| row.id.0),
        })
    }

    fn count_live_tasks_of(&mut self, user_id: UserId) -> Result<usize, StoreError> {
        let live = tasks::table
            .filter(tasks::user_id.eq(DbId::from(user_id)))
            .filter(tasks::status.eq_any([PENDING, RUNNING]));
        let count: i64 = on_backend!(self, |c| live.count().get_result(c))?;
        usize::try_from(count).map_err(|error| StoreError::Backend(error.into()))
    }

    fn count_tasks_by_status(&mut self) -> Result<[(TaskStatus, usize); 5], StoreError> {
        let counted: Vec<(String, i64)> = on_backend!(self, |c| tasks::table
            .filter(tasks::status.eq_any(TaskStatus::ALL.map(TaskStatus::as_str)))
            .group_by(tasks::status)
            .select((tasks::status, diesel::dsl::count_star()))
            .load(c))?;
        Ok(TaskStatus::ALL.map(|status| {
            let of_status = counted.iter().find(|(name, _)| name == status.as_str());
            let count = of_status.and_then(|(_, count)| usize::try_from(*count).ok());
            (status, count.unwrap_or_default())
        }))
    }

    fn claim_due_tasks(
        &mut self,
        kinds: &[TaskKind],
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Claim, StoreError> {
        self.claim(kinds, now, lease_until, limit)
    }

    fn renew_task_lease(
        &mut self,
        id: TaskId,
        attempt: u32,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let target = tasks::table
            .find(DbId::from(id))
            .filter(tasks::attempts.eq(i64::from(attempt)))
            .filter(tasks::status.eq(RUNNING));
        let lease = tasks::due_at.eq(Some(DbInstant(until)));
        let count = on_backend!(self, |c| diesel::update(target).set(lease).execute(c))?;
        Ok(count == 1)
    }

    fn finish_task(
        &mut self,
        task: &ScheduledTask,
        outcome: &TaskOutcome,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (status, due_at, result, error) = match outcome {
            TaskOutcome::Completed(result) => (TaskStatus::Completed, None, result.as_ref(), None),
            TaskOutcome::Failed(error) => (TaskStatus::Failed, None, None, Some(error)),
            TaskOutcome::Retry { at, error } => (TaskStatus::Pending, Some(*at), None, Some(error)),
            TaskOutcome::GivenBack { at } => (TaskStatus::Pending, Some(*at), None, None),
        };
        let uncounted = i64::from(matches!(outcome, TaskOutcome::GivenBack { .. }));
        let target = tasks::table
            .find(DbId::from(task.id))
            .filter(tasks::attempts.eq(i64::from(task.attempts)))
            .filter(tasks::status.eq(RUNNING));
        let fields = (
            tasks::status.eq(status.as_str()),
            tasks::due_at.eq(due_at.map(DbInstant)),
            tasks::finished_at.eq(status.has_ended().then_some(DbInstant(at))),
            tasks::result.eq(result.map(ToString::to_string)),
            tasks::error.eq(error.map(TaskFailure::as_str)),
            tasks::earlier_attempts.eq(tasks::earlier_attempts + uncounted),
        );
        let count = on_backend!(self, |c| diesel::update(target).set(fields).execute(c))?;
        if count == 0 {
            return Ok(false);
        }
        self.record_due(due_at, at)?;
        if status.has_ended() {
            self.insert_next_firing(task, at)?;
        }
        Ok(true)
    }

    fn next_task_due(&mut self, kinds: &[TaskKind]) -> Result<Option<DateTime<Utc>>, StoreError> {
        let next = tasks::table
            .filter(tasks::due_at.is_not_null())
            .filter(tasks::kind.eq_any(kinds.iter().map(TaskKind::as_str)))
            .order(tasks::due_at)
            .limit(1)
            .select(tasks::due_at);
        let due: Option<Option<DbInstant>> = on_backend!(self, |c| next.first(c).optional())?;
        Ok(due.flatten().map(|at| at.0))
    }

    fn cancel_task(&mut self, id: TaskId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let target = tasks::table
            .find(DbId::from(id))
            .filter(tasks::status.eq(PENDING));
        let fields = (
            tasks::status.eq(TaskStatus::Cancelled.as_str()),
            tasks::due_at.eq(None::<DbInstant>),
            tasks::finished_at.eq(Some(DbInstant(at))),
        );
        let count = on_backend!(self, |c| diesel::update(target).set(fields).execute(c))?;
        Ok(count == 1)
    }

    fn rerun_task(&mut self, id: TaskId, at: DateTime<Utc>) -> Result<bool, StoreError> {
        let ended = TaskStatus::ALL
            .into_iter()
            .filter(|status| status.has_ended())
            .map(TaskStatus::as_str);
        let target = tasks::table
            .find(DbId::from(id))
            .filter(tasks::status.eq_any(ended));
        let fields = (
            tasks::status.eq(PENDING),
            tasks::due_at.eq(Some(DbInstant(at))),
            tasks::earlier_attempts.eq(tasks::attempts),
            tasks::started_at.eq(None::<DbInstant>),
            tasks::finished_at.eq(None::<DbInstant>),
            tasks::result.eq(None::<String>),
            tasks::error.eq(None::<String>),
            tasks::series_id.eq(None::<DbId>),
            tasks::cron.eq(None::<String>),
            tasks::timezone.eq(None::<String>),
        );
        let count = on_backend!(self, |c| diesel::update(target).set(fields).execute(c))?;
        if count == 0 {
            return Ok(false);
        }
        self.record_due(Some(at), at)?;
        Ok(true)
    }

    fn delete_task(&mut self, id: TaskId) -> Result<bool, StoreError> {
        let target = tasks::table
            .find(DbId::from(id))
            .filter(tasks::status.ne(RUNNING));
        let count = on_backend!(self, |c| diesel::delete(target).execute(c))?;
        Ok(count == 1)
    }

    fn sweep_finished_tasks(
        &mut self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<usize, StoreError> {
        let old = tasks::table
            .filter(tasks::finished_at.lt(DbInstant(before)))
            .limit(limit.into())
            .select(tasks::id);
        let ids: Vec<DbId> = on_backend!(
            self,
            postgres = |c| old.for_update().skip_locked().load(c), // other nodes sweep, too
            sqlite = |c| old.load(c)
        )?;
        if ids.is_empty() {
            return Ok(0);
        }
        let target = tasks::table.filter(tasks::id.eq_any(ids));
        on_backend!(self, |c| diesel::delete(target).execute(c))
    }
}

impl DieselTransaction<'_> {
    fn record_due(
        &mut self,
        due_at: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        due_at.map_or(Ok(()), |due_at| self.record(Change::TaskDue(due_at), at))
    }

    /// Makes the next firing of a series whose task has ended, unless the series has one.
    fn insert_next_firing(
        &mut self,
        ended: &ScheduledTask,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(next) = ended.next_firing(at) else {
            return Ok(());
        };
        let row = TaskRow::from(&next);
        let count = on_backend!(
            self,
            postgres = |c| diesel::insert_into(tasks::table)
                .values(&row)
                .on_conflict_do_nothing()
                .execute(c),
            sqlite = |c| diesel::insert_or_ignore_into(tasks::table)
                .values(&row)
                .execute(c)
        )?;
        self.record_due(next.due_at.filter(|_| count == 1), at)
    }
}
