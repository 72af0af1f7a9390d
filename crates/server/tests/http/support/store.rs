//! A store that fails when a test wants it to.

use async_trait::async_trait;
use doorward_storage::{CommitListener, Mode, Store, StoreError, StoreFigures, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// In which way the store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not at all.
    None,
    /// The database does not answer.
    Outage,
    /// Writing panics inside the transaction.
    PanicInTransaction,
    /// Writing panics before there is a transaction, on the thread of the handler.
    PanicInHandler,
}

const FAULTS: [Fault; 4] = [
    Fault::None,
    Fault::Outage,
    Fault::PanicInTransaction,
    Fault::PanicInHandler,
];

/// A store that passes everything on until it is told to fail, and counts what is written.
#[derive(Debug)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn Store>,
    fault: AtomicU8,
    refused: AtomicUsize,
}

impl FaultyStore {
    pub(crate) fn around(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            fault: AtomicU8::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    /// Fails from now on in this way.
    pub(crate) fn fail(&self, fault: Fault) {
        let index = FAULTS.iter().position(|other| *other == fault);
        let index = index.and_then(|index| u8::try_from(index).ok());
        self.fault
            .store(index.unwrap_or_default(), Ordering::Release);
    }

    /// How often it has refused because of an outage.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Acquire)
    }

    fn fault(&self) -> Fault {
        let index = usize::from(self.fault.load(Ordering::Acquire));
        FAULTS.get(index).copied().unwrap_or(Fault::None)
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn run(&self, mode: Mode, work: Work) -> Result<(), StoreError> {
        match (self.fault(), mode) {
            (Fault::Outage, _) => {
                self.refused.fetch_add(1, Ordering::AcqRel);
                Err(StoreError::Unavailable(
                    "the driver says: connection to 10.0.0.7 refused".into(),
                ))
            }
            (Fault::PanicInTransaction, Mode::Write) => {
                let panics: Work = Box::new(|_| panic!("on purpose, in a transaction"));
                self.inner.run(mode, panics).await
            }
            (Fault::PanicInHandler, Mode::Write) => panic!("on purpose, in a handler"),
            (Fault::None | Fault::PanicInTransaction | Fault::PanicInHandler, _) => {
                self.inner.run(mode, work).await
            }
        }
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
