//! Verification: walks the chain and names the first event that is not as it was sealed.

use super::AuditKeys;
use crate::clock::Clock;
use doorward_domain::audit::{AuditMac, ChainHead, SealedEvent};
use doorward_domain::{AuditEvent, AuditEventId, SecurityEvent};
use doorward_storage::{Store, StoreError, Transaction};
use secrecy::SecretString;
use std::sync::Arc;

/// How many events are read at once.
const BATCH: u32 = 1000;

/// What is verified against.
#[derive(Debug)]
pub struct Verifier {
    keys: Arc<AuditKeys>,
}

/// A log that is as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many events were looked at.
    pub sealed: usize,
    /// How many are not sealed yet, and may have been changed.
    pub unsealed: usize,
    /// The number of the last one that was swept; 0 where none was.
    pub swept: i64,
    /// The number of the last event, to be compared with what it was at another time.
    pub last_sequence: i64,
    /// Its hash.
    pub last_mac: AuditMac,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The row with the beginning and the end of the chain.
    #[error("the head of the chain is not as it was sealed: it was changed, put back or deleted")]
    Head,
    /// An event that was sealed.
    #[error(
        "event {id}, number {sequence}, is not the one that was sealed there: it was changed or moved"
    )]
    Changed {
        /// Its id.
        id: AuditEventId,
        /// Its place.
        sequence: i64,
    },
    /// There is a gap.
    #[error(
        "number {sequence} is missing: it was deleted or moved; event {next}, number {next_sequence}, comes next"
    )]
    Missing {
        /// The first number that is not there.
        sequence: i64,
        /// The event behind the gap.
        next: AuditEventId,
        /// Its place.
        next_sequence: i64,
    },
    /// The end is not there.
    #[error(
        "the end is missing: number {sequence} is not there, and {last_sequence} events were sealed"
    )]
    Truncated {
        /// The first number that is not there.
        sequence: i64,
        /// The last that there must be.
        last_sequence: i64,
    },
    /// Somebody has added it with a number.
    #[error(
        "event {id}, number {sequence}, is behind the end of the chain: it was added or the head was put back"
    )]
    Added {
        /// Its id.
        id: AuditEventId,
        /// Its place.
        sequence: i64,
    },
    /// Nothing can be said from here on.
    #[error(
        "number {sequence} and what follows is sealed under a key that is neither SECRET_KEY nor among SECRET_KEY_FALLBACKS"
    )]
    UnknownKey {
        /// The first number under it; that of the last event where it is the head.
        sequence: i64,
    },
}

/// Why nothing is verified, or what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log is not as it was sealed.
    #[error("the audit log is not as it was sealed: {0}")]
    Fault(#[from] Fault),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Verifier {
    /// With the present secret key, and earlier ones.
    pub fn new(secret_key: &SecretString, fallbacks: &[SecretString]) -> Self {
        Self {
            keys: Arc::new(AuditKeys::new(secret_key, fallbacks)),
        }
    }

    /// Walks the chain, in batches, up to where it ended when this began. It may be sealed and swept meanwhile.
    ///
    /// # Errors
    /// [`VerifyError::Fault`] with the first fault.
    pub async fn verify(&self, store: &dyn Store) -> Result<Verified, VerifyError> {
        loop {
            if let Some(verified) = self.walk(store).await? {
                return Ok(verified);
            }
        }
    }

    /// None when somebody has swept what was still to be verified.
    async fn walk(&self, store: &dyn Store) -> Result<Option<Verified>, VerifyError> {
        let beginning = store.read(begin).await?;
        self.check_ends(&beginning)?;
        let Beginning { head, unsealed, .. } = beginning;
        let (mut at, mut mac) = (head.base_sequence, head.base_mac);
        while at < head.last_sequence {
            let read = store.read(move |tx| {
                let base = tx.audit_chain()?.base_sequence;
                Ok::<_, StoreError>((base, tx.sealed_events(at, BATCH)?))
            });
            let (base, events) = read.await?;
            if base > at {
                return Ok(None);
            }
            if events.is_empty() {
                return Err(Fault::Truncated {
                    sequence: at + 1,
                    last_sequence: head.last_sequence,
                }
                .into());
            }
            for sealed in events {
                if at < head.last_sequence {
                    self.check(mac, at + 1, &sealed)?;
                    (at, mac) = (sealed.sequence, sealed.mac);
                }
            }
        }
        if mac != head.last_mac {
            return Err(Fault::Head.into());
        }
        Ok(Some(Verified {
            sealed: usize::try_from(at - head.base_sequence).unwrap_or_default(),
            unsealed,
            swept: head.base_sequence,
            last_sequence: at,
            last_mac: mac,
        }))
    }

    fn check_ends(&self, beginning: &Beginning) -> Result<(), Fault> {
        let Beginning { head, beyond, .. } = beginning;
        match (self.keys.fits_head(head), beyond) {
            (Some(true), None) => Ok(()),
            (Some(true), Some(added)) if !head.seal.is_empty() => Err(Fault::Added {
                id: added.event.id,
                sequence: added.sequence,
            }),
            (Some(_), _) => Err(Fault::Head),
            (None, _) => Err(Fault::UnknownKey {
                sequence: head.last_sequence,
            }),
        }
    }

    fn check(&self, before: AuditMac, expected: i64, sealed: &SealedEvent) -> Result<(), Fault> {
        let (id, sequence) = (sealed.event.id, sealed.sequence);
        if sequence != expected {
            return Err(Fault::Missing {
                sequence: expected,
                next: id,
                next_sequence: sequence,
            });
        }
        match self.keys.fits(before, sealed) {
            Some(true) => Ok(()),
            Some(false) => Err(Fault::Changed { id, sequence }),
            None => Err(Fault::UnknownKey { sequence }),
        }
    }

    /// Begins the chain anew: what is sealed until now stays and is swept in its time, but cannot be verified any more.
    /// For a log whose key is lost or whose head was changed. The number of the last event before.
    ///
    /// # Errors
    /// The store's.
    pub async fn restart(&self, store: &dyn Store, clock: &dyn Clock) -> Result<i64, StoreError> {
        let (now, keys) = (clock.now(), Arc::clone(&self.keys));
        store
            .write(move |tx| {
                // Whoever seals at this moment is waited for: then all that is sealed is seen.
                tx.write_audit_chain(&ChainHead::default())?;
                let up_to = tx.last_sequence()?;
                let anew = ChainHead {
                    last_sequence: up_to,
                    base_sequence: up_to,
                    ..ChainHead::default()
                };
                tx.write_audit_chain(&keys.seal_head(&anew))?;
                let event = SecurityEvent::AuditRestarted { up_to };
                tx.append_event(&AuditEvent::new(now, &event))?;
                Ok(up_to)
            })
            .await
    }
}

/// What there is when the walk begins.
struct Beginning {
    head: ChainHead,
    /// What has a number behind the end.
    beyond: Option<SealedEvent>,
    unsealed: usize,
}

fn begin(tx: &mut dyn Transaction) -> Result<Beginning, StoreError> {
    let head = tx.audit_chain()?;
    let beyond = tx.sealed_events(head.last_sequence, 1)?.pop();
    Ok(Beginning {
        head,
        beyond,
        unsealed: tx.count_unsealed_events()?,
    })
}
