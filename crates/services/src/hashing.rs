//! The hashing pool: password hashing is slow on purpose, and must not slow anything else.
//!
//! A few threads of their own (one less than there are cores, at least one), at a lower scheduling priority, with a
//! bounded queue. What could not be served within the deadline is refused before it costs anything, and what nobody
//! waits for any more is not computed.

use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::sync::oneshot;

/// How a pool is built.
#[derive(Debug, Clone, Copy)]
pub struct HashingLimits {
    /// How many threads hash.
    pub threads: usize,
    /// The longest that a caller is let wait in the queue.
    pub deadline: Duration,
    /// The most callers that wait.
    pub queue: usize,
}

impl Default for HashingLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.saturating_sub(1).max(1);
        Self {
            threads,
            deadline: Duration::from_secs(5),
            queue: 16 * threads,
        }
    }
}

/// More passwords wait than can be hashed in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct Overloaded {
    /// When it is worth another try.
    pub retry_after: Duration,
}

struct Job {
    queued_at: Instant,
    /// Told whether the deadline has passed: then it computes nothing. Whether it hashed.
    work: Box<dyn FnOnce(bool) -> bool + Send>,
}

/// A handle to the threads; they end when the last handle is dropped.
#[derive(Clone)]
pub struct HashingPool {
    jobs: Sender<Job>,
    limits: HashingLimits,
    load: Arc<Load>,
}

#[derive(Debug, Default)]
struct Load {
    /// Jobs that wait or run.
    pending: AtomicUsize,
    /// A moving average of what one job takes, in microseconds; 0 before the first.
    cost: AtomicU64,
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool")
            .field("limits", &self.limits)
            .field("load", &self.load)
            .finish_non_exhaustive()
    }
}

impl HashingPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(limits: HashingLimits) -> std::io::Result<Self> {
        let (jobs, waiting) = crossbeam_channel::bounded(limits.queue);
        let load = Arc::new(Load::default());
        for number in 0..limits.threads {
            let (waiting, load) = (waiting.clone(), Arc::clone(&load));
            std::thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || work_off(&waiting, &load, limits.deadline))?;
        }
        Ok(Self { jobs, limits, load })
    }

    /// Runs `hash` on one of the threads.
    ///
    /// # Errors
    /// [`Overloaded`] when it could not be served within the deadline.
    pub async fn run<T, F>(&self, hash: F) -> Result<T, Overloaded>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.submit(hash, true).await
    }

    /// As [`run`](Self::run), for what is too slow for the threads that serve and yet no hash: it does not count when
    /// the wait is estimated.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn look<T, F>(&self, look: F) -> Result<T, Overloaded>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.submit(look, false).await
    }

    async fn submit<T, F>(&self, work: F, is_hash: bool) -> Result<T, Overloaded>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let wait = self.expected_wait();
        if wait > self.limits.deadline {
            return Err(self.overloaded());
        }
        let (answer, result) = oneshot::channel();
        let job = Job {
            queued_at: Instant::now(),
            work: Box::new(move |is_late| {
                let is_wanted = !is_late && !answer.is_closed();
                if is_wanted {
                    let _ = answer.send(work());
                }
                is_wanted && is_hash
            }),
        };
        self.load.pending.fetch_add(1, Ordering::AcqRel);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.jobs.try_send(job)
        {
            self.load.pending.fetch_sub(1, Ordering::AcqRel);
            return Err(self.overloaded());
        }
        result.await.map_err(|_dropped| self.overloaded())
    }

    /// Jobs that wait or run.
    pub fn pending(&self) -> usize {
        self.load.pending.load(Ordering::Acquire)
    }

    fn expected_wait(&self) -> Duration {
        let ahead = self.pending() / self.limits.threads.max(1);
        let cost = Duration::from_micros(self.load.cost.load(Ordering::Acquire));
        cost.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX))
    }

    fn overloaded(&self) -> Overloaded {
        Overloaded {
            retry_after: self.expected_wait().max(Duration::from_secs(1)),
        }
    }
}

