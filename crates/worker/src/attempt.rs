//! One attempt at a task, from its claim to what it leaves in the row.

use crate::desk::Desk;
use crate::held::Gone;
use crate::kind::{Run, RunError};
use crate::kinds::{AnyKind, object};
use crate::outage::{Outage, Pauses};
use crate::stats::Ended;
use doorward_domain::ScheduledTask;
use doorward_domain::task::TaskReport;
use futures_util::FutureExt;
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// The longest result that is kept, in bytes of JSON.
const MAX_RESULT: usize = 64 * 1024;
/// Only kinds that are known are claimed; whatever comes nevertheless is somebody else's after so long.
const ELSEWHERE: Duration = Duration::from_secs(10);

/// What an attempt needs.
pub(crate) struct Attempt<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) outage: &'a Outage,
    pub(crate) task: ScheduledTask,
    pub(crate) gone: oneshot::Receiver<Gone>,
}

impl Attempt<'_> {
    /// Runs it and says in the row what came of it. It ends sooner when the lease is lost or the worker stops.
    pub(crate) async fn make(mut self, kind: Option<Arc<dyn AnyKind>>) -> Ended {
        let Some(kind) = kind else {
            return self.give_back(ELSEWHERE).await;
        };
        let run = Run::of(&self.task);
        let payload = object(&self.task.payload);
        let report = tokio::select! {
            biased;
            gone = &mut self.gone => return match gone {
                Ok(Gone::Stopped) => self.give_back(Duration::ZERO).await,
                Ok(Gone::Lost) | Err(_) => Ended::Lost,
            },
            result = guarded(&*kind, &run, payload) => report(&run, result),
        };
        self.tell(report).await
    }

    /// Somebody else may take it, after a pause.
    async fn give_back(&self, pause: Duration) -> Ended {
        self.desk
            .give_back(&self.task, pause)
            .await
            .unwrap_or_else(|error| {
                let task = self.task.id;
                tracing::warn!(%error, %task, "a task could not be given back: its lease will end");
                Ended::Lost
            })
    }

    /// While the store does not answer, and the lease is ours, it is told again.
    async fn tell(mut self, report: TaskReport) -> Ended {
        let mut pauses = Pauses::default();
        loop {
            match self.desk.report(&self.task, report.clone()).await {
                Ok(ended) => {
                    self.outage.is_over();
                    return ended;
                }
                Err(error) => self.outage.is_seen(&error),
            }
            tokio::select! {
                biased;
                _ = &mut self.gone => return Ended::Lost,
                () = sleep(pauses.next()) => {}
            }
        }
    }
}

/// A kind that panics or never ends harms nobody but its task.
async fn guarded(kind: &dyn AnyKind, run: &Run, payload: Value) -> Result<Value, RunError> {
    let limit = kind.time_limit();
    let running = AssertUnwindSafe(kind.run(run, payload)).catch_unwind();
    match timeout(limit, running).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(RunError::retry("The kind of this task panicked.")),
        Err(_) => Err(RunError::retry(format_args!(
            "It took longer than {} s.",
            limit.as_secs_f32()
        ))),
    }
}

fn report(run: &Run, result: Result<Value, RunError>) -> TaskReport {
    match result {
        Ok(Value::Null) => TaskReport::Done(None),
        Ok(result) if result.to_string().len() > MAX_RESULT => {
            // It was done, whatever it said.
            tracing::warn!(task = %run.task, "a result of more than 64 KiB is not kept");
            TaskReport::Done(None)
        }
        Ok(result) => TaskReport::Done(Some(result)),
        Err(error) => error.into(),
    }
}
