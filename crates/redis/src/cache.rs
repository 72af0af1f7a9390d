//! The cache that all nodes share.

use crate::link::Link;
use async_trait::async_trait;
use bytes::Bytes;
use doorward_services::ports::Cache;
use doorward_services::ports::cache::MOST_VALUE_BYTES;
use redis::cmd;
use std::sync::Arc;
use std::time::Duration;

/// What its keys begin with.
pub(crate) const KIND: &str = "cache:";

#[derive(Debug)]
pub(crate) struct RedisCache {
    pub(crate) link: Arc<Link>,
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Option<Bytes> {
        let mut get = cmd("GET");
        get.arg(self.link.key(KIND, key.as_bytes()));
        let value: Option<Vec<u8>> = self.link.command(&get).await.ok()?;
        value.map(Bytes::from)
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        let key = self.link.key(KIND, key.as_bytes());
        if value.len() <= MOST_VALUE_BYTES && !ttl.is_zero() {
            let mut set = cmd("SET");
            set.arg(&key)
                .arg(value.as_ref())
                .arg("PX")
                .arg(milliseconds(ttl));
            if self.link.command::<()>(&set).await.is_ok() {
                return;
            }
        }
        // Whatever is there now is not what was put last.
        self.link.remove(key).await;
    }

    async fn remove(&self, key: &str) {
        self.link.remove(self.link.key(KIND, key.as_bytes())).await;
    }
}

/// A time for `PX`, which takes neither zero nor more than this.
pub(crate) fn milliseconds(ttl: Duration) -> u64 {
    const MOST: u64 = 1000 * 60 * 60 * 24 * 366 * 10;
    u64::try_from(ttl.as_micros().div_ceil(1000)).map_or(MOST, |ttl| ttl.clamp(1, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_at_least_a_millisecond_and_bounded() {
        assert_eq!(milliseconds(Duration::from_micros(1)), 1);
        assert_eq!(milliseconds(Duration::from_micros(1001)), 2);
        assert_eq!(milliseconds(Duration::from_secs(1)), 1000);
        assert!(milliseconds(Duration::MAX) < 1 << 40);
    }
}
