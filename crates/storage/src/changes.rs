//! The change feed: what other nodes have to learn, in one table that is appended to in the same transaction as the
//! change.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::{Change, SessionCutoff, SessionId};
use std::collections::BTreeSet;

/// How far a node has read the feed.
///
/// The order in which rows get their numbers is not the order in which they are committed. A position is therefore what
/// the reader could not see yet: all from `floor` on, and under it what the `open` transactions wrote. However long one
/// of these stays open, nobody waits for it, and nothing else is read twice because of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedPosition {
    /// Nothing from here on has been read. What it counts is the store's own affair.
    pub floor: i64,
    /// What was under the floor and not committed.
    pub open: BTreeSet<i64>,
    /// Which restore of the database was the last one.
    pub cutoff: Option<SessionCutoff>,
}

/// What is new in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedPage {
    /// The changes that were not read before. A change may come more often than once, but never not at all.
    pub changes: Vec<Change>,
    /// Where to go on.
    pub next: FeedPosition,
    /// The position says nothing about this database: it was restored since. There are no changes in the page then, and
    /// the reader loads everything anew.
    pub is_lost: bool,
}

/// The change feed.
pub trait ChangeRepository {
    /// Appends a change. Listeners of the store hear of it once it is committed.
    fn record_change(&mut self, change: Change, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The end of the feed: all that is committed after this transaction began is found by
    /// [`changes_after`](Self::changes_after) it.
    fn feed_end(&mut self) -> Result<FeedPosition, StoreError>;

    /// All changes that were committed since `position` was taken, unless it [is lost](FeedPage::is_lost).
    fn changes_after(&mut self, position: &FeedPosition) -> Result<FeedPage, StoreError>;

    /// The ended sessions that had an access token alive at `now`, each with the expiry of its last one.
    fn ended_sessions(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(SessionId, DateTime<Utc>)>, StoreError>;

    /// Deletes up to `limit` changes that were recorded before `before` and matter to nobody at `now`. How many it were.
    fn sweep_changes(
        &mut self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<usize, StoreError>;
}
