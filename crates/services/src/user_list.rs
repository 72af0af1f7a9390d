//! The list of users, kept as the bytes of the answer with its `ETag`.

use bytes::Bytes;
use doorward_domain::UserId;
use doorward_storage::UserQuery;
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The most memory that pages take, in bytes.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// How much of a user a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    /// What anybody may see.
    Public,
    /// Everything, for admins.
    Full,
}

/// One page, as somebody renders it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListKey {
    /// How much it shows.
    pub view: View,
    /// The renderer's name; different renderers keep different bytes.
    pub shape: &'static str,
    /// Which users.
    pub query: UserQuery,
}

/// A page of the list, ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct ListPage {
    /// The body.
    pub body: Bytes,
    /// A strong entity tag of the body, with its quotes.
    pub etag: String,
    /// Behind which user the next page begins; none on the last page.
    pub next: Option<UserId>,
}

#[derive(Debug, Clone)]
struct Entry {
    page: Arc<ListPage>,
    loaded_at: Duration,
    version: u64,
}

/// The pages that were asked for lately. Dropping counts a version up: a page that began to be loaded before is never
/// found again.
#[derive(Debug)]
pub(crate) struct UserListCache {
    pages: Cache<ListKey, Entry>,
    public: AtomicU64,
    full: AtomicU64,
}

impl UserListCache {
    pub(crate) fn new() -> Self {
        let weigh = |key: &ListKey, entry: &Entry| {
            let prefix = key.query.prefix.as_ref().map_or(0, String::len);
            u32::try_from(entry.page.body.len() + prefix + 256).unwrap_or(u32::MAX)
        };
        Self {
            pages: Cache::builder()
                .max_capacity(MOST_BYTES)
                .weigher(weigh)
                .build(),
            public: AtomicU64::new(0),
            full: AtomicU64::new(0),
        }
    }

    /// To be asked before a page is loaded, and given to [`insert`](Self::insert).
    pub(crate) fn version(&self, view: View) -> u64 {
        match view {
            View::Public => self.public.load(Ordering::Acquire),
            View::Full => self.full.load(Ordering::Acquire),
        }
    }

    pub(crate) fn get(
        &self,
        key: &ListKey,
        uptime: Duration,
        ttl: Duration,
    ) -> Option<Arc<ListPage>> {
        let entry = self.pages.get(key)?;
        let is_good =
            entry.version == self.version(key.view) && uptime.saturating_sub(entry.loaded_at) < ttl;
        is_good.then_some(entry.page)
    }

    pub(crate) fn insert(
        &self,
        key: ListKey,
        version: u64,
        page: Arc<ListPage>,
        loaded_at: Duration,
    ) {
        self.pages.insert(
            key,
            Entry {
                page,
                loaded_at,
                version,
            },
        );
    }

    pub(crate) fn drop_public(&self) {
        self.public.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn drop_full(&self) {
        self.full.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_mins(15);

    fn key(view: View) -> ListKey {
        ListKey {
            view,
            shape: "test",
            query: UserQuery::default(),
        }
    }

    fn page() -> Arc<ListPage> {
        Arc::new(ListPage {
            body: Bytes::from_static(b"[]"),
            etag: "\"x\"".to_owned(),
            next: None,
        })
    }

    #[test]
    fn a_page_is_found_until_its_view_changes_or_its_time_is_up() {
        let cache = UserListCache::new();
        for view in [View::Public, View::Full] {
            cache.insert(key(view), cache.version(view), page(), Duration::ZERO);
        }
        assert!(cache.get(&key(View::Public), Duration::ZERO, TTL).is_some());
        assert!(cache.get(&key(View::Public), TTL, TTL).is_none());
        cache.drop_full();
        assert!(cache.get(&key(View::Full), Duration::ZERO, TTL).is_none());
        assert!(cache.get(&key(View::Public), Duration::ZERO, TTL).is_some());
        cache.drop_public();
        assert!(cache.get(&key(View::Public), Duration::ZERO, TTL).is_none());
    }

    #[test]
    fn a_page_whose_load_began_before_a_change_is_never_shown() {
        let cache = UserListCache::new();
        let version = cache.version(View::Public);
        cache.drop_public();
        cache.insert(key(View::Public), version, page(), Duration::ZERO);
        assert!(cache.get(&key(View::Public), Duration::ZERO, TTL).is_none());
    }
}
