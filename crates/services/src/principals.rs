//! Who makes a request, kept in memory: the hot path asks no database.

use chrono::{DateTime, Utc};
use doorward_domain::{EmailAddress, Role, User, UserId, Username};
use moka::ops::compute::Op;
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A user without his password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Names the account for ever.
    pub id: UserId,
    /// What others see.
    pub username: Username,
    /// None for an imported account that had none.
    pub email: Option<EmailAddress>,
    /// What the person may do.
    pub role: Role,
    /// A deactivated account has no valid token.
    pub is_active: bool,
    /// When the account was made.
    pub date_joined: DateTime<Utc>,
    /// When a password was last accepted.
    pub last_login: Option<DateTime<Utc>>,
}

impl From<User> for Principal {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
            role: user.role,
            is_active: user.is_active,
            date_joined: user.date_joined,
            last_login: user.last_login,
        }
    }
}

/// About 400 bytes each.
const MOST_ENTRIES: u64 = 20_000;

#[derive(Clone)]
struct Entry {
    principal: Arc<Principal>,
    loaded_at: Duration,
    cleared: u64,
}

/// The principals that were asked for lately.
///
/// Whoever loads one takes a [`Ticket`] before it asks the database; what was dropped since then cannot be put back by
/// a load that began earlier and saw the state before the change.
pub(crate) struct PrincipalCache {
    entries: Cache<UserId, Entry>,
    drops: AtomicU64,
    clears: AtomicU64,
}

impl std::fmt::Debug for PrincipalCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrincipalCache")
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

impl PrincipalCache {
    pub(crate) fn new() -> Self {
        Self {
            entries: Cache::new(MOST_ENTRIES),
            drops: AtomicU64::new(0),
            clears: AtomicU64::new(0),
        }
    }

    /// The principal, if it was loaded within `ttl` before `uptime`.
    pub(crate) fn get(
        &self,
        id: UserId,
        uptime: Duration,
        ttl: Duration,
    ) -> Option<Arc<Principal>> {
        let entry = self.entries.get(&id)?;
        let is_good = uptime.saturating_sub(entry.loaded_at) < ttl
            && entry.cleared == self.clears.load(Ordering::Acquire);
        is_good.then_some(entry.principal)
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            drops: self.drops.load(Ordering::Acquire),
            cleared: self.clears.load(Ordering::Acquire),
        }
    }

    /// Keeps what was loaded, unless something was dropped since the ticket was taken.
    pub(crate) fn insert(&self, ticket: Ticket, principal: Arc<Principal>, uptime: Duration) {
        let id = principal.id;
        let entry = Entry {
            principal,
            loaded_at: uptime,
            cleared: ticket.cleared,
        };
        // Under the entry's own lock: a drop counts first and removes then, so it either is seen here or waits.
        self.entries.entry(id).and_compute_with(|_| {
            if self.drops.load(Ordering::Acquire) == ticket.drops {
                Op::Put(entry)
            } else {
                Op::Nop
            }
        });
    }

    /// Forgets one.
    pub(crate) fn drop(&self, id: UserId) {
        self.drops.fetch_add(1, Ordering::AcqRel);
        self.entries.entry(id).and_compute_with(|_| Op::Remove);
    }

    /// Forgets all.
    pub(crate) fn clear(&self) {
        self.clears.fetch_add(1, Ordering::AcqRel);
        self.entries.invalidate_all();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const TTL: Duration = Duration::from_mins(1);

    pub(crate) fn ada() -> Principal {
        Principal {
            id: UserId::new(DateTime::UNIX_EPOCH),
            username: Username::parse("ada").unwrap(),
            email: None,
            role: Role::User,
            is_active: true,
            date_joined: DateTime::UNIX_EPOCH,
            last_login: None,
        }
    }

    #[test]
    fn what_was_loaded_is_found_until_its_time_is_up() {
        let (cache, ada) = (PrincipalCache::new(), Arc::new(ada()));
        cache.insert(cache.ticket(), Arc::clone(&ada), Duration::from_secs(5));
        assert_eq!(
            cache.get(ada.id, Duration::from_secs(64), TTL),
            Some(Arc::clone(&ada))
        );
        assert_eq!(cache.get(ada.id, Duration::from_secs(65), TTL), None);
        assert_eq!(
            cache.get(ada.id, Duration::from_secs(5), Duration::ZERO),
            None
        );
    }

    #[test]
    fn what_was_dropped_is_not_put_back_by_a_load_that_began_before() {
        let (cache, ada) = (PrincipalCache::new(), Arc::new(ada()));
        let ticket = cache.ticket();
        cache.drop(ada.id);
        cache.insert(ticket, Arc::clone(&ada), Duration::ZERO);
        assert_eq!(cache.get(ada.id, Duration::ZERO, TTL), None);
        cache.insert(cache.ticket(), Arc::clone(&ada), Duration::ZERO);
        assert!(cache.get(ada.id, Duration::ZERO, TTL).is_some());
    }

    #[test]
    fn after_a_clear_nothing_is_found_not_even_what_is_still_being_loaded() {
        let (cache, ada) = (PrincipalCache::new(), Arc::new(ada()));
        let ticket = cache.ticket();
        cache.insert(ticket, Arc::clone(&ada), Duration::ZERO);
        cache.clear();
        assert_eq!(cache.get(ada.id, Duration::ZERO, TTL), None);
        cache.insert(ticket, Arc::clone(&ada), Duration::ZERO);
        assert_eq!(cache.get(ada.id, Duration::ZERO, TTL), None);
    }
}
