//! The end of old events: the beginning of the chain is deleted, and its head keeps what the rest is chained to.

use super::AuditKeys;
use crate::services::Core;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::audit::{ChainHead, SealedEvent};
use doorward_domain::{AuditEvent, SecurityEvent};
use doorward_storage::{StoreError, Transaction};
use std::sync::Arc;

/// How many events one transaction deletes at the most.
const BATCH: u32 = 500;

/// Nothing is deleted before something is older than the retention by this: so events go once a day, and the log does not
/// tell of it every minute.
const SLACK: TimeDelta = TimeDelta::days(1);

/// Deletes the events that are older than `AUDIT_RETENTION`, batch by batch. How many it were.
pub(crate) async fn sweep_audit(core: &Core) -> Result<usize, StoreError> {
    let now = core.clock.now();
    let before = now - core.settings.load().audit_retention;
    let oldest = core.store.read(oldest_sealed).await?;
    if oldest.is_none_or(|at| at >= before - SLACK) {
        return Ok(0);
    }
    let mut swept = 0;
    loop {
        let keys = Arc::clone(&core.audit_keys);
        let batch = core
            .store
            .write(move |tx| sweep_batch(tx, &keys, before, now));
        match batch.await? {
            0 => return Ok(swept),
            count => swept += count,
        }
    }
}

fn oldest_sealed(tx: &mut dyn Transaction) -> Result<Option<DateTime<Utc>>, StoreError> {
    let base = tx.audit_chain()?.base_sequence;
    let first = tx.sealed_events(base, 1)?;
    Ok(first.first().map(|sealed| sealed.event.at))
}

/// Only what is sealed, and without a gap: what cannot be verified stays where it is looked for.
fn sweep_batch(
    tx: &mut dyn Transaction,
    keys: &AuditKeys,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let Some(head) = tx.lock_audit_chain()? else {
        return Ok(0);
    };
    if keys.fits_head(&head) != Some(true) {
        return Ok(0);
    }
    let events = tx.sealed_events(head.base_sequence, BATCH)?;
    let Some(last) = last_due(&head, &events, before) else {
        return Ok(0);
    };
    let head = keys.seal_head(&ChainHead {
        base_sequence: last.sequence,
        base_mac: last.mac,
        ..head
    });
    let count = tx.delete_sealed_events(last.sequence, &head)?;
    tx.sweep_activity(before)?;
    let event = SecurityEvent::AuditSwept {
        events: count,
        up_to: last.sequence,
    };
    tx.append_event(&AuditEvent::new(now, &event))?;
    Ok(count)
}

fn last_due<'a>(
    head: &ChainHead,
    events: &'a [SealedEvent],
    before: DateTime<Utc>,
) -> Option<&'a SealedEvent> {
    (head.base_sequence + 1..)
        .zip(events)
        .take_while(|(expected, sealed)| sealed.sequence == *expected && sealed.event.at < before)
        .last()
        .map(|(_, sealed)| sealed)
}
