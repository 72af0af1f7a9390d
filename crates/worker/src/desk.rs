//! What a worker does in the database, one transaction at a time. A task runs between them, never inside one.

use crate::held::Fence;
use crate::stats::Ended;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::ScheduledTask;
use doorward_domain::task::{Jitter, TaskKind, TaskOutcome, TaskReport};
use doorward_services::Clock;
use doorward_storage::{Claim, Store, StoreError};
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;

/// Where tasks are taken from and reported to.
#[derive(Debug)]
pub(crate) struct Desk {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// What is left to others is not looked at.
    kinds: Arc<[TaskKind]>,
}

impl Desk {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        kinds: Arc<[TaskKind]>,
    ) -> Self {
        Self {
            store,
            clock,
            kinds,
        }
    }

    /// When there is something to claim.
    pub(crate) async fn next_due(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let kinds = Arc::clone(&self.kinds);
        self.store.read(move |tx| tx.next_task_due(&kinds)).await
    }

    /// Claims up to `limit` tasks that are due, for as long as `lease`.
    pub(crate) async fn claim(&self, limit: usize, lease: Duration) -> Result<Claim, StoreError> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let (now, until) = self.leased(lease);
        let kinds = Arc::clone(&self.kinds);
        self.store
            .write(move |tx| tx.claim_due_tasks(&kinds, now, until, limit))
            .await
    }

    /// Renews leases. Which of them are another's now.
    pub(crate) async fn renew(
        &self,
        fences: Vec<Fence>,
        lease: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        let (_, until) = self.leased(lease);
        self.store
            .write(move |tx| {
                let mut lost = Vec::new();
                for fence in fences {
                    if !tx.renew_task_lease(fence.task, fence.attempt, until)? {
                        lost.push(fence);
                    }
                }
                Ok(lost)
            })
            .await
    }

    /// Writes what came of an attempt.
    pub(crate) async fn report(
        &self,
        task: &ScheduledTask,
        report: TaskReport,
    ) -> Result<Ended, StoreError> {
        let now = self.clock.now();
        let jitter = Jitter::per_mille(rand::rng().random_range(-100..=100));
        self.finish(task, task.decide(report, now, jitter)).await
    }

    /// Makes a task pending again as if this attempt had not been, due after `pause`.
    pub(crate) async fn give_back(
        &self,
        task: &ScheduledTask,
        pause: Duration,
    ) -> Result<Ended, StoreError> {
        let (_, at) = self.leased(pause);
        self.finish(task, TaskOutcome::GivenBack { at }).await
    }

    async fn finish(
        &self,
        task: &ScheduledTask,
        outcome: TaskOutcome,
    ) -> Result<Ended, StoreError> {
        let (task, now) = (task.clone(), self.clock.now());
        let reported = match &outcome {
            TaskOutcome::Completed(_) => Ended::Completed,
            TaskOutcome::Failed(_) => Ended::Failed,
            TaskOutcome::Retry { .. } => Ended::Retried,
            TaskOutcome::GivenBack { .. } => Ended::GivenBack,
        };
        let is_ours = self
            .store
            .write(move |tx| tx.finish_task(&task, &outcome, now))
            .await?;
        Ok(if is_ours { reported } else { Ended::Lost })
    }

    /// Now, and the moment after so long.
    fn leased(&self, lease: Duration) -> (DateTime<Utc>, DateTime<Utc>) {
        let now = self.clock.now();
        (
            now,
            now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX),
        )
    }
}
