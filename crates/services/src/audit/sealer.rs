//! The sealer: chains what was appended, after its commit.
//!
//! The order in which events get their ids is not the order of their commits, so an event that was committed late simply
//! comes later in the chain. Every node has a sealer; the lock on the head of the chain decides which one is at work.

use super::AuditKeys;
use crate::services::Core;
use doorward_domain::audit::{ChainHead, SealedEvent};
use doorward_storage::{StoreError, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// How often there is a look.
const INTERVAL: Duration = Duration::from_secs(1);
/// After a failure the next look is later.
const AFTER_FAILURE: Duration = Duration::from_mins(1);
/// How many events one transaction seals at the most.
const BATCH: u32 = 200;

/// Seals the audit log.
#[derive(Debug)]
pub struct Sealer {
    core: Arc<Core>,
}

/// What a look has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// So many events are sealed now that were not.
    Events(usize),
    /// Another node is at it.
    ByAnother,
    /// The head of the chain is not as it was sealed: what comes is not chained to it.
    BrokenHead,
    /// The head is sealed under a key that is not known.
    UnknownKey,
}

impl Sealer {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Seals everything that is committed, batch by batch.
    ///
    /// # Errors
    /// The store's; what was sealed until then stays so.
    pub async fn seal(&self) -> Result<Sealed, StoreError> {
        let mut total = 0;
        loop {
            // Most looks find nothing, and end with a read.
            let unsealed = self.core.store.read(|tx| tx.unsealed_events(1)).await?;
            if unsealed.is_empty() {
                return Ok(Sealed::Events(total));
            }
            let keys = Arc::clone(&self.core.audit_keys);
            let batch = self
                .core
                .store
                .write(move |tx| seal_batch(tx, &keys))
                .await?;
            match batch {
                Sealed::Events(count) => total += count,
                Sealed::ByAnother | Sealed::BrokenHead | Sealed::UnknownKey => return Ok(batch),
            }
        }
    }

    /// Seals again and again, for ever.
    pub async fn run(&self) {
        loop {
            let pause = match self.seal().await {
                Ok(Sealed::Events(_) | Sealed::ByAnother) => INTERVAL,
                Ok(Sealed::BrokenHead) => {
                    tracing::error!(
                        "the head of the audit log is not as it was sealed: nothing is sealed until `doorward audit restart`"
                    );
                    AFTER_FAILURE
                }
                Ok(Sealed::UnknownKey) => {
                    tracing::error!(
                        "the audit log is sealed under another SECRET_KEY: name it in SECRET_KEY_FALLBACKS, or begin the \
                         chain anew with `doorward audit restart`"
                    );
                    AFTER_FAILURE
                }
                Err(error) => {
                    tracing::warn!(%error, "the audit log could not be sealed; it is tried again");
                    INTERVAL
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}

fn seal_batch(tx: &mut dyn Transaction, keys: &AuditKeys) -> Result<Sealed, StoreError> {
    let Some(head) = tx.lock_audit_chain()? else {
        let is_gone = tx.audit_chain()? == ChainHead::default();
        return Ok(if is_gone && tx.last_sequence()? > 0 {
            Sealed::BrokenHead
        } else {
            Sealed::ByAnother
        });
    };
    match keys.fits_head(&head) {
        Some(true) => {}
        Some(false) => return Ok(Sealed::BrokenHead),
        None => return Ok(Sealed::UnknownKey),
    }
    let mut head = head;
    let mut sealed = Vec::new();
    for event in tx.unsealed_events(BATCH)? {
        let sequence = head.last_sequence + 1;
        let mac = keys.seal(head.last_mac, sequence, &event);
        head = ChainHead {
            last_sequence: sequence,
            last_mac: mac,
            ..head
        };
        sealed.push(SealedEvent {
            sequence,
            mac,
            key_id: keys.present_id().clone(),
            event,
        });
    }
    if !sealed.is_empty() {
        tx.seal_events(&sealed, &keys.seal_head(&head))?;
    }
    Ok(Sealed::Events(sealed.len()))
}
