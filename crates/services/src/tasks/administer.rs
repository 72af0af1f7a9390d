//! What admins do with the tasks of everybody.

use super::{TaskPage, TaskService, page_of};
use crate::auth::Caller;
use crate::error::{Internal, from_internal};
use crate::users::{AdministerError, require_admin};
use doorward_domain::{AuditEvent, ScheduledTask, SecurityEvent, TaskId, TaskStatus};
use doorward_storage::{StoreError, TaskQuery, Transaction};

/// Why an admin does not manage a task.
#[derive(Debug, thiserror::Error)]
pub enum ManageTaskError {
    /// The caller may not do this.
    #[error("not allowed")]
    NotAllowed,
    /// There is no such task.
    #[error("no such task")]
    NotFound,
    /// It is not in a state for this: to be cancelled it must be pending, to be run again it must have ended.
    #[error("the task has another status")]
    WrongStatus,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(ManageTaskError);

impl TaskService {
    /// The tasks of all users that the query asks for, for admins.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub async fn list_all(
        &self,
        caller: &Caller,
        query: TaskQuery,
    ) -> Result<TaskPage, AdministerError> {
        require_admin(caller)?;
        self.core
            .store
            .read(move |tx| Ok(page_of(tx, &query)?))
            .await
    }

    /// How many tasks there are of each status, for admins.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub async fn count_all(
        &self,
        caller: &Caller,
    ) -> Result<[(TaskStatus, usize); 5], AdministerError> {
        require_admin(caller)?;
        self.core
            .store
            .read(move |tx| Ok(tx.count_tasks_by_status()?))
            .await
    }

    /// Anybody's task, for admins.
    ///
    /// # Errors
    /// [`ManageTaskError::NotAllowed`] for a plain user.
    pub async fn show_any(
        &self,
        caller: &Caller,
        id: TaskId,
    ) -> Result<ScheduledTask, ManageTaskError> {
        admin(caller)?;
        let task = self.core.store.read(move |tx| tx.task(id)).await?;
        task.ok_or(ManageTaskError::NotFound)
    }

    /// Calls off a task, of a user whom the caller may manage or the caller's own.
    ///
    /// # Errors
    /// [`ManageTaskError::WrongStatus`] when it is not pending.
    pub async fn cancel_any(
        &self,
        caller: &Caller,
        id: TaskId,
    ) -> Result<ScheduledTask, ManageTaskError> {
        let now = self.core.clock.now();
        let task = *id.as_uuid();
        let event = caller.event(now, &SecurityEvent::TaskCancelled { task });
        self.manage(caller, id, event, move |tx| tx.cancel_task(id, now))
            .await
    }

    /// Runs a task that has ended once more, at once and with all its attempts before it: of a user whom the caller may
    /// manage, or the caller's own. A firing of a series happens apart from it then.
    ///
    /// # Errors
    /// [`ManageTaskError::WrongStatus`] when it has not ended.
    pub async fn run_again(
        &self,
        caller: &Caller,
        id: TaskId,
    ) -> Result<ScheduledTask, ManageTaskError> {
        let now = self.core.clock.now();
        let task = *id.as_uuid();
        let event = caller.event(now, &SecurityEvent::TaskRunAgain { task });
        self.manage(caller, id, event, move |tx| tx.rerun_task(id, now))
            .await
    }

    async fn manage(
        &self,
        caller: &Caller,
        id: TaskId,
        event: AuditEvent,
        change: impl FnOnce(&mut dyn Transaction) -> Result<bool, StoreError> + Send + 'static,
    ) -> Result<ScheduledTask, ManageTaskError> {
        admin(caller)?;
        let (by, role) = (caller.principal.id, caller.principal.role);
        self.core
            .store
            .write(move |tx| {
                let task = tx.task(id)?.ok_or(ManageTaskError::NotFound)?;
                let owner = tx.user(task.user_id)?.ok_or(ManageTaskError::NotFound)?;
                if owner.id != by && !role.may_manage(owner.role) {
                    return Err(ManageTaskError::NotAllowed);
                }
                if !change(tx)? {
                    return Err(ManageTaskError::WrongStatus);
                }
                tx.append_event(&event.about(owner.id))?;
                tx.task(id)?.ok_or(ManageTaskError::NotFound)
            })
            .await
    }
}

fn admin(caller: &Caller) -> Result<(), ManageTaskError> {
    require_admin(caller).map_err(|_denied| ManageTaskError::NotAllowed)
}
