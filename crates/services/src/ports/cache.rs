//! Bytes that are faster to fetch than to make.

mod in_process;

use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

pub use in_process::InProcessCache;

/// Larger values are not kept.
pub const MOST_VALUE_BYTES: usize = 1024 * 1024;

/// Keeps bytes under a key for a while.
///
/// It may forget anything at any time, and does so while what it runs on is away. What it has is what was put last, as
/// far as this node can tell: a removal that did not get through is made up for before the cache answers again. A value
/// that another node has put at the moment of a removal may survive it, so the key of what must not be stale names the
/// version of the data.
#[async_trait]
pub trait Cache: Send + Sync + fmt::Debug {
    /// The value, while its time lasts. None when it is not there or not within reach.
    async fn get(&self, key: &str) -> Option<Bytes>;

    /// Keeps the value for `ttl` in place of the one before. A value over [`MOST_VALUE_BYTES`], or one without any time,
    /// is not kept; the one before is gone nevertheless.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration);

    /// Forgets the value.
    async fn remove(&self, key: &str);
}
