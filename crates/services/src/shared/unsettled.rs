//! What has changed so lately that the shared cache may still hold it as it was.

use super::LIFETIME;
use crate::clock::Clock;
use crate::tokens::LEEWAY;
use crate::user_list::View;
use doorward_domain::{Change, UserId};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Times are of uptime. An entry costs about 100 bytes, for as long as [`settles_after`] says.
#[derive(Debug)]
pub(crate) struct Unsettled {
    clock: Arc<dyn Clock>,
    everything: Moment,
    public_list: Moment,
    full_list: Moment,
    users: Mutex<Users>,
}

#[derive(Debug, Default)]
struct Users {
    until: HashMap<UserId, Duration>,
    /// In the order of their times.
    queue: VecDeque<(Duration, UserId)>,
}

#[derive(Debug, Default)]
struct Moment(AtomicU64);

impl Moment {
    fn set(&self, at: Duration) {
        let millis = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(millis.saturating_add(1), Ordering::AcqRel);
    }

    fn has_come(&self, now: Duration) -> bool {
        now >= Duration::from_millis(self.0.load(Ordering::Acquire))
    }
}

/// After this time an entry whose load began before a change is believed by nobody.
fn settles_after() -> Duration {
    (LIFETIME + LEEWAY).to_std().unwrap_or_default()
}

impl Unsettled {
    /// Nothing is settled yet: what was changed before this node began, it does not know.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let this = Self {
            clock,
            everything: Moment::default(),
            public_list: Moment::default(),
            full_list: Moment::default(),
            users: Mutex::default(),
        };
        this.everything();
        this
    }

    /// To be told of every change that this node learns of, before its own memory drops what is concerned.
    pub(crate) fn note(&self, change: Change) {
        let until = self.clock.uptime() + settles_after();
        match change {
            // None of them is in the shared cache.
            Change::SessionEnded { .. }
            | Change::SigningKeysChanged
            | Change::ApiKeyChanged(_)
            | Change::SettingsChanged
            | Change::TaskDue(_) => {}
            Change::UserChanged(user) => {
                self.full_list.set(until);
                self.users().note(user, until, self.clock.uptime());
            }
            Change::UserListChanged => {
                self.public_list.set(until);
                self.full_list.set(until);
            }
        }
    }

    /// To be told when changes may have been missed.
    pub(crate) fn everything(&self) {
        self.everything.set(self.clock.uptime() + settles_after());
    }

    pub(crate) fn is_user_settled(&self, user: UserId) -> bool {
        let now = self.clock.uptime();
        self.everything.has_come(now) && self.users().is_settled(user, now)
    }

    pub(crate) fn is_list_settled(&self, view: View) -> bool {
        let now = self.clock.uptime();
        let list = match view {
            View::Public => &self.public_list,
            View::Full => &self.full_list,
        };
        self.everything.has_come(now) && list.has_come(now)
    }

    fn users(&self) -> std::sync::MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Users {
    fn note(&mut self, user: UserId, until: Duration, now: Duration) {
        while let Some((_, settled)) = self.queue.pop_front_if(|(until, _)| *until <= now) {
            if self.is_settled(settled, now) {
                self.until.remove(&settled);
            }
        }
        self.until.insert(user, until);
        self.queue.push_back((until, user));
    }

    fn is_settled(&self, user: UserId, now: Duration) -> bool {
        self.until.get(&user).is_none_or(|until| *until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;
    use chrono::DateTime;

    fn settled() -> (Arc<FakeClock>, Unsettled) {
        let clock = Arc::new(FakeClock::at(DateTime::UNIX_EPOCH));
        let unsettled = Unsettled::new(Arc::<FakeClock>::clone(&clock));
        clock.age(settles_after() + Duration::from_millis(2));
        (clock, unsettled)
    }

    fn somebody() -> UserId {
        UserId::new(DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_node_that_begins_believes_nothing_for_a_while() {
        let begins = Unsettled::new(Arc::new(FakeClock::at(DateTime::UNIX_EPOCH)));
        assert!(!begins.is_user_settled(somebody()) && !begins.is_list_settled(View::Public));
        let (_, later) = settled();
        assert!(later.is_user_settled(somebody()) && later.is_list_settled(View::Public));
        later.everything();
        assert!(!later.is_user_settled(somebody()) && !later.is_list_settled(View::Full));
    }

    #[test]
    fn a_change_unsettles_what_it_concerns_and_nothing_else() {
        let (clock, unsettled) = settled();
        let (ada, eve) = (somebody(), somebody());
        unsettled.note(Change::UserChanged(ada));
        assert!(!unsettled.is_user_settled(ada) && unsettled.is_user_settled(eve));
        assert!(!unsettled.is_list_settled(View::Full) && unsettled.is_list_settled(View::Public));
        clock.age(settles_after() / 2);
        assert!(!unsettled.is_user_settled(ada));
        clock.age(settles_after() / 2 + Duration::from_millis(2));
        assert!(unsettled.is_user_settled(ada) && unsettled.is_list_settled(View::Full));
        unsettled.note(Change::UserListChanged);
        assert!(!unsettled.is_list_settled(View::Public) && !unsettled.is_list_settled(View::Full));
    }

    #[test]
    fn who_changes_again_is_unsettled_anew_and_what_is_settled_takes_no_memory() {
        let (clock, unsettled) = settled();
        let ada = somebody();
        unsettled.note(Change::UserChanged(ada));
        clock.age(settles_after() / 2);
        unsettled.note(Change::UserChanged(ada));
        clock.age(settles_after() / 2 + Duration::from_secs(1));
        unsettled.note(Change::UserChanged(somebody()));
        assert!(!unsettled.is_user_settled(ada));
        clock.age(settles_after());
        unsettled.note(Change::UserChanged(somebody()));
        assert_eq!(unsettled.users().until.len(), 1);
        assert_eq!(unsettled.users().queue.len(), 1);
    }
}
