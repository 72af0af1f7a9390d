//! The chain that seals the audit log: each event has a number and a keyed hash over the event and the hash before, so
//! that none can be changed, moved or taken out afterwards without the key.

use super::AuditEvent;
use crate::session::WrongLength;
use std::fmt;

/// A keyed hash over an event and all before it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditMac(pub [u8; 32]);

impl TryFrom<Vec<u8>> for AuditMac {
    type Error = WrongLength;

    fn try_from(bytes: Vec<u8>) -> Result<Self, WrongLength> {
        bytes.try_into().map(Self).map_err(|_bytes| WrongLength)
    }
}

impl fmt::Debug for AuditMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditMac({self})")
    }
}

/// Its first 16 hexadecimal digits: enough to compare by eye.
impl fmt::Display for AuditMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .take(8)
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Names the key of a seal, and gives nothing of it away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditKeyId(pub String);

/// An event with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEvent {
    /// Its number, from 1 without a gap.
    pub sequence: i64,
    /// Over it and all before it.
    pub mac: AuditMac,
    /// Under which key.
    pub key_id: AuditKeyId,
    /// What is sealed.
    pub event: AuditEvent,
}

/// Where the chain begins and ends: one row, sealed too, so that a tail that was cut off is noticed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainHead {
    /// The number of the last sealed event; 0 before the first.
    pub last_sequence: i64,
    /// Its hash.
    pub last_mac: AuditMac,
    /// The number of the last event that was swept; 0 where none was. The next one is the first that there must be.
    pub base_sequence: i64,
    /// Its hash.
    pub base_mac: AuditMac,
    /// Under which key this is sealed.
    pub key_id: AuditKeyId,
    /// Over all of this. Empty as long as nothing was ever sealed.
    pub seal: Vec<u8>,
}

impl ChainHead {
    /// What its seal is over.
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = b"doorward audit head v1".to_vec();
        bytes.extend(self.last_sequence.to_be_bytes());
        bytes.extend(self.last_mac.0);
        bytes.extend(self.base_sequence.to_be_bytes());
        bytes.extend(self.base_mac.0);
        bytes
    }
}

impl AuditEvent {
    /// What its hash in the chain is over, besides the hash before: its number and each field, with its length before it,
    /// so that no two events have the same bytes.
    pub fn canonical(&self, sequence: i64) -> Vec<u8> {
        let mut bytes = b"doorward audit event v1".to_vec();
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(self.id.as_uuid().as_bytes());
        bytes.extend(self.at.timestamp_micros().to_be_bytes());
        let actor = self.actor_id.map(|id| id.as_uuid().as_bytes().to_vec());
        let subject = self.subject_id.map(|id| id.as_uuid().as_bytes().to_vec());
        push(&mut bytes, Some(self.action.as_bytes()));
        push(&mut bytes, actor.as_deref());
        push(&mut bytes, subject.as_deref());
        push(&mut bytes, self.ip_address.as_deref().map(str::as_bytes));
        push(&mut bytes, self.user_agent.as_deref().map(str::as_bytes));
        push(&mut bytes, self.request_id.as_deref().map(str::as_bytes));
        push(&mut bytes, Some(self.details.as_bytes()));
        bytes
    }
}

/// Nothing is something else than an empty text.
fn push(bytes: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        Some(field) => {
            bytes.push(1);
            bytes.extend(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend(field);
        }
        None => bytes.push(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::SecurityEvent;
    use crate::ids::{AuditEventId, UserId};
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn no_field_of_an_event_can_change_unnoticed() {
        let now = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        let event = AuditEvent::new(now, &SecurityEvent::UserActivated);
        let text = || Some(String::new());
        let changed = [
            AuditEvent {
                id: AuditEventId::new(now),
                ..event.clone()
            },
            AuditEvent {
                at: now + TimeDelta::microseconds(1),
                ..event.clone()
            },
            AuditEvent {
                action: "user.deleted".to_owned(),
                ..event.clone()
            },
            AuditEvent {
                actor_id: Some(UserId::new(now)),
                ..event.clone()
            },
            AuditEvent {
                subject_id: Some(UserId::new(now)),
                ..event.clone()
            },
            AuditEvent {
                ip_address: text(),
                ..event.clone()
            },
            AuditEvent {
                user_agent: text(),
                ..event.clone()
            },
            AuditEvent {
                request_id: text(),
                ..event.clone()
            },
            AuditEvent {
                details: "{ }".to_owned(),
                ..event.clone()
            },
        ];
        let mut all: Vec<_> = changed.iter().map(|event| event.canonical(7)).collect();
        all.extend([event.canonical(7), event.canonical(8)]);
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn no_field_of_the_head_can_change_unnoticed() {
        let head = ChainHead::default();
        let other = AuditMac([1; 32]);
        let mut all: Vec<_> = [
            head.clone(),
            ChainHead {
                last_sequence: 1,
                ..head.clone()
            },
            ChainHead {
                last_mac: other,
                ..head.clone()
            },
            ChainHead {
                base_sequence: 1,
                ..head.clone()
            },
            ChainHead {
                base_mac: other,
                ..head
            },
        ]
        .iter()
        .map(ChainHead::canonical)
        .collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 5);
    }
}
