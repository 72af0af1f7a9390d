//! The change bus.

use super::until;
use crate::ports::{ChangeBus, ChangeListener, News};
use chrono::DateTime;
use doorward_domain::{ApiKeyId, Change, SessionId, UserId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Remembers what it hears.
#[derive(Debug, Default)]
pub struct Ear(Mutex<Vec<News>>);

impl Ear {
    /// One that listens.
    pub fn on(bus: &dyn ChangeBus) -> Arc<Self> {
        let ear = Arc::new(Self::default());
        bus.subscribe(Arc::<Self>::clone(&ear));
        ear
    }

    /// The changes that it has heard of.
    pub fn changes(&self) -> Vec<Change> {
        let of = |news: &News| match news {
            News::Changes(changes) => changes.clone(),
            News::LookNow => Vec::new(),
        };
        self.news().iter().flat_map(of).collect()
    }

    /// How often it was told to look.
    pub fn hints(&self) -> usize {
        let is_hint = |news: &&News| **news == News::LookNow;
        self.news().iter().filter(is_hint).count()
    }

    /// Waits until it has heard of exactly these changes, in this order.
    pub async fn hears(&self, expected: &[Change]) {
        until("all changes are heard", async || {
            self.changes().len() >= expected.len()
        })
        .await;
        assert_eq!(self.changes(), expected);
    }

    fn news(&self) -> MutexGuard<'_, Vec<News>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChangeListener for Ear {
    fn heard(&self, news: &News) {
        self.news().push(news.clone());
    }
}

#[derive(Debug)]
struct Panics;

impl ChangeListener for Panics {
    fn heard(&self, _: &News) {
        panic!("on purpose");
    }
}

fn a_change() -> Change {
    Change::UserChanged(UserId::new(DateTime::UNIX_EPOCH))
}

/// One of each kind, from 1970, from today and from the end of time.
pub fn each_kind_of_change() -> Vec<Change> {
    let ended = |microseconds| Change::SessionEnded {
        session: SessionId::new(DateTime::UNIX_EPOCH),
        until: DateTime::from_timestamp_micros(microseconds).expect("a time"),
    };
    vec![
        ended(0),
        ended(1_700_000_000_123_456),
        ended(DateTime::<chrono::Utc>::MAX_UTC.timestamp_micros()),
        a_change(),
        Change::UserListChanged,
        Change::SigningKeysChanged,
        Change::ApiKeyChanged(ApiKeyId::new(DateTime::UNIX_EPOCH)),
        Change::SettingsChanged,
        Change::TaskDue(DateTime::UNIX_EPOCH),
    ]
}

/// As it was announced, in this order.
pub async fn another_node_hears_each_kind_of_change([a, b]: [Arc<dyn ChangeBus>; 2]) {
    let ear = Ear::on(&*b);
    let changes = each_kind_of_change();
    a.announce(&changes);
    ear.hears(&changes).await;
}

/// Those that came later too.
pub async fn all_listeners_of_a_node_hear([a, b]: [Arc<dyn ChangeBus>; 2]) {
    let (one, two) = (Ear::on(&*b), Ear::on(&*b));
    let changes = [a_change()];
    a.announce(&changes);
    one.hears(&changes).await;
    two.hears(&changes).await;
}

/// It knows already.
pub async fn a_node_does_not_hear_itself([a, b]: [Arc<dyn ChangeBus>; 2]) {
    let (own, other) = (Ear::on(&*a), Ear::on(&*b));
    let (ours, theirs) = ([a_change()], [a_change()]);
    a.announce(&ours);
    other.hears(&ours).await;
    b.announce(&theirs);
    own.hears(&theirs).await;
}

/// To look.
pub async fn no_changes_are_a_hint([a, b]: [Arc<dyn ChangeBus>; 2]) {
    let ear = Ear::on(&*b);
    let before = ear.hints();
    a.announce(&[]);
    until("the hint is heard", async || ear.hints() > before).await;
}

/// While all goes well. Those of one node in its order.
pub async fn many_announcements_all_arrive([a, b]: [Arc<dyn ChangeBus>; 2]) {
    let ear = Ear::on(&*b);
    let changes: Vec<Change> = (0..2000).map(|_| a_change()).collect();
    for change in &changes {
        a.announce(&[*change]);
        // The other threads shall have their turn.
        tokio::task::yield_now().await;
    }
    ear.hears(&changes).await;
}

/// Neither the other listeners nor the bus.
pub async fn a_listener_that_panics_harms_nobody([a, b]: [Arc<dyn ChangeBus>; 2]) {
    b.subscribe(Arc::new(Panics));
    let ear = Ear::on(&*b);
    let changes = [a_change(), a_change()];
    for change in changes {
        a.announce(&[change]);
    }
    ear.hears(&changes).await;
}
