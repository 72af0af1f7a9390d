//! The hashing pool: password hashing is slow on purpose, and must not slow anything else.
//!
//! A few threads of their own (one less than there are cores, at least one), at a lower scheduling priority, with a
//! bounded queue. What could not be served within the deadline is refused before it costs anything, and what nobody
//! waits for any more is not computed.
//!
//! A thread that comes for work takes up to five hashes of bcrypt of one cost and computes them at once, in little more
//! time than one ([`bcrypt_batch`]). It never waits for more to come.

mod queue;
mod steps;

pub use steps::{Next, Step};

use bcrypt_batch::{Job, LANES};
use doorward_metrics::{Counter, Distribution, Histogram};
use queue::{Kind, Queue, Turn, Waiting};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use steps::{Chain, unless_it_panics, work_through};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::sync::oneshot;

/// The first turn is not taken for longer than this, nor a later one for more than four times the average.
const MOST_FIRST_TURN: Duration = Duration::from_secs(2);
/// An average below this is no measure of a hash.
const LEAST_TURN: Duration = Duration::from_millis(10);

/// How a pool is built.
#[derive(Debug, Clone, Copy)]
pub struct HashingLimits {
    /// How many threads hash. Without any, everybody is refused.
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
            queue: 16 * LANES * threads,
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

/// A handle to the threads; they end when the last handle is dropped.
#[derive(Clone)]
pub struct HashingPool(Arc<Handle>);

struct Handle(Arc<Shared>);

/// What the threads and the callers share.
struct Shared {
    limits: HashingLimits,
    state: Mutex<State>,
    has_work: Condvar,
    refused: Counter,
    waits: Histogram,
}

/// How busy a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HashingFigures {
    /// Tasks that wait.
    pub waiting: usize,
    /// Tasks that the threads are at.
    pub running: usize,
    /// Tasks that were refused, since they could not have been served in time or were not.
    pub refused: u64,
    /// For how long those that were taken had waited.
    pub waits: Distribution,
}

/// Behind the lock, which is never held for longer than it takes to look through the queue.
struct State {
    queue: Queue<Task>,
    /// Threads at work.
    busy: usize,
    /// Tasks that the threads are at.
    running: usize,
    /// A moving average of what a turn takes; none before the first.
    turn: Option<Duration>,
    is_closed: bool,
}

enum Task {
    Work(Box<dyn FnOnce() + Send>),
    Bcrypt(Chain),
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool")
            .field("limits", &self.0.0.limits)
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}

impl HashingPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(limits: HashingLimits) -> std::io::Result<Self> {
        let queue = if limits.threads == 0 { 0 } else { limits.queue };
        let shared = Arc::new(Shared {
            limits: HashingLimits { queue, ..limits },
            state: Mutex::new(State {
                queue: Queue::new(),
                busy: 0,
                running: 0,
                turn: None,
                is_closed: false,
            }),
            has_work: Condvar::new(),
            refused: Counter::default(),
            waits: Histogram::default(),
        });
        // Where one thread is refused, those that were started end with it.
        let pool = Self(Arc::new(Handle(Arc::clone(&shared))));
        for number in 0..limits.threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || shared.work_off())?;
        }
        Ok(pool)
    }

    /// Computes a hash of bcrypt together with others that wait, and what comes after it.
    ///
    /// The thread that has computed the first hash goes on with the further steps, so that they wait for nobody and are
    /// not refused half-way.
    ///
    /// # Errors
    /// [`Overloaded`] when it could not be served within the deadline.
    pub async fn bcrypt<T>(&self, job: Job, next: Next<T>) -> Result<T, Overloaded>
    where
        T: Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let caller = Arc::new(());
        let kind = Kind::Bcrypt(job.cost());
        let chain = Chain::new(job, next, answer, Arc::downgrade(&caller));
        self.submit(kind, Task::Bcrypt(chain), &caller)?;
        result.await.map_err(|_dropped| self.overloaded())
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
        self.work(Kind::Alone, hash).await
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
        self.work(Kind::Look, look).await
    }

    async fn work<T, F>(&self, kind: Kind, work: F) -> Result<T, Overloaded>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let caller = Arc::new(());
        let work = Box::new(move || drop(answer.send(work())));
        self.submit(kind, Task::Work(work), &caller)?;
        result.await.map_err(|_dropped| self.overloaded())
    }

    /// Lets a task wait for as long as its caller does.
    fn submit(&self, kind: Kind, task: Task, caller: &Arc<()>) -> Result<(), Overloaded> {
        let Shared { limits, .. } = *self.0.0;
        let mut state = self.0.0.lock();
        let mut unwanted = Vec::new();
        if state.is_full(&limits) {
            // Those who have gone away hold no place against those who come.
            unwanted = state.queue.take_unwanted(Instant::now(), limits.deadline);
        }
        if state.is_full(&limits) {
            self.0.0.refused.count();
            let wait = state.expected_wait(limits.threads);
            drop(state);
            return Err(Overloaded::after(wait));
        }
        state.queue.push(Waiting {
            task,
            kind,
            queued_at: Instant::now(),
            caller: Arc::downgrade(caller),
        });
        drop(state);
        drop(unwanted);
        self.0.0.has_work.notify_one();
        Ok(())
    }

    /// Tasks that wait or run.
    pub fn pending(&self) -> usize {
        let state = self.0.0.lock();
        state.queue.len() + state.running
    }

    /// How busy it is.
    pub fn figures(&self) -> HashingFigures {
        let shared = &self.0.0;
        let (waiting, running) = {
            let state = shared.lock();
            (state.queue.len(), state.running)
        };
        HashingFigures {
            waiting,
            running,
            refused: shared.refused.total(),
            waits: shared.waits.distribution(),
        }
    }

    fn overloaded(&self) -> Overloaded {
        let Shared { limits, .. } = *self.0.0;
        self.0.0.refused.count();
        Overloaded::after(self.0.0.lock().expected_wait(limits.threads))
    }
}

