//! What a worker has done since its start, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// The task is completed.
    Completed,
    /// It has failed, and will be tried again.
    Retried,
    /// It has failed, and so has the task.
    Failed,
    /// Its lease was lost, so that another worker tries again, and what it would have written was refused.
    Lost,
    /// It did not come to its end, since the worker stopped, and counts for nothing.
    GivenBack,
}

impl Ended {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Completed,
        Self::Retried,
        Self::Failed,
        Self::Lost,
        Self::GivenBack,
    ];

    /// As it is written in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::GivenBack => "given back",
        }
    }
}

/// Counts attempts.
#[derive(Debug, Default)]
pub struct WorkerStats {
    began: AtomicU64,
    completed: AtomicU64,
    retried: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
    given_back: AtomicU64,
}

impl WorkerStats {
    /// How many attempts have ended so.
    pub fn ended(&self, how: Ended) -> u64 {
        self.of(how).load(Ordering::Relaxed)
    }

    /// How many attempts run now.
    pub fn running(&self) -> u64 {
        let ended: u64 = Ended::ALL.into_iter().map(|how| self.ended(how)).sum();
        self.began.load(Ordering::Relaxed).saturating_sub(ended)
    }

    pub(crate) fn begin(&self) {
        self.began.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self, how: Ended) {
        self.of(how).fetch_add(1, Ordering::Relaxed);
    }

    fn of(&self, how: Ended) -> &AtomicU64 {
        match how {
            Ended::Completed => &self.completed,
            Ended::Retried => &self.retried,
            Ended::Failed => &self.failed,
            Ended::Lost => &self.lost,
            Ended::GivenBack => &self.given_back,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_began_and_has_not_ended_runs() {
        let stats = WorkerStats::default();
        for _ in 0..7 {
            stats.begin();
        }
        for how in Ended::ALL {
            stats.end(how);
            assert_eq!(stats.ended(how), 1, "{}", how.as_str());
        }
        assert_eq!(stats.running(), 2);
    }
}
