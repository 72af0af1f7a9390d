//! Scheduled tasks: what users do with theirs, and admins with everybody's. The workers run them (`storage::tasks`).

mod administer;
mod alarm;
mod kinds;
mod new;

pub use administer::ManageTaskError;
pub use alarm::TaskAlarm;
pub use doorward_storage::TaskQuery;
pub use kinds::{KindError, NoopOnly, TaskKinds};
pub use new::{NewRepeat, NewTask};

use crate::auth::Caller;
use crate::error::{Internal, from_internal};
use crate::fields::FieldErrors;
use crate::services::Core;
use doorward_domain::task::MAX_LIVE_TASKS_PER_USER;
use doorward_domain::{ScheduledTask, TaskId, TaskStatus, UserId};
use doorward_storage::{StoreError, Transaction};
use std::sync::Arc;

/// How many tasks are read at once. Each may have a payload of 64 KiB, and so may its result.
const BATCH: u32 = 64;
/// A page ends when its payloads and results have so many bytes, written as JSON.
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// Some tasks, the newest first.
#[derive(Debug)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<ScheduledTask>,
    /// Before which one the next page begins; none on the last page.
    pub next: Option<TaskId>,
}

/// Why there is no new task.
#[derive(Debug, thiserror::Error)]
pub enum CreateTaskError {
    /// Every bad field with every message.
    #[error("the input is not valid")]
    Invalid(FieldErrors),
    /// The caller has [`MAX_LIVE_TASKS_PER_USER`] that have not ended.
    #[error("the caller has as many tasks as he may have")]
    TooMany,
    /// The account has gone or was deactivated in the meantime.
    #[error("the account is not there any more")]
    Gone,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Why a task is not shown or not changed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The caller has no such task.
    #[error("no such task")]
    NotFound,
    /// It has begun or ended.
    #[error("the task is not pending")]
    NotPending,
    /// It runs.
    #[error("the task is running")]
    Running,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(CreateTaskError, TaskError);

/// Scheduled tasks.
#[derive(Debug)]
pub struct TaskService {
    core: Arc<Core>,
    kinds: Arc<dyn TaskKinds>,
}

impl TaskService {
    pub(crate) fn new(core: Arc<Core>, kinds: Arc<dyn TaskKinds>) -> Self {
        Self { core, kinds }
    }

    /// Makes a task for the caller. One whose time is past is due at once.
    ///
    /// # Errors
    /// [`CreateTaskError::Invalid`] names all bad fields at once.
    pub async fn create(
        &self,
        caller: &Caller,
        new: NewTask,
    ) -> Result<ScheduledTask, CreateTaskError> {
        let (user_id, now) = (caller.principal.id, self.core.clock.now());
        let task = new.read(user_id, now, &*self.kinds).await?;
        self.core
            .store
            .write(move |tx| {
                // Two at once are counted one after the other.
                tx.lock_user(user_id)?
                    .filter(|user| user.is_active)
                    .ok_or(CreateTaskError::Gone)?;
                if tx.count_live_tasks_of(user_id)? >= MAX_LIVE_TASKS_PER_USER {
                    return Err(CreateTaskError::TooMany);
                }
                tx.insert_task(&task, now)?;
                Ok(task)
            })
            .await
    }

    /// The caller's tasks, all of them or those of one status.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        caller: &Caller,
        status: Option<TaskStatus>,
        before: Option<TaskId>,
        limit: u32,
    ) -> Result<TaskPage, Internal> {
        let query = TaskQuery {
            user_id: Some(caller.principal.id),
            status,
            before,
            limit,
        };
        self.core
            .store
            .read(move |tx| Ok(page_of(tx, &query)?))
            .await
    }

    /// One of the caller's tasks.
    ///
    /// # Errors
    /// [`TaskError::NotFound`] when it is another's or never was.
    pub async fn show(&self, caller: &Caller, id: TaskId) -> Result<ScheduledTask, TaskError> {
        let user = caller.principal.id;
        self.core.store.read(move |tx| own(tx, user, id)).await
    }

    /// Calls off one of the caller's tasks, and with it its series.
    ///
    /// # Errors
    /// [`TaskError::NotFound`] when it is another's or never was, [`TaskError::NotPending`] when it has begun or ended.
    pub async fn cancel(&self, caller: &Caller, id: TaskId) -> Result<ScheduledTask, TaskError> {
        let (user, now) = (caller.principal.id, self.core.clock.now());
        self.core
            .store
            .write(move |tx| {
                own(tx, user, id)?;
                if !tx.cancel_task(id, now)? {
                    return Err(TaskError::NotPending);
                }
                own(tx, user, id)
            })
            .await
    }

    /// Deletes one of the caller's tasks; with one that is pending its series ends.
    ///
    /// # Errors
    /// [`TaskError::NotFound`] when it is another's or never was, [`TaskError::Running`] while it runs.
    pub async fn delete(&self, caller: &Caller, id: TaskId) -> Result<(), TaskError> {
        let user = caller.principal.id;
        self.core
            .store
            .write(move |tx| {
                own(tx, user, id)?;
                if tx.delete_task(id)? {
                    Ok(())
                } else {
                    Err(TaskError::Running)
                }
            })
            .await
    }
}

fn own(tx: &mut dyn Transaction, user: UserId, id: TaskId) -> Result<ScheduledTask, TaskError> {
    let task = tx.task(id)?;
    task.filter(|task| task.user_id == user)
        .ok_or(TaskError::NotFound)
}

/// A page is shorter than was asked for where tasks are large, and leads on: it has one task at the least.
fn page_of(tx: &mut dyn Transaction, query: &TaskQuery) -> Result<TaskPage, StoreError> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let (mut page, mut before, mut bytes) = (Vec::new(), query.before, 0);
    loop {
        // One more than there is room for says that there are more.
        let missing = u32::try_from(limit - page.len()).unwrap_or(u32::MAX);
        let found = tx.list_tasks(&TaskQuery {
            before,
            limit: missing.saturating_add(1).min(BATCH),
            ..query.clone()
        })?;
        for task in found.tasks {
            let next = page.last().map(|last: &ScheduledTask| last.id);
            if page.len() == limit || bytes >= MAX_PAGE_BYTES {
                return Ok(TaskPage { tasks: page, next });
            }
            bytes += task.payload.to_json().len();
            bytes += task.result.as_ref().map_or(0, |it| it.to_string().len());
            page.push(task);
        }
        if found.last.is_none() {
            return Ok(TaskPage {
                tasks: page,
                next: None,
            });
        }
        before = found.last;
    }
}

#[cfg(test)]
mod tests;
