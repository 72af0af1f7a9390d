//! What only grows.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

const SHARDS: usize = 16;

/// A cache line of its own, so that threads do not wait for each other's.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Counter);

/// A number that many threads count up at once, for what every request does.
#[derive(Debug, Default)]
pub struct ShardedCounter([Shard; SHARDS]);

impl ShardedCounter {
    /// One more.
    pub fn count(&self) {
        if let Some(shard) = self.0.get(shard()) {
            shard.0.count();
        }
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|shard| shard.0.total()).sum()
    }
}

fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    SHARD.try_with(|shard| *shard).unwrap_or_default()
}

/// How often something was in memory, and how often it was not.
#[derive(Debug, Default)]
pub struct HitsAndMisses {
    hits: ShardedCounter,
    misses: Counter,
}

/// What [`HitsAndMisses`] have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheFigures {
    /// How often something was there.
    pub hits: u64,
    /// How often it was not.
    pub misses: u64,
}

impl HitsAndMisses {
    /// It was there.
    pub fn hit(&self) {
        self.hits.count();
    }

    /// It was not.
    pub fn miss(&self) {
        self.misses.count();
    }

    /// What it has come to.
    pub fn figures(&self) -> CacheFigures {
        CacheFigures {
            hits: self.hits.total(),
            misses: self.misses.total(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_that_many_threads_count_at_once() {
        let cache = HitsAndMisses::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    (0..1000).for_each(|_| cache.hit());
                    cache.miss();
                });
            }
        });
        let expected = CacheFigures {
            hits: 20_000,
            misses: 20,
        };
        assert_eq!(cache.figures(), expected);
    }
}
