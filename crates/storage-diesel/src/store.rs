//! The store: a few threads of its own behind bounded queues.
//!
//! This costs a third of the CPU of a general pool of blocking threads, and what cannot be served in time is refused
//! before it costs anything.

use crate::config::{OnPending, StoreConfig};
use crate::database_url::DatabaseUrl;
use crate::job::{Counts, Job, not_taken};
use crate::listeners::Listeners;
use crate::open_error::OpenError;
use crate::{migrations, postgres, sqlite};
use async_trait::async_trait;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use doorward_storage::{CommitListener, Mode, Store, StoreError, StoreFigures, Work};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// A database of SQLite or PostgreSQL. When it is dropped its threads end by themselves;
/// [`close`](Store::close) waits for them.
#[derive(Debug)]
pub struct DieselStore {
    queues: RwLock<Option<Queues>>,
    threads: Mutex<Threads>,
    listeners: Listeners,
    counts: Arc<Counts>,
    begin_within: Duration,
    finish_within: Duration,
}

#[derive(Debug)]
struct Queues {
    readers: Sender<Job>,
    writers: Sender<Job>,
}

/// The threads of a store.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    pub(crate) readers: Vec<JoinHandle<()>>,
    pub(crate) writers: Vec<JoinHandle<()>>,
}

/// What the threads of a store take from.
pub(crate) struct Intake {
    pub(crate) readers: Receiver<Job>,
    pub(crate) writers: Receiver<Job>,
    pub(crate) listeners: Listeners,
}

impl DieselStore {
    /// Opens a database, makes the SQLite file if there is none (its folder must exist), and runs pending migrations or
    /// refuses them, as `config` says. It blocks the thread for some milliseconds, or until an unreachable server is
    /// given up after 5 s.
    ///
    /// # Errors
    /// [`OpenError`], when the database cannot be used; it was not touched then, or its migrations were undone.
    pub fn open(url: &DatabaseUrl, config: &StoreConfig) -> Result<Self, OpenError> {
        match config.on_pending {
            OnPending::Migrate => migrations::migrate(url).map(drop)?,
            OnPending::Refuse => migrations::refuse_pending(url)?,
        }
        let (reader, readers) = crossbeam_channel::bounded(config.queue_length.get());
        let (writer, writers) = crossbeam_channel::bounded(config.queue_length.get());
        let listeners = Listeners::default();
        let intake = Intake {
            readers,
            writers,
            listeners: listeners.clone(),
        };
        let threads = match url {
            DatabaseUrl::Sqlite(file) => sqlite::start(file, config, &intake)?,
            DatabaseUrl::Postgres(url) => postgres::start(url, config, &intake)?,
        };
        Ok(Self {
            queues: RwLock::new(Some(Queues {
                readers: reader,
                writers: writer,
            })),
            threads: Mutex::new(threads),
            listeners,
            counts: Arc::default(),
            begin_within: config.begin_within,
            finish_within: config.finish_within,
        })
    }

    fn enqueue(&self, mode: Mode, job: Job) -> Result<(), StoreError> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let queues = queues.as_ref().ok_or_else(|| not_taken(mode, false))?;
        let queue = match mode {
            Mode::Read => &queues.readers,
            Mode::Write => &queues.writers,
        };
        queue
            .try_send(job)
            .map_err(|refused| not_taken(mode, matches!(refused, TrySendError::Full(_))))
    }
}

#[async_trait]
impl Store for DieselStore {
    async fn run(&self, mode: Mode, work: Work) -> Result<(), StoreError> {
        let counts = Arc::clone(&self.counts);
        let (job, ticket) = Job::new(work, self.begin_within, counts);
        if let Err(error) = self.enqueue(mode, job) {
            self.counts.refused.count();
            return Err(error);
        }
        ticket.outcome(self.begin_within, self.finish_within).await
    }

    fn subscribe(&self, listener: Arc<dyn CommitListener>) {
        self.listeners.add(listener);
    }

    fn figures(&self) -> StoreFigures {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let waiting =
            |queue: fn(&Queues) -> &Sender<Job>| queues.as_ref().map_or(0, |it| queue(it).len());
        StoreFigures {
            waiting_reads: waiting(|queues| &queues.readers),
            waiting_writes: waiting(|queues| &queues.writers),
            refused: self.counts.refused.total(),
            waits: self.counts.waits.distribution(),
        }
    }

    async fn close(&self) {
        let queues = self
            .queues
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = tokio::task::spawn_blocking(move || end(queues, threads));
        if ended.await.is_err() {
            tracing::error!("the threads of the store could not be waited for");
        }
    }
}

/// Without senders the threads take what is queued, and end. The readers first: the SQLite connection that is closed
/// last cleans up the WAL, and two that are closed at once may leave it to each other.
fn end(queues: Option<Queues>, threads: Threads) {
    let (readers, writers) = queues.map_or((None, None), |it| (Some(it.readers), Some(it.writers)));
    drop(readers);
    join(threads.readers);
    drop(writers);
    join(threads.writers);
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the store had panicked");
        }
    }
}

/// A thread of the store.
pub(crate) fn spawn(
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(OpenError::Threads)
}
