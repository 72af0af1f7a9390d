//! What was loaded and follows the change feed: the hot path asks no database.

use moka::ops::compute::Op;
use moka::sync::Cache;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Clone)]
struct Entry<V> {
    value: V,
    loaded_at: Duration,
    cleared: u64,
}

/// What was asked for lately, by its key.
///
/// Whoever loads something takes a [`Ticket`] before he asks the database; what was dropped since then cannot be put
/// back by a load that began earlier and saw the state before the change.
pub(crate) struct Remembered<K, V> {
    entries: Cache<K, Entry<V>>,
    drops: AtomicU64,
    clears: AtomicU64,
}

impl<K, V> std::fmt::Debug for Remembered<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remembered")
            .field("entries", &self.entries.entry_count())
            .finish_non_exhaustive()
    }
}

/// The moment before a load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    drops: u64,
    cleared: u64,
}

impl<K, V> Remembered<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// With room for so many entries.
    pub(crate) fn new(most_entries: u64) -> Self {
        Self {
            entries: Cache::new(most_entries),
            drops: AtomicU64::new(0),
            clears: AtomicU64::new(0),
        }
    }

    /// The value, if it was loaded within `ttl` before `uptime`.
    pub(crate) fn get(&self, key: &K, uptime: Duration, ttl: Duration) -> Option<V> {
        let entry = self.entries.get(key)?;
        let is_good = uptime.saturating_sub(entry.loaded_at) < ttl
            && entry.cleared == self.clears.load(Ordering::Acquire);
        is_good.then_some(entry.value)
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            drops: self.drops.load(Ordering::Acquire),
            cleared: self.clears.load(Ordering::Acquire),
        }
    }

    /// Keeps what was loaded, unless something was dropped since the ticket was taken.
    pub(crate) fn insert(&self, ticket: Ticket, key: K, value: V, uptime: Duration) {
        let entry = Entry {
            value,
            loaded_at: uptime,
            cleared: ticket.cleared,
        };
        // Under the entry's own lock: a drop counts first and removes then, so it either is seen here or waits.
        self.entries.entry(key).and_compute_with(|_| {
            if self.drops.load(Ordering::Acquire) == ticket.drops {
                Op::Put(entry)
            } else {
                Op::Nop
            }
        });
    }

    /// Forgets one.
    pub(crate) fn drop(&self, key: K) {
        self.drops.fetch_add(1, Ordering::AcqRel);
        self.entries.entry(key).and_compute_with(|_| Op::Remove);
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.clears.fetch_add(1, Ordering::AcqRel);
        self.entries.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_mins(1);
    const ADA: u8 = 1;

    fn cache() -> Remembered<u8, &'static str> {
        Remembered::new(100)
    }

    #[test]
    fn what_was_loaded_is_found_until_its_time_is_up() {
        let cache = cache();
        cache.insert(cache.ticket(), ADA, "ada", Duration::from_secs(5));
        let get = |seconds, ttl| cache.get(&ADA, Duration::from_secs(seconds), ttl);
        assert_eq!(get(64, TTL), Some("ada"));
        assert_eq!(get(65, TTL), None);
        assert_eq!(get(5, Duration::ZERO), None);
    }

    #[test]
    fn what_was_dropped_is_not_put_back_by_a_load_that_began_before() {
        let cache = cache();
        let ticket = cache.ticket();
        cache.drop(ADA);
        cache.insert(ticket, ADA, "ada", Duration::ZERO);
        assert_eq!(cache.get(&ADA, Duration::ZERO, TTL), None);
        cache.insert(cache.ticket(), ADA, "ada", Duration::ZERO);
        assert_eq!(cache.get(&ADA, Duration::ZERO, TTL), Some("ada"));
    }

    #[test]
    fn after_a_clear_nothing_is_found_not_even_what_is_still_being_loaded() {
        let cache = cache();
        let ticket = cache.ticket();
        cache.insert(ticket, ADA, "ada", Duration::ZERO);
        cache.clear();
        assert_eq!(cache.get(&ADA, Duration::ZERO, TTL), None);
        cache.insert(ticket, ADA, "ada", Duration::ZERO);
        assert_eq!(cache.get(&ADA, Duration::ZERO, TTL), None);
    }
}
