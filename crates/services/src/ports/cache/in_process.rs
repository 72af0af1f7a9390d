//! The cache of one node.

use super::{Cache, MOST_VALUE_BYTES};
use crate::clock::Clock;
use crate::ports::expiring::ExpiringMap;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// What an entry costs beside its bytes.
const OVERHEAD: usize = 200;

/// Keeps the bytes in the memory of this process, up to a limit; then those go that were not used for longest.
#[derive(Debug)]
pub struct InProcessCache {
    values: ExpiringMap<String, Bytes>,
}

impl InProcessCache {
    /// A cache that takes about `most_bytes` of memory at most.
    pub fn new(clock: Arc<dyn Clock>, most_bytes: u64) -> Self {
        let weigh = |key: &String, value: &Bytes| {
            u32::try_from(key.len() + value.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self {
            values: ExpiringMap::new(clock, most_bytes, weigh),
        }
    }
}

#[async_trait]
impl Cache for InProcessCache {
    async fn get(&self, key: &str) -> Option<Bytes> {
        self.values.get(&key.to_owned())
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        if value.len() > MOST_VALUE_BYTES {
            self.values.remove(&key.to_owned());
        } else {
            self.values.put(key.to_owned(), value, ttl);
        }
    }

    async fn remove(&self, key: &str) {
        self.values.remove(&key.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{FakeClock, SystemClock};
    use chrono::DateTime;
    use std::future::{Ready, ready};

    fn open() -> Ready<((), Arc<dyn Cache>)> {
        let clock = Arc::new(SystemClock::start());
        ready(((), Arc::new(InProcessCache::new(clock, 8 * 1024 * 1024))))
    }

    crate::cache_contract!(open);

    #[tokio::test]
    async fn a_value_dies_by_the_clock() {
        let clock = Arc::new(FakeClock::at(DateTime::UNIX_EPOCH));
        let cache = InProcessCache::new(Arc::<FakeClock>::clone(&clock), 10_000);
        let value = Bytes::from_static(b"value");
        cache.put("key", value, Duration::from_mins(1)).await;
        clock.age(Duration::from_secs(55));
        assert!(cache.get("key").await.is_some());
        clock.age(Duration::from_secs(5));
        assert_eq!(cache.get("key").await, None);
    }

    #[tokio::test]
    async fn memory_is_bounded_and_the_newest_stay() {
        let cache = InProcessCache::new(Arc::new(SystemClock::start()), 100_000);
        for i in 0..1000 {
            let value = Bytes::from(vec![0; 1000]);
            cache
                .put(&i.to_string(), value, Duration::from_mins(1))
                .await;
            cache.values.len();
        }
        assert!(cache.values.len() <= 100);
        assert!(cache.get("999").await.is_some());
    }
}
