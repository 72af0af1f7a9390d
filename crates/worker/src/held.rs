//! The leases that a worker holds.

use doorward_domain::{ScheduledTask, TaskId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// One attempt at a task. Its number fences off every write of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fence {
    pub(crate) task: TaskId,
    pub(crate) attempt: u32,
}

/// Why an attempt must end before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Another worker has the task, or may have it.
    Lost,
    /// The worker stops.
    Stopped,
}

/// Each with the time until which nobody else can have the task, in the uptime of this process.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<Fence, Lease>>);

#[derive(Debug)]
struct Lease {
    until: Duration,
    attempt: oneshot::Sender<Gone>,
}

impl Fence {
    pub(crate) fn of(task: &ScheduledTask) -> Self {
        Self {
            task: task.id,
            attempt: task.attempts,
        }
    }
}

impl Held {
    /// From now on the lease is renewed. The receiver hears when its attempt must end.
    pub(crate) fn take(&self, fence: Fence, until: Duration) -> oneshot::Receiver<Gone> {
        let (attempt, gone) = oneshot::channel();
        self.leases().insert(fence, Lease { until, attempt });
        gone
    }

    /// The attempt is over.
    pub(crate) fn let_go(&self, fence: Fence) {
        self.leases().remove(&fence);
    }

    /// Those to renew. An attempt that was torn down by a panic does not hold its task for ever.
    pub(crate) fn fences(&self) -> Vec<Fence> {
        let mut leases = self.leases();
        leases.retain(|_, lease| !lease.attempt.is_closed());
        leases.keys().copied().collect()
    }

    /// These are ours for longer.
    pub(crate) fn renewed(&self, fences: &[Fence], until: Duration) {
        let mut leases = self.leases();
        for fence in fences {
            if let Some(lease) = leases.get_mut(fence) {
                lease.until = lease.until.max(until);
            }
        }
    }

    /// These are another's.
    pub(crate) fn lost(&self, fences: &[Fence]) {
        let mut leases = self.leases();
        for fence in fences {
            end(leases.remove(fence), Gone::Lost);
        }
    }

    /// What was not renewed in time counts as another's.
    pub(crate) fn expire(&self, uptime: Duration) {
        let over = |_: &Fence, lease: &mut Lease| lease.until <= uptime;
        for (_, lease) in self.leases().extract_if(over) {
            end(Some(lease), Gone::Lost);
        }
    }

    /// All attempts are to end.
    pub(crate) fn stop(&self) {
        for (_, lease) in self.leases().drain() {
            end(Some(lease), Gone::Stopped);
        }
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<Fence, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(lease: Option<Lease>, why: Gone) {
    if let Some(lease) = lease {
        // The attempt may have ended by itself a moment ago.
        let _ = lease.attempt.send(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_nobody_works_at_any_more_is_not_renewed() {
        let held = Held::default();
        let [first, second] = [1, 2].map(|number| Fence {
            task: TaskId::from_uuid(Uuid::from_u128(number)),
            attempt: 1,
        });
        let torn_down = held.take(first, Duration::MAX);
        let _works = held.take(second, Duration::MAX);
        assert_eq!(held.fences().len(), 2);
        drop(torn_down);
        assert_eq!(held.fences(), [second]);
    }
}
