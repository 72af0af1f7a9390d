//! A database with somebody in it, workers on it, and kinds that do as a test wants.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::task::{MaxAttempts, TaskKind, TaskPayload};
use doorward_domain::{ScheduledTask, TaskId, User};
use doorward_services::Clock;
use doorward_services::clock::FakeClock;
use doorward_services::tasks::TaskAlarm;
use doorward_services::testing::until;
use doorward_storage::testing::{a_task, a_user, instant, read, write};
use doorward_storage::{CommitListener, Mode, Store, StoreError, StoreFigures, Work};
use doorward_storage_diesel::testing::TestDatabase;
use doorward_worker::noop::Noop;
use doorward_worker::{Kind, Kinds, Run, RunError, Worker, WorkerConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Where tasks are kept, and whose they are.
pub(crate) struct Bench {
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) gate: Arc<Gate>,
    owner: User,
    _database: TestDatabase,
}

impl Bench {
    /// The clock stands at `instant(0)`.
    pub(crate) async fn on(database: TestDatabase) -> Self {
        let store = Arc::new(FaultyStore {
            inner: Arc::new(database.open()),
            is_away: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
        });
        let owner = a_user("ada");
        let inserted = owner.clone();
        write(&*store, move |tx| tx.insert_user(&inserted)).await;
        Self {
            store,
            clock: Arc::new(FakeClock::at(instant(0))),
            gate: Arc::default(),
            owner,
            _database: database,
        }
    }

    pub(crate) fn kinds(&self) -> Kinds {
        let gated = Gated(Arc::clone(&self.gate));
        let kinds = Kinds::new().with(Noop).unwrap().with(Does).unwrap();
        kinds.with(Endless).unwrap().with(gated).unwrap()
    }

    /// A worker with these kinds, which runs up to 8 tasks at once and gives them no time when it stops.
    pub(crate) fn worker(&self) -> Worker {
        self.worker_with(self.kinds(), 8)
    }

    pub(crate) fn worker_with(&self, kinds: Kinds, concurrency: usize) -> Worker {
        Worker::new(self.config(kinds, concurrency))
    }

    pub(crate) fn config(&self, kinds: Kinds, concurrency: usize) -> WorkerConfig {
        WorkerConfig {
            store: Arc::<FaultyStore>::clone(&self.store),
            clock: Arc::<FakeClock>::clone(&self.clock),
            kinds,
            concurrency: NonZeroUsize::new(concurrency).unwrap(),
            grace: Duration::ZERO,
            alarm: Arc::<TaskAlarm>::default(),
        }
    }

    /// Lets time pass, for what is stored and for what this process remembers.
    pub(crate) fn pass(&self, seconds: u32) {
        self.clock.advance(TimeDelta::seconds(seconds.into()));
        self.clock.age(Duration::from_secs(seconds.into()));
    }

    /// Makes a task that is due now.
    pub(crate) async fn task(&self, kind: &str, payload: Value) -> TaskId {
        self.task_with(kind, payload, |_| ()).await
    }

    pub(crate) async fn task_with(
        &self,
        kind: &str,
        payload: Value,
        change: impl FnOnce(&mut ScheduledTask),
    ) -> TaskId {
        let now = self.clock.now();
        let mut task = ScheduledTask {
            id: TaskId::new(now),
            kind: TaskKind::parse(kind).unwrap(),
            payload: TaskPayload::parse(&payload.to_string()).unwrap(),
            scheduled_at: now,
            due_at: Some(now),
            created_at: now,
            max_attempts: MaxAttempts::new(3).unwrap(),
            ..a_task(&self.owner)
        };
        change(&mut task);
        let id = task.id;
        write(&*self.store, move |tx| tx.insert_task(&task, now)).await;
        id
    }

    pub(crate) async fn find(&self, id: TaskId) -> ScheduledTask {
        read(&*self.store, move |tx| tx.task(id)).await.unwrap()
    }

    /// Status, attempts, result and error of a task.
    pub(crate) async fn told(&self, id: TaskId) -> (String, u32, Option<Value>, Option<String>) {
        let task = self.find(id).await;
        (
            task.status.to_string(),
            task.attempts,
            task.result,
            task.error.map(|error| error.as_str().to_owned()),
        )
    }

    /// The seconds from now until the task is due.
    pub(crate) async fn due_in(&self, id: TaskId) -> f64 {
        let due = self.find(id).await.due_at.unwrap();
        (due - self.clock.now()).as_seconds_f64()
    }

