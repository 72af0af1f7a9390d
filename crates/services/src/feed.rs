//! The change feed: how this node learns what it must forget.
//!
//! What is kept in memory is dropped through here and through nothing else. A commit of this node is heard at once, as
//! a listener of the store; those of other nodes are read from the feed's table, by a short poll that a hint can hurry, or
//! heard sooner where nodes share something (`Ear`).
//! A node that has not been able to read the feed for [`MAX_AGE`] does not trust its memory any more.

use crate::api_keys::ApiKeyMemory;
use crate::clock::Clock;
use crate::error::Internal;
use crate::ports::{ChangeListener, News};
use crate::principals::Principal;
use crate::remembered::Remembered;
use crate::revocations::RevokedSessions;
use crate::settings::RuntimeSettings;
use crate::shared::Unsettled;
use crate::signing_keys::SigningKeys;
use crate::tasks::TaskAlarm;
use crate::tokens::LEEWAY;
use crate::user_list::UserListCache;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::{Change, UserId};
use doorward_storage::{CommitListener, FeedPosition, Store, StoreError};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// How often the feed is read when nobody hurries.
pub const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// However many hurry it, it is not read more often.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);
/// After so long without the feed, requests that rely on memory are refused.
pub const MAX_AGE: Duration = Duration::from_secs(10);
/// After so long without the feed, rows that were missed may have been swept: everything is loaded anew.
const RELOAD_AFTER: Duration = Duration::from_mins(10);
/// How long rows stay in the feed at least.
pub(crate) const RETENTION: Duration = Duration::from_hours(1);
/// For how long a session counts as ended of which was only heard, and nothing read. Memory is not trusted for so long
/// without the feed.
const HEARD_FOR: TimeDelta = TimeDelta::minutes(1);
/// About 400 bytes each.
const MOST_PRINCIPALS: u64 = 20_000;

/// What is kept in memory and follows the feed.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) principals: Remembered<UserId, Arc<Principal>>,
    pub(crate) api_keys: ApiKeyMemory,
    pub(crate) revoked: RevokedSessions,
    pub(crate) user_lists: UserListCache,
    /// What is not to be looked for in the cache that nodes share; none where there is no such cache.
    pub(crate) unsettled: Option<Arc<Unsettled>>,
    pub(crate) alarm: Arc<TaskAlarm>,
    /// The key pairs are to be read anew at the next look.
    are_keys_stale: AtomicBool,
    /// And so are the settings.
    are_settings_stale: AtomicBool,
}

impl Memory {
    pub(crate) fn new(unsettled: Option<Arc<Unsettled>>) -> Self {
        Self {
            principals: Remembered::new(MOST_PRINCIPALS),
            api_keys: ApiKeyMemory::new(),
            revoked: RevokedSessions::default(),
            user_lists: UserListCache::new(),
            unsettled,
            alarm: Arc::default(),
            are_keys_stale: AtomicBool::new(false),
            are_settings_stale: AtomicBool::new(false),
        }
    }

    fn apply(&self, change: Change) {
        if let Some(unsettled) = &self.unsettled {
            unsettled.note(change);
        }
        match change {
            Change::SessionEnded { session, until } => self.revoked.insert(session, until),
            Change::UserChanged(user) => {
                self.principals.drop(user);
                self.user_lists.drop_full();
            }
            Change::UserListChanged => {
                self.user_lists.drop_public();
                self.user_lists.drop_full();
            }
            Change::SigningKeysChanged => self.are_keys_stale.store(true, Ordering::Release),
            Change::ApiKeyChanged(key) => self.api_keys.drop(key),
            Change::SettingsChanged => self.forget_settings(),
            Change::TaskDue(at) => self.alarm.ring(at),
        }
    }

    fn clear(&self) {
        if let Some(unsettled) = &self.unsettled {
            unsettled.everything();
        }
        self.principals.clear();
        self.api_keys.clear();
        self.user_lists.drop_full();
        self.user_lists.drop_public();
        self.forget_settings();
    }

    /// For how long the secret key is accepted beside a key pair is a matter of them, too.
    fn forget_settings(&self) {
        self.are_settings_stale.store(true, Ordering::Release);
        self.are_keys_stale.store(true, Ordering::Release);
        self.alarm.ring(DateTime::UNIX_EPOCH);
    }
}

impl CommitListener for Memory {
    fn committed(&self, changes: &[Change]) {
        for change in changes {
            self.apply(*change);
        }
    }
}

