//! The claim: what is due becomes the caller's, or ends.

use super::RUNNING;
use super::row::TaskRow;
use crate::backend::on_backend;
use crate::schema::{tasks, users};
use crate::transaction::DieselTransaction;
use crate::types::{DbId, DbInstant};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use doorward_domain::task::TaskKind;
use doorward_domain::{ScheduledTask, TaskStatus};
use doorward_storage::{Claim, StoreError};
use std::collections::HashSet;

/// What owners read of a task that has ended without a word of its kind.
const UNREADABLE: &str = "The task is damaged and cannot be read.";
const INACTIVE: &str = "The account was deactivated.";
const EXHAUSTED: &str = "The worker went away during the last attempt.";

/// What is due, by what has to happen to it.
#[derive(Default)]
struct Sorted {
    to_run: Vec<ScheduledTask>,
    exhausted: Vec<ScheduledTask>,
    inactive: Vec<DbId>,
    unreadable: Vec<DbId>,
}

impl DieselTransaction<'_> {
    pub(super) fn claim(
        &mut self,
        kinds: &[TaskKind],
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Claim, StoreError> {
        let mut sorted = Sorted::default();
        let rows = self.lock_due(kinds, now, limit, &mut sorted)?;
        let active = self.active_owners(&rows)?;
        for row in rows {
            let (id, is_active) = (row.id, active.contains(&row.user_id.0));
            match ScheduledTask::try_from(row) {
                Ok(_) if !is_active => sorted.inactive.push(id),
                Ok(task) if task.has_attempts_left() => sorted.to_run.push(task),
                Ok(task) => sorted.exhausted.push(task),
                Err(error) => {
                    tracing::error!(%error, task = %id.0, "a damaged task has failed");
                    sorted.unreadable.push(id);
                }
            }
        }
        self.end_unrun(&sorted, now)?;
        let tasks = self.start(sorted.to_run, now, lease_until)?;
        let ended = sorted.exhausted.len() + sorted.inactive.len() + sorted.unreadable.len();
        Ok(Claim { tasks, ended })
    }

    /// Nobody else claims, cancels or deletes these until the end of the transaction; what somebody else has locked is
    /// left to him.
    fn lock_due(
        &mut self,
        kinds: &[TaskKind],
        now: DateTime<Utc>,
        limit: u32,
        sorted: &mut Sorted,
    ) -> Result<Vec<TaskRow>, StoreError> {
        let due = || {
            tasks::table
                .filter(tasks::due_at.le(DbInstant(now)))
                .filter(tasks::kind.eq_any(kinds.iter().map(TaskKind::as_str)))
                .order(tasks::due_at)
                .limit(limit.into())
        };
        let rows = on_backend!(
            self,
            postgres = |c| due()
                .select(TaskRow::as_select())
                .for_update()
                .skip_locked()
                .load(c),
            sqlite = |c| due().select(TaskRow::as_select()).load(c) // there is one writer
        );
        match rows {
            Err(_) if self.check_usable().is_ok() => {} // one of them is beyond Diesel
            rows => return rows,
        }
        let ids: Vec<DbId> = on_backend!(
            self,
            postgres = |c| due().select(tasks::id).for_update().skip_locked().load(c),
            sqlite = |c| due().select(tasks::id).load(c)
        )?;
        let mut readable = Vec::new();
        for id in ids {
            let row = tasks::table.find(id);
            match on_backend!(self, |c| row.select(TaskRow::as_select()).first(c)) {
                Ok(row) => readable.push(row),
                Err(error) => {
                    self.check_usable()?;
                    tracing::error!(%error, task = %id.0, "a damaged task has failed");
                    sorted.unreadable.push(id);
                }
            }
        }
        Ok(readable)
    }

    fn active_owners(&mut self, rows: &[TaskRow]) -> Result<HashSet<uuid::Uuid>, StoreError> {
        let owners: HashSet<_> = rows.iter().map(|row| row.user_id.0).collect();
        if owners.is_empty() {
            return Ok(owners);
        }
        let active = users::table
            .filter(users::id.eq_any(owners.into_iter().map(DbId)))
            .filter(users::is_active)
            .select(users::id);
        let ids: Vec<DbId> = on_backend!(self, |c| active.load(c))?;
        Ok(ids.into_iter().map(|id| id.0).collect())
    }

    fn end_unrun(&mut self, sorted: &Sorted, now: DateTime<Utc>) -> Result<(), StoreError> {
        let exhausted = sorted.exhausted.iter().map(|task| task.id.into()).collect();
        let (failed, cancelled) = (TaskStatus::Failed, TaskStatus::Cancelled);
        self.end_all(sorted.unreadable.clone(), failed, UNREADABLE, now)?;
        self.end_all(sorted.inactive.clone(), cancelled, INACTIVE, now)?;
        self.end_all(exhausted, failed, EXHAUSTED, now)?;
        for task in &sorted.exhausted {
            self.insert_next_firing(task, now)?;
        }
        Ok(())
    }

    fn end_all(
        &mut self,
        ids: Vec<DbId>,
        status: TaskStatus,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let fields = (
            tasks::status.eq(status.as_str()),
            tasks::due_at.eq(None::<DbInstant>),
            tasks::finished_at.eq(Some(DbInstant(now))),
            tasks::error.eq(Some(error)),
        );
        let target = tasks::table.filter(tasks::id.eq_any(ids));
        on_backend!(self, |c| diesel::update(target).set(fields).execute(c))?;
        Ok(())
    }

    /// They were locked, so what they are now is known without a look.
    fn start(
        &mut self,
        mut to_run: Vec<ScheduledTask>,
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
    ) -> Result<Vec<ScheduledTask>, StoreError> {
        if to_run.is_empty() {
            return Ok(to_run);
        }
        let ids: Vec<DbId> = to_run.iter().map(|task| task.id.into()).collect();
        let fields = (
            tasks::status.eq(RUNNING),
            tasks::attempts.eq(tasks::attempts + 1),
            tasks::started_at.eq(Some(DbInstant(now))),
            tasks::due_at.eq(Some(DbInstant(lease_until))),
        );
        let target = tasks::table.filter(tasks::id.eq_any(ids));
        on_backend!(self, |c| diesel::update(target).set(fields).execute(c))?;
        for task in &mut to_run {
            task.status = TaskStatus::Running;
            task.attempts += 1;
            task.started_at = Some(now);
            task.due_at = Some(lease_until);
        }
        Ok(to_run)
    }
}
