//! The keys that were presented lately, and what was no key of anybody's.

use crate::remembered::{Remembered, Ticket};
use chrono::{DateTime, Utc};
use doorward_domain::api_key::USE_INTERVAL;
use doorward_domain::{ApiKey, ApiKeyDigest, ApiKeyId};
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// About 500 bytes each.
const MOST_KEYS: u64 = 20_000;
/// About 150 bytes each. Who presents more has had to compute a checksum for each.
const MOST_UNKNOWN: u64 = 20_000;
/// Nothing that was nobody's becomes somebody's, unless the database is restored, and then all is forgotten.
const UNKNOWN_TTL: Duration = Duration::from_mins(10);

/// A key as it was loaded.
#[derive(Debug)]
pub(crate) struct KnownApiKey {
    pub(crate) key: ApiKey,
    /// When its last use was noted, in milliseconds since 1970.
    noted_at: AtomicI64,
}

impl KnownApiKey {
    fn new(key: ApiKey) -> Self {
        let noted_at = key
            .last_used_at
            .map_or(i64::MIN, |at| at.timestamp_millis());
        Self {
            key,
            noted_at: noted_at.into(),
        }
    }

    /// Whether this use is to be noted: of many at once one is.
    pub(crate) fn is_use_due(&self, now: DateTime<Utc>) -> bool {
        let (now, noted_at) = (
            now.timestamp_millis(),
            self.noted_at.load(Ordering::Acquire),
        );
        now.saturating_sub(noted_at) >= USE_INTERVAL.num_milliseconds()
            && self
                .noted_at
                .compare_exchange(noted_at, now, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }
}

/// What memory knows of a secret.
#[derive(Debug)]
pub(crate) enum Found {
    /// It is or was this key's.
    Key(Arc<KnownApiKey>),
    /// It is nobody's.
    Nobodys,
}

impl Found {
    pub(crate) fn key(self) -> Option<Arc<KnownApiKey>> {
        match self {
            Self::Key(key) => Some(key),
            Self::Nobodys => None,
        }
    }
}

/// Keys by their ids, so that a change drops one whatever its secrets; the ids by the secrets, which never belong to
/// another key.
#[derive(Debug)]
pub(crate) struct ApiKeyMemory {
    ids: Cache<ApiKeyDigest, ApiKeyId>,
    keys: Remembered<ApiKeyId, Arc<KnownApiKey>>,
    unknown: Remembered<ApiKeyDigest, ()>,
}

/// The moment before a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyTicket {
    keys: Ticket,
    unknown: Ticket,
}

impl ApiKeyMemory {
    pub(crate) fn new() -> Self {
        Self {
            ids: Cache::new(MOST_KEYS),
            keys: Remembered::new(MOST_KEYS),
            unknown: Remembered::new(MOST_UNKNOWN),
        }
    }

    /// What is known of the secret, if it was loaded within `ttl` before `uptime`.
    pub(crate) fn get(
        &self,
        digest: &ApiKeyDigest,
        uptime: Duration,
        ttl: Duration,
    ) -> Option<Found> {
        if let Some(id) = self.ids.get(digest) {
            return self.keys.get(&id, uptime, ttl).map(Found::Key);
        }
        let unknown = self.unknown.get(digest, uptime, UNKNOWN_TTL);
        unknown.map(|()| Found::Nobodys)
    }

    pub(crate) fn ticket(&self) -> KeyTicket {
        KeyTicket {
            keys: self.keys.ticket(),
            unknown: self.unknown.ticket(),
        }
    }

    /// Keeps what was loaded, unless a key was dropped since the ticket was taken.
    pub(crate) fn insert(
        &self,
        ticket: KeyTicket,
        digest: ApiKeyDigest,
        loaded: Option<ApiKey>,
        uptime: Duration,
    ) -> Option<Arc<KnownApiKey>> {
        let Some(key) = loaded.map(KnownApiKey::new).map(Arc::new) else {
            self.ids.invalidate(&digest);
            self.unknown.insert(ticket.unknown, digest, (), uptime);
            return None;
        };
        let id = key.key.id;
        self.keys.insert(ticket.keys, id, Arc::clone(&key), uptime);
        self.ids.insert(digest, id);
        Some(key)
    }

    /// Forgets a key.
    pub(crate) fn drop(&self, id: ApiKeyId) {
        self.keys.drop(id);
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.keys.clear();
        self.unknown.clear();
    }
}
