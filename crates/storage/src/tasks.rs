//! Scheduled tasks.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::task::{TaskKind, TaskOutcome};
use doorward_domain::{ScheduledTask, TaskId, TaskStatus, UserId};

/// Which tasks, from the newest to the oldest.
#[derive(Debug, Clone, Default)]
pub struct TaskQuery {
    /// Only this user's.
    pub user_id: Option<UserId>,
    /// Only those that are so far.
    pub status: Option<TaskStatus>,
    /// Only those that were made before this one.
    pub before: Option<TaskId>,
    /// At the most so many.
    pub limit: u32,
}

/// What a query for tasks has found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TaskList {
    /// The tasks that can be read.
    pub tasks: Vec<ScheduledTask>,
    /// The last one that was looked at, where there were as many as the limit: there may be more after it.
    pub last: Option<TaskId>,
}

/// Scheduled tasks. Whatever makes one due at another time records `TaskDue` in the same transaction; leases are nobody's
/// affair but that of the workers that look when they end. A user's tasks go with him.
pub trait TaskRepository {
    /// Adds a task.
    fn insert_task(&mut self, task: &ScheduledTask, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The task.
    fn task(&mut self, id: TaskId) -> Result<Option<ScheduledTask>, StoreError>;

    /// Some tasks, the newest first. What cannot be read is left out.
    fn list_tasks(&mut self, query: &TaskQuery) -> Result<TaskList, StoreError>;

    /// How many of the user's tasks have not ended.
    fn count_live_tasks_of(&mut self, user_id: UserId) -> Result<usize, StoreError>;

    /// How many tasks of all users have each status, in the order of [`TaskStatus::ALL`].
    fn count_tasks_by_status(&mut self) -> Result<[(TaskStatus, usize); 5], StoreError>;

    /// Looks at up to `limit` tasks of these kinds whose time has come, and gives those that are to run: each is running now,
    /// counts one attempt more, and is the caller's until `lease_until`. The others have ended by this: those whose lease has run out
    /// with their last attempt, and those that cannot be read, as failed; those of users who are not active as cancelled.
    /// Whatever another transaction has in its hands is left to it.
    fn claim_due_tasks(
        &mut self,
        kinds: &[TaskKind],
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Claim, StoreError>;

    /// Lengthens the lease of an attempt. `false` when it is not the one that runs: it was lost to another one, or deleted.
    fn renew_task_lease(
        &mut self,
        id: TaskId,
        attempt: u32,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Writes what came of an attempt, that of `task` as it was claimed, and makes the next firing where the task repeats
    /// and has ended. `false` when the attempt is not the one that runs; then nothing is written.
    fn finish_task(
        &mut self,
        task: &ScheduledTask,
        outcome: &TaskOutcome,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// When the next task of these kinds is due, or the lease of one ends.
    fn next_task_due(&mut self, kinds: &[TaskKind]) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Calls off a task that is pending, and with it its series. `false` when it is not.
    fn cancel_task(&mut self, id: TaskId, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Makes a task that has ended pending anew, due at `at`, with all its attempts before it and their number kept. It
    /// happens once: it belongs to no series any more. `false` when it has not ended.
    fn rerun_task(&mut self, id: TaskId, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Deletes a task unless it is running, and with one that is pending ends its series. `false` when it is running or
    /// never was.
    fn delete_task(&mut self, id: TaskId) -> Result<bool, StoreError>;

    /// Deletes up to `limit` tasks that ended before `before`. How many it were.
    fn sweep_finished_tasks(
        &mut self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<usize, StoreError>;
}

/// What a look at due tasks has found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claim {
    /// What the caller is to run, the longest due first.
    pub tasks: Vec<ScheduledTask>,
    /// How many have ended by the look.
    pub ended: usize,
}

impl Claim {
    /// How many were looked at. As many as the limit: there may be more.
    pub fn seen(&self) -> usize {
        self.tasks.len() + self.ended
    }
}
