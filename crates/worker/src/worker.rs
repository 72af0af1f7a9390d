//! The worker: claims what is due, runs it, and keeps its leases.

use crate::attempt::Attempt;
use crate::desk::Desk;
use crate::held::{Fence, Held};
use crate::kinds::Kinds;
use crate::outage::{Outage, Pauses};
use crate::stats::WorkerStats;
use chrono::{DateTime, Utc};
use doorward_domain::ScheduledTask;
use doorward_services::Clock;
use doorward_services::tasks::TaskAlarm;
use doorward_storage::{Store, StoreError};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// For how long a claim counts without a sign of life: a worker that is silent for longer has lost its tasks.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often a worker gives a sign of life.
const BEAT: Duration = Duration::from_secs(10);
/// How soon it tries again when it could not.
const NEXT_BEAT: Duration = Duration::from_secs(1);
/// How often it looks whether its own leases are over.
const WATCH: Duration = Duration::from_secs(1);
/// There is a look at least so often, should the time of day step or a wake-up be lost.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// What is due, but in the hands of another worker, is looked at again after so long.
const IN_HAND: Duration = Duration::from_millis(200);
/// Many wake-ups that come together are one.
const LEAST_REST: Duration = Duration::from_millis(10);
/// Longer than a webhook takes, and shorter than those wait who kill what does not end.
pub const GRACE: Duration = Duration::from_secs(10);
/// And then so long to be given back.
const GIVE_BACK: Duration = Duration::from_secs(3);

/// What a worker needs.
#[derive(Debug)]
pub struct WorkerConfig {
    /// Where the tasks are.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What it can run.
    pub kinds: Kinds,
    /// How many tasks it runs at once.
    pub concurrency: NonZeroUsize,
    /// What runs when it stops is given so long to end by itself: [`GRACE`], most likely.
    pub grace: Duration,
    /// Wakes it when a task is made. Only one worker of a process can have it.
    pub alarm: Arc<TaskAlarm>,
}

/// Runs tasks. Any number may work on one database, in one process or in many. A clone is the same worker.
#[derive(Debug, Clone)]
pub struct Worker(Arc<Inner>);

/// What a worker waits for when it has nothing to do.
#[derive(Debug, Clone, Copy)]
struct Rest {
    length: Duration,
    /// What is due earlier wakes it.
    until: DateTime<Utc>,
}

impl Rest {
    /// Nothing is there, or not before then.
    fn until(until: DateTime<Utc>, length: Duration) -> Self {
        let length = length.min(LONGEST_REST);
        Self { length, until }
    }

    /// Whatever is due has to wait.
    fn regardless(length: Duration) -> Self {
        Self::until(DateTime::<Utc>::MIN_UTC, length)
    }
}

#[derive(Debug)]
struct Inner {
    desk: Desk,
    clock: Arc<dyn Clock>,
    kinds: Kinds,
    concurrency: NonZeroUsize,
    grace: Duration,
    alarm: Arc<TaskAlarm>,
    held: Held,
    outage: Outage,
    stats: Arc<WorkerStats>,
}

impl Worker {
    /// One that does nothing yet.
    pub fn new(config: WorkerConfig) -> Self {
        Self(Arc::new(Inner {
            desk: Desk::new(config.store, Arc::clone(&config.clock), config.kinds.all()),
            clock: config.clock,
            kinds: config.kinds,
            concurrency: config.concurrency,
            grace: config.grace,
            alarm: config.alarm,
            held: Held::default(),
            outage: Outage::default(),
            stats: Arc::default(),
        }))
    }

    /// What it has done.
    pub fn stats(&self) -> Arc<WorkerStats> {
        Arc::clone(&self.0.stats)
    }