/// Hears what other nodes announce: it is in force at once, and the feed, which has the last word, is read soon.
#[derive(Debug)]
pub(crate) struct Ear {
    pub(crate) memory: Arc<Memory>,
    /// Weak, since the store holds who announces, and that one holds this.
    pub(crate) feed: Weak<ChangeFeed>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ChangeListener for Ear {
    fn heard(&self, news: &News) {
        if let News::Changes(changes) = news {
            let latest = self.clock.now() + HEARD_FOR;
            for change in changes {
                self.memory.apply(bounded(*change, latest));
            }
        }
        if let Some(feed) = self.feed.upgrade() {
            feed.hurry();
        }
    }
}

/// What was only heard is not remembered for long: the feed, which is read within a second, says for how long it counts.
fn bounded(change: Change, latest: DateTime<Utc>) -> Change {
    match change {
        Change::SessionEnded { session, until } => Change::SessionEnded {
            session,
            until: until.min(latest),
        },
        Change::UserChanged(_)
        | Change::UserListChanged
        | Change::SigningKeysChanged
        | Change::ApiKeyChanged(_)
        | Change::SettingsChanged
        | Change::TaskDue(_) => change,
    }
}

/// Reads the feed for this node.
#[derive(Debug)]
pub struct ChangeFeed {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    memory: Arc<Memory>,
    signing_keys: Arc<SigningKeys>,
    settings: Arc<RuntimeSettings>,
    position: Mutex<Option<FeedPosition>>,
    /// Milliseconds of uptime; 0 is never.
    read_at: AtomicU64,
    hint: Notify,
}

impl ChangeFeed {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        memory: Arc<Memory>,
        signing_keys: Arc<SigningKeys>,
        settings: Arc<RuntimeSettings>,
    ) -> Self {
        let listener: Arc<dyn CommitListener> = Arc::<Memory>::clone(&memory);
        store.subscribe(listener);
        Self {
            store,
            clock,
            memory,
            signing_keys,
            settings,
            position: Mutex::new(None),
            read_at: AtomicU64::new(0),
            hint: Notify::new(),
        }
    }

    /// Learns what other nodes have changed since the last call; at the first one, and after a long silence, everything
    /// that still matters.
    ///
    /// # Errors
    /// The store's, when the feed cannot be read.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let began = self.clock.uptime();
        let known = self
            .position()
            .clone()
            .filter(|_| self.age() < RELOAD_AFTER);
        let next = match known {
            Some(position) => self.read_on(position).await?,
            None => None,
        };
        let next = match next {
            Some(next) => next,
            None => self.load().await?,
        };
        *self.position() = Some(next);
        self.refresh_settings().await?;
        self.refresh_keys().await?;
        self.memory.revoked.sweep(self.clock.now());
        let began = u64::try_from(began.as_millis()).unwrap_or(u64::MAX);
        self.read_at.store(began.max(1), Ordering::Release);
        Ok(())
    }

    /// Follows the feed for ever.
    pub async fn follow(&self) {
        let mut is_cut_off = false;
        loop {
            tokio::time::sleep(LEAST_INTERVAL).await;
            let rest = POLL_INTERVAL.saturating_sub(LEAST_INTERVAL);
            let _ = tokio::time::timeout(rest, self.hint.notified()).await;
            match self.catch_up().await {
                Ok(()) if is_cut_off => {
                    is_cut_off = false;
                    tracing::info!("the change feed is read again");
                }
                Err(error) if !is_cut_off => {
                    is_cut_off = true;
                    tracing::warn!(%error, "the change feed cannot be read");
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Says that there is something to read.
    pub fn hurry(&self) {
        self.hint.notify_one();
    }

    /// How long ago the feed was last read; for ever, before the first time.
    pub fn age(&self) -> Duration {
        match self.read_at.load(Ordering::Acquire) {
            0 => Duration::MAX,
            at => self
                .clock
                .uptime()
                .saturating_sub(Duration::from_millis(at)),
        }
    }

    /// # Errors
    /// [`Internal::Stale`] when memory cannot be trusted.
    pub(crate) fn check_fresh(&self) -> Result<(), Internal> {
        let age = self.age();
        if age < MAX_AGE {
            Ok(())
        } else {
            Err(Internal::Stale(age))
        }
    }

    async fn load(&self) -> Result<FeedPosition, StoreError> {
        // A token is accepted this much longer than it says.
        let alive = self.clock.now() - LEEWAY;
        let (end, ended) = self
            .store
            .read(move |tx| Ok::<_, StoreError>((tx.feed_end()?, tx.ended_sessions(alive)?)))
            .await?;
        if let Some(cutoff) = end.cutoff {
            self.memory.revoked.cut_off(cutoff);
        }
        for (session, until) in ended {
            self.memory.revoked.insert(session, until);
        }
        self.memory.clear();
        Ok(end)
    }

    /// None when the database was restored meanwhile: nothing that is remembered need be true of it.
    async fn read_on(&self, position: FeedPosition) -> Result<Option<FeedPosition>, StoreError> {
        let page = self
            .store
            .read(move |tx| tx.changes_after(&position))
            .await?;
        if page.is_lost {
            tracing::warn!("the database was restored: everything is loaded anew");
            return Ok(None);
        }
        self.memory.committed(&page.changes);
        Ok(Some(page.next))
    }

    async fn refresh_settings(&self) -> Result<(), StoreError> {
        let stale = &self.memory.are_settings_stale;
        if !stale.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let reloaded = self.settings.reload().await;
        stale.fetch_or(reloaded.is_err(), Ordering::AcqRel);
        reloaded
    }

    async fn refresh_keys(&self) -> Result<(), StoreError> {
        let stale = &self.memory.are_keys_stale;
        if !stale.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let reloaded = self.signing_keys.reload().await;
        stale.fetch_or(reloaded.is_err(), Ordering::AcqRel);
        reloaded
    }

    fn position(&self) -> std::sync::MutexGuard<'_, Option<FeedPosition>> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
