//! A bounded map whose entries die by the clock.

use crate::clock::Clock;
use moka::Expiry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug, Clone)]
struct Entry<V> {
    value: V,
    ttl: Duration,
    /// In uptime.
    dies_at: Duration,
}

/// Frees the memory of the dead; by the machine's clock, which never is ahead of ours.
struct ByTtl;

impl<K, V> Expiry<K, Entry<V>> for ByTtl {
    fn expire_after_create(&self, _: &K, entry: &Entry<V>, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &K,
        entry: &Entry<V>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// Those that were not used for longest go first when it is full.
pub(super) struct ExpiringMap<K, V> {
    entries: Cache<K, Entry<V>>,
    clock: Arc<dyn Clock>,
}

impl<K, V> fmt::Debug for ExpiringMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiringMap").finish_non_exhaustive()
    }
}

impl<K, V> ExpiringMap<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// `weigh` in the unit of `capacity`.
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        capacity: u64,
        weigh: impl Fn(&K, &V) -> u32 + Send + Sync + 'static,
    ) -> Self {
        Self {
            entries: Cache::builder()
                .max_capacity(capacity)
                .weigher(move |key, entry: &Entry<V>| weigh(key, &entry.value))
                .eviction_policy(EvictionPolicy::lru())
                .expire_after(ByTtl)
                .build(),
            clock,
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        let entry = self.entries.get(key)?;
        (self.clock.uptime() < entry.dies_at).then_some(entry.value)
    }

    /// What has no time is not kept, and what was there before is gone.
    pub(super) fn put(&self, key: K, value: V, ttl: Duration) {
        if ttl.is_zero() {
            self.entries.invalidate(&key);
            return;
        }
        let entry = Entry {
            value,
            ttl,
            dies_at: self.clock.uptime().saturating_add(ttl),
        };
        self.entries.insert(key, entry);
    }

    pub(super) fn remove(&self, key: &K) {
        self.entries.invalidate(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.entry_count()
    }
}