impl Overloaded {
    fn after(wait: Duration) -> Self {
        Self {
            retry_after: wait.max(Duration::from_secs(1)),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.has_work.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_off(&self) {
        yield_to_others();
        while let Some(turn) = self.next_turn() {
            drop(turn.unwanted);
            let (began, tasks) = (Instant::now(), turn.tasks.len());
            compute(turn.tasks);
            if let Some(kind) = turn.kind {
                self.lock().finish(kind, tasks, began.elapsed());
            }
        }
    }

    /// Waits until there is something to do; none when there will be nothing any more.
    fn next_turn(&self) -> Option<Turn<Task>> {
        let HashingLimits {
            threads, deadline, ..
        } = self.limits;
        let mut state = self.lock();
        loop {
            let hands = threads.saturating_sub(state.busy);
            let now = Instant::now();
            let turn = state.queue.take(now, deadline, hands);
            if !turn.is_empty() {
                state.begin(&turn);
                for queued_at in &turn.queued {
                    self.waits.took(now.saturating_duration_since(*queued_at));
                }
                return Some(turn);
            }
            if state.is_closed {
                return None;
            }
            let woken = self.has_work.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn compute(tasks: Vec<Task>) {
    let mut chains = Vec::new();
    for task in tasks {
        match task {
            Task::Work(work) => unless_it_panics(work).unwrap_or_default(),
            Task::Bcrypt(chain) => chains.push(chain),
        }
    }
    work_through(chains);
}

/// The counterpart of `nice 10`: a login storm leaves the cores to the requests that are quick.
fn yield_to_others() {
    let niceness_10 = ThreadPriorityValue::try_from(24).map(ThreadPriority::Crossplatform);
    if !niceness_10.is_ok_and(|priority| set_current_thread_priority(priority).is_ok()) {
        tracing::debug!("hashing threads keep the ordinary priority");
    }
}

impl State {
    fn begin(&mut self, turn: &Turn<Task>) {
        self.busy += usize::from(turn.kind.is_some());
        self.running += turn.tasks.len();
    }

    fn finish(&mut self, kind: Kind, tasks: usize, took: Duration) {
        self.busy -= 1;
        self.running -= tasks;
        if kind != Kind::Look {
            self.remember(took);
        }
    }

    /// One hash that is much more work than the others, as an imported one may be, says nothing of those that wait: it
    /// counts as a few of theirs. Where all are slower, a few turns show it.
    fn remember(&mut self, took: Duration) {
        let most = self
            .turn
            .map_or(MOST_FIRST_TURN, |before| (before * 4).max(LEAST_TURN));
        let took = took.min(most);
        let average = self.turn.map(|before| before * 3 / 4 + took / 4);
        self.turn = Some(average.unwrap_or(took));
    }

    /// Whether who comes now would wait for too long, or there is no place.
    fn is_full(&self, limits: &HashingLimits) -> bool {
        self.queue.len() >= limits.queue || self.expected_wait(limits.threads) > limits.deadline
    }

    /// How long a task that comes now will wait: not at all while a thread is without work, else until one of them has
    /// done its turn and all that waits has had its own.
    fn expected_wait(&self, threads: usize) -> Duration {
        if self.busy + self.queue.len() < threads {
            return Duration::ZERO;
        }
        let turns = 1 + self.queue.turns() / threads.max(1);
        let turn = self.turn.unwrap_or_default();
        turn.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests;