    /// Lets a worker run what is due, and returns when so many gated tasks are in the middle of it.
    pub(crate) async fn begin(
        &self,
        worker: &Worker,
        count: usize,
    ) -> JoinHandle<Result<usize, StoreError>> {
        let before = self.gate.entered();
        let worker = worker.clone();
        let running = tokio::spawn(async move { worker.run_due().await });
        until("the tasks have begun", async || {
            self.gate.entered() >= before + count
        })
        .await;
        running
    }
}

pub(crate) fn completed(
    attempts: u32,
    result: Option<Value>,
) -> (String, u32, Option<Value>, Option<String>) {
    ("completed".to_owned(), attempts, result, None)
}

pub(crate) fn not_done(
    status: &str,
    attempts: u32,
    error: &str,
) -> (String, u32, Option<Value>, Option<String>) {
    (status.to_owned(), attempts, None, Some(error.to_owned()))
}

/// A store that is away when a test wants it to be.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    is_away: AtomicBool,
    refused: AtomicUsize,
}

impl FaultyStore {
    /// How often it was away when somebody came.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Acquire)
    }

    pub(crate) fn go(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Release);
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn run(&self, mode: Mode, work: Work) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::Acquire) {
            self.refused.fetch_add(1, Ordering::AcqRel);
            return Err(StoreError::Unavailable("the test says so".into()));
        }
        self.inner.run(mode, work).await
    }

    fn subscribe(&self, listener: Arc<dyn CommitListener>) {
        self.inner.subscribe(listener);
    }

    fn figures(&self) -> StoreFigures {
        self.inner.figures()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Does as its payload says.
pub(crate) struct Does;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub(crate) enum What {
    Succeed { result: Value },
    Fill { bytes: usize },
    Fail,
    FailFor { seconds: u64 },
    GiveUp,
    Panic,
    Tell,
}

impl Kind for Does {
    const NAME: &'static str = "does";
    type Payload = What;

    async fn run(&self, run: &Run, payload: What) -> Result<Value, RunError> {
        match payload {
            What::Succeed { result } => Ok(result),
            What::Fill { bytes } => Ok(Value::String("x".repeat(bytes))),
            What::Fail => Err(RunError::retry("It did not work.")),
            What::FailFor { seconds } => Err(RunError::retry_after(
                "It is busy.",
                Duration::from_secs(seconds),
            )),
            What::GiveUp => Err(RunError::permanent("It is gone.")),
            What::Panic => panic!("the test says so"),
            What::Tell => Ok(json!({
                "task": run.task.to_string(),
                "attempt": run.attempt,
                "name": run.name,
                "owner": run.owner.to_string(),
                "scheduled_at": seconds(run.scheduled_at),
                "started_at": seconds(run.started_at),
            })),
        }
    }
}

/// Since the clock of the test stood at its beginning.
fn seconds(at: DateTime<Utc>) -> i64 {
    (at - instant(0)).num_seconds()
}

/// Never ends by itself.
pub(crate) struct Endless;

impl Kind for Endless {
    const NAME: &'static str = "endless";
    const TIME_LIMIT: Duration = Duration::ZERO;
    type Payload = Value;

    async fn run(&self, _: &Run, _: Value) -> Result<Value, RunError> {
        std::future::pending().await
    }
}

/// Waits until the test lets it go on.
pub(crate) struct Gated(Arc<Gate>);

/// Where gated tasks wait.
#[derive(Debug)]
pub(crate) struct Gate {
    passes: Semaphore,
    entered: AtomicUsize,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            passes: Semaphore::new(0),
            entered: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }
}

impl Gate {
    /// How many attempts have come to it.
    pub(crate) fn entered(&self) -> usize {
        self.entered.load(Ordering::Acquire)
    }

    /// How many wait at it, and have neither gone on nor been dropped.
    pub(crate) fn inside(&self) -> usize {
        self.inside.load(Ordering::Acquire)
    }

    /// How many there were at once.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Acquire)
    }

    /// Lets so many go on.
    pub(crate) fn open(&self, count: usize) {
        self.passes.add_permits(count);
    }
}

struct Inside<'a>(&'a Gate);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Kind for Gated {
    const NAME: &'static str = "gated";
    type Payload = Value;

    async fn run(&self, run: &Run, _: Value) -> Result<Value, RunError> {
        let inside = self.0.inside.fetch_add(1, Ordering::AcqRel) + 1;
        let _inside = Inside(&self.0);
        self.0.most.fetch_max(inside, Ordering::AcqRel);
        self.0.entered.fetch_add(1, Ordering::AcqRel);
        let pass = self.0.passes.acquire().await;
        pass.map_err(RunError::retry)?.forget();
        Ok(json!(run.attempt))
    }
}