    /// Runs tasks at their time, until `stop` is ready. Then it claims no more, gives what runs the time for it, and gives back
    /// what has not ended by then, so that another worker takes it at once.
    ///
    /// It sleeps until the next task is due or it is told of one. A store that does not answer is asked again and again.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut attempts = JoinSet::new();
        let working = async {
            self.work(&mut attempts, stop).await;
            self.end(&mut attempts).await;
        };
        tokio::select! {
            () = working => {}
            () = self.beat_for_ever() => {}
            () = self.watch_for_ever() => {}
        }
    }

    /// Runs everything that is due, and returns when it is done: how many there were. For programs that have a
    /// scheduler of their own, and for tests.
    ///
    /// # Errors
    /// The store's, once what was begun has ended.
    pub async fn run_due(&self) -> Result<usize, StoreError> {
        let mut attempts = JoinSet::new();
        let mut count = 0;
        loop {
            match self.claim(&mut attempts).await {
                Ok(seen) => count += seen,
                Err(error) => {
                    while attempts.join_next().await.is_some() {}
                    return Err(error);
                }
            }
            if attempts.join_next().await.is_none() {
                return Ok(count);
            }
        }
    }

    /// Renews the leases of what runs, and ends what was lost. [`run`](Self::run) does so by itself; beside
    /// [`run_due`](Self::run_due) it has to be called again and again where a kind may run for longer than [`LEASE`].
    ///
    /// # Errors
    /// The store's: nothing is renewed. What has not been renewed for as long as a lease counts as lost.
    pub async fn beat(&self) -> Result<(), StoreError> {
        let fences = self.0.held.fences();
        if fences.is_empty() {
            return Ok(());
        }
        let began = self.0.clock.uptime();
        let renewed = self.0.desk.renew(fences.clone(), LEASE).await;
        if let Ok(lost) = &renewed {
            self.0.held.lost(lost);
            self.0.held.renewed(&fences, began + LEASE);
        }
        self.expire();
        renewed.map(drop)
    }

    async fn work(&self, attempts: &mut JoinSet<()>, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut away = Pauses::default();
        loop {
            let rest = match self.start_due(attempts).await {
                Ok(rest) => {
                    self.0.outage.is_over();
                    away = Pauses::default();
                    rest
                }
                Err(error) => {
                    self.0.outage.is_seen(&error);
                    Rest::regardless(away.next())
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                Some(_) = attempts.join_next() => while attempts.try_join_next().is_some() {},
                () = self.rest(rest) => {}
            }
        }
    }

    /// Starts what is due, as far as there is room, and says for how long there is nothing more to do.
    async fn start_due(&self, attempts: &mut JoinSet<()>) -> Result<Rest, StoreError> {
        while attempts.len() < self.0.concurrency.get() {
            let Some(due) = self.0.desk.next_due().await? else {
                return Ok(Rest::until(DateTime::<Utc>::MAX_UTC, LONGEST_REST));
            };
            let ahead = (due - self.0.clock.now()).to_std().unwrap_or_default();
            if !ahead.is_zero() {
                return Ok(Rest::until(due, ahead));
            }
            if self.claim(attempts).await? == 0 {
                return Ok(Rest::regardless(IN_HAND));
            }
        }
        Ok(Rest::regardless(LONGEST_REST))
    }

    async fn rest(&self, rest: Rest) {
        let woken = async {
            while self.0.alarm.rung().await >= rest.until {}
            sleep(LEAST_REST).await;
        };
        tokio::select! {
            () = woken => {}
            () = sleep(rest.length) => {}
        }
    }

    /// Claims what is due and there is room for. How many rows were looked at.
    async fn claim(&self, attempts: &mut JoinSet<()>) -> Result<usize, StoreError> {
        let room = self.0.concurrency.get().saturating_sub(attempts.len());
        if room == 0 {
            return Ok(0);
        }
        let until = self.0.clock.uptime() + LEASE;
        let claim = self.0.desk.claim(room, LEASE).await?;
        let seen = claim.seen();
        for task in claim.tasks {
            attempts.spawn(Arc::clone(&self.0).attempt(task, until));
        }
        Ok(seen)
    }

    /// Gives what runs some time, and then gives it back.
    async fn end(&self, attempts: &mut JoinSet<()>) {
        let mut all_end = async || while attempts.join_next().await.is_some() {};
        if timeout(self.0.grace, all_end()).await.is_ok() {
            return;
        }
        self.0.held.stop();
        if timeout(GIVE_BACK, all_end()).await.is_err() {
            tracing::warn!("some tasks could not be given back: their leases will end");
        }
    }

    async fn beat_for_ever(&self) {
        let mut pause = BEAT;
        loop {
            sleep(pause).await;
            pause = match self.beat().await {
                Ok(()) => BEAT,
                Err(error) => {
                    self.0.outage.is_seen(&error);
                    NEXT_BEAT
                }
            };
        }
    }

    async fn watch_for_ever(&self) {
        loop {
            sleep(WATCH).await;
            self.expire();
        }
    }

    /// Ends what has not been renewed for as long as a lease.
    fn expire(&self) {
        self.0.held.expire(self.0.clock.uptime());
    }
}

impl Inner {
    async fn attempt(self: Arc<Self>, task: ScheduledTask, until: Duration) {
        let (fence, kind, began) = (Fence::of(&task), task.kind.clone(), self.clock.uptime());
        self.stats.begin();
        let attempt = Attempt {
            desk: &self.desk,
            outage: &self.outage,
            gone: self.held.take(fence, until),
            task,
        };
        let ended = attempt.make(self.kinds.get(&kind)).await;
        self.held.let_go(fence);
        self.stats.end(ended);
        tracing::info!(
            task = %fence.task,
            %kind,
            attempt = fence.attempt,
            outcome = ended.as_str(),
            took = ?self.clock.uptime().saturating_sub(began),
            "task run"
        );
    }
}
