//! What has ended before its time: sessions, and refresh tokens that are used up.

mod in_process;

use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

pub use in_process::InProcessDenylist;

/// Something that is refused, by its keyed digest: whoever reads the list can make nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denied {
    /// A session that has ended.
    Session([u8; 32]),
    /// A refresh token that is used up.
    RefreshToken([u8; 32]),
}

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session(_) => "Session(…)",
            Self::RefreshToken(_) => "RefreshToken(…)",
        })
    }
}

/// Remembers what is refused, for the time it would have had left.
///
/// A hint that saves a look at the database, and no more: it may forget, and it may not have heard yet.
#[async_trait]
pub trait Denylist: Send + Sync + fmt::Debug {
    /// Refuses each for its time, which replaces the one it had. One without time is left out.
    async fn deny(&self, denied: &[(Denied, Duration)]);

    /// `Some(true)` is certain: it was denied, and its time lasts. `Some(false)` says that nobody has told the list;
    /// after an eviction, or when Redis was flushed, that is no proof. None: the list is not within reach.
    async fn is_denied(&self, denied: &Denied) -> Option<bool>;
}
