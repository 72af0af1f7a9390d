//! The unit of work.
//!
//! [`write`](trait@Store#method.write) and [`read`](trait@Store#method.read) run one closure in one transaction on a
//! thread of the store. Nothing awaits inside, so mail, Redis and HTTP cannot happen in a transaction. What the closure
//! returns as `Ok` is committed, an `Err` rolls back: a decision that must persist is an `Ok(Outcome::…)`. A caller that
//! goes away does not cancel the closure.

use crate::api_keys::ApiKeyRepository;
use crate::audit::AuditRepository;
use crate::changes::ChangeRepository;
use crate::error::StoreError;
use crate::imports::ImportRepository;
use crate::places::PlaceRepository;
use crate::sessions::SessionRepository;
use crate::settings::SettingRepository;
use crate::signing_keys::SigningKeyRepository;
use crate::tasks::TaskRepository;
use crate::users::UserRepository;
use crate::webhook_secrets::WebhookSecretRepository;
use async_trait::async_trait;
use doorward_domain::Change;
use doorward_metrics::Distribution;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// One open transaction: every repository at once.
pub trait Transaction:
    UserRepository
    + ImportRepository
    + SessionRepository
    + ChangeRepository
    + SigningKeyRepository
    + ApiKeyRepository
    + PlaceRepository
    + SettingRepository
    + AuditRepository
    + WebhookSecretRepository
    + TaskRepository
{
}

impl<T> Transaction for T where
    T: UserRepository
        + ImportRepository
        + SessionRepository
        + ChangeRepository
        + SigningKeyRepository
        + ApiKeyRepository
        + PlaceRepository
        + SettingRepository
        + AuditRepository
        + WebhookSecretRepository
        + TaskRepository
        + ?Sized
{
}

/// Whether a transaction may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It must not: a write is an error.
    Read,
    /// It may.
    Write,
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is kept, durably.
    Commit,
    /// Nothing is kept.
    Rollback,
}

/// What runs inside a transaction.
pub type Work = Box<dyn FnOnce(&mut dyn Transaction) -> Verdict + Send>;

/// How busy a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreFigures {
    /// Units of work that wait for a thread that reads.
    pub waiting_reads: usize,
    /// Units of work that wait for a thread that writes.
    pub waiting_writes: usize,
    /// Units of work that were refused since they could not begin in time.
    pub refused: u64,
    /// For how long those that have begun had waited.
    pub waits: Distribution,
}

/// Hears of changes that were committed here, before the caller of the unit of work does: so a change is in force on
/// this node at the next request.
pub trait CommitListener: Send + Sync {
    /// Called on a thread of the store, so it must be quick. Never called for what was rolled back.
    fn committed(&self, changes: &[Change]);
}

/// A database. Callers use [`write`](trait@Store#method.write) and [`read`](trait@Store#method.read).
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Runs `work` in one transaction and ends it as `work` says; a panic in it rolls back.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the work did not begin in time or the connection was lost; when that happens at
    /// the commit, whether it counts is unknown.
    async fn run(&self, mode: Mode, work: Work) -> Result<(), StoreError>;

    /// From now on `listener` hears of every change that this store commits.
    fn subscribe(&self, listener: Arc<dyn CommitListener>);

    /// How busy it is. To ask costs next to nothing.
    fn figures(&self) -> StoreFigures;

    /// Ends the threads of the store once all work that it has accepted is done; work that comes later is refused.
    async fn close(&self);
}

impl dyn Store + '_ {
    /// One transaction that may write: committed when `work` returns `Ok`, rolled back when it returns `Err`.
    ///
    /// # Errors
    /// The error of `work`, or the store's own when the transaction could not begin or be committed.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.transact(Mode::Write, work).await
    }

    /// One transaction that sees one state of the database and must not write.
    ///
    /// # Errors
    /// As `write`.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.transact(Mode::Read, work).await
    }

    async fn transact<T, E, F>(&self, mode: Mode, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let answer = Arc::clone(&slot);
        let job = Box::new(move |tx: &mut dyn Transaction| {
            let result = work(tx);
            let verdict = match result {
                Ok(_) => Verdict::Commit,
                Err(_) => Verdict::Rollback,
            };
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            verdict
        });
        let ran = self.run(mode, job).await;
        let result = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (result, ran) {
            (Some(Err(error)), _) => Err(error), // the work itself failed, and is undone
            (_, Err(error)) => Err(error.into()), // begin or commit failed
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Backend(
                "success was reported for work that never ran".into(),
            )
            .into()),
        }
    }
}
