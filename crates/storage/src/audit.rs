//! The audit log.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::audit::{ChainHead, SealedEvent};
use doorward_domain::{AuditEvent, AuditEventId, UserId};

/// The audit log. Events are appended plain, so that writers never wait for each other, and sealed into one chain
/// afterwards by whoever holds its head.
pub trait AuditRepository {
    /// Appends an event, which is not sealed yet.
    fn append_event(&mut self, event: &AuditEvent) -> Result<(), StoreError>;

    /// Up to a limit of the events that a query asks for, the newest first, sealed or not.
    fn list_events(&mut self, query: &AuditQuery) -> Result<Vec<AuditEvent>, StoreError>;

    /// Where the chain begins and ends. A database without this row has an empty one.
    fn audit_chain(&mut self) -> Result<ChainHead, StoreError>;

    /// The same, and nobody else has it before this transaction ends. None when somebody else has it now, or the row is
    /// gone.
    fn lock_audit_chain(&mut self) -> Result<Option<ChainHead>, StoreError>;

    /// Up to `limit` events that are not sealed, in the order of their ids.
    fn unsealed_events(&mut self, limit: u32) -> Result<Vec<AuditEvent>, StoreError>;

    /// How many events are not sealed.
    fn count_unsealed_events(&mut self) -> Result<usize, StoreError>;

    /// Writes the places of events that were not sealed, counts each in its hour, and writes the head, which has to be
    /// locked.
    fn seal_events(&mut self, sealed: &[SealedEvent], head: &ChainHead) -> Result<(), StoreError>;

    /// Up to `limit` sealed events in the order of the chain, and only those after this number.
    fn sealed_events(&mut self, after: i64, limit: u32) -> Result<Vec<SealedEvent>, StoreError>;

    /// The number of the sealed event that has the greatest; 0 where none is sealed.
    fn last_sequence(&mut self) -> Result<i64, StoreError>;

    /// Deletes the sealed events up to this number and writes the head, which has to be locked. How many it were.
    fn delete_sealed_events(&mut self, up_to: i64, head: &ChainHead) -> Result<usize, StoreError>;

    /// Writes the head, also where the row is gone; waits for who has it locked.
    fn write_audit_chain(&mut self, head: &ChainHead) -> Result<(), StoreError>;

    /// How often what happened in the hours that begin at `since` or later, as far as it is sealed, in the order of the
    /// hours.
    fn activity(&mut self, since: DateTime<Utc>) -> Result<Vec<HourlyCount>, StoreError>;

    /// Forgets the counts of hours that began before.
    fn sweep_activity(&mut self, before: DateTime<Utc>) -> Result<usize, StoreError>;
}

/// Which events are wanted; what is none does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Who did it.
    pub actor: Option<UserId>,
    /// Whom it concerns.
    pub subject: Option<UserId>,
    /// What it was.
    pub action: Option<String>,
    /// From then on.
    pub since: Option<DateTime<Utc>>,
    /// Before then.
    pub until: Option<DateTime<Utc>>,
    /// Only older ones than this.
    pub before: Option<AuditEventId>,
    /// How many at the most.
    pub limit: u32,
}

/// How often something happened in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourlyCount {
    /// When the hour began.
    pub hour: DateTime<Utc>,
    /// What it was.
    pub action: String,
    /// How often.
    pub count: i64,
}