fn work_off(waiting: &Receiver<Job>, load: &Load, deadline: Duration) {
    yield_to_others();
    for job in waiting {
        let began = Instant::now();
        let is_late = began.duration_since(job.queued_at) > deadline;
        let hashed = catch_unwind(AssertUnwindSafe(|| (job.work)(is_late)));
        load.pending.fetch_sub(1, Ordering::AcqRel);
        match hashed {
            Ok(true) => load.remember(began.elapsed()),
            Ok(false) => {}
            Err(_panic) => tracing::error!("hashing a password panicked"),
        }
    }
}

/// The counterpart of `nice 10`: a login storm leaves the cores to the requests that are quick.
fn yield_to_others() {
    let niceness_10 = ThreadPriorityValue::try_from(24).map(ThreadPriority::Crossplatform);
    if !niceness_10.is_ok_and(|priority| set_current_thread_priority(priority).is_ok()) {
        tracing::debug!("hashing threads keep the ordinary priority");
    }
}

impl Load {
    fn remember(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.cost.load(Ordering::Acquire);
        let after = if before == 0 {
            took
        } else {
            before - before / 4 + took / 4
        };
        self.cost.store(after, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn pool(queue: usize, deadline: Duration) -> HashingPool {
        HashingPool::start(HashingLimits {
            threads: 1,
            deadline,
            queue,
        })
        .unwrap()
    }

    /// Occupies the only thread until the returned sender is dropped or used.
    fn occupy(
        pool: &HashingPool,
    ) -> (
        mpsc::Sender<()>,
        tokio::task::JoinHandle<Result<(), Overloaded>>,
    ) {
        let (release, released) = mpsc::channel::<()>();
        let pool = pool.clone();
        let running =
            tokio::spawn(async move { pool.run(move || released.recv().unwrap_or(())).await });
        (release, running)
    }

    async fn until(condition: impl Fn() -> bool) {
        while !condition() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_is_done_and_its_answer_given() {
        assert_eq!(pool(4, Duration::from_secs(5)).run(|| 6 * 7).await, Ok(42));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_says_when_to_come_again() {
        let pool = pool(1, Duration::from_secs(5));
        let (release, running) = occupy(&pool);
        until(|| pool.pending() == 1 && pool.jobs.is_empty()).await;
        let queued = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(|| ()).await }
        });
        until(|| pool.pending() == 2).await;
        let refused = pool.run(|| ()).await.unwrap_err();
        assert!(refused.retry_after >= Duration::from_secs(1));
        drop(release);
        assert_eq!(running.await.unwrap(), Ok(()));
        assert_eq!(queued.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn what_cannot_be_served_within_the_deadline_is_refused_before_it_costs_anything() {
        let pool = pool(100, Duration::from_secs(1));
        pool.load.remember(Duration::from_secs(2));
        let (release, running) = occupy(&pool);
        until(|| pool.pending() == 1).await;
        assert!(pool.run(|| ()).await.is_err());
        assert_eq!(pool.pending(), 1);
        drop(release);
        assert_eq!(running.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_computed() {
        let pool = pool(4, Duration::from_secs(5));
        let (release, running) = occupy(&pool);
        until(|| pool.pending() == 1).await;
        let (computed, was_computed) = mpsc::channel();
        let abandoned = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(move || computed.send(())).await }
        });
        until(|| pool.pending() == 2).await;
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        drop(release);
        assert_eq!(running.await.unwrap(), Ok(()));
        assert_eq!(pool.run(|| ()).await, Ok(()));
        assert!(was_computed.recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer_and_not_the_thread() {
        let pool = pool(4, Duration::from_secs(5));
        assert!(
            pool.run(|| panic!("on purpose"))
                .await
                .map(|(): ()| ())
                .is_err()
        );
        assert_eq!(pool.run(|| 1).await, Ok(1));
    }
}
