//! The change feed.

use super::builders::{a_session, a_user, instant};
use super::{read, write};
use crate::changes::{FeedPage, FeedPosition};
use crate::error::StoreError;
use crate::store::Store;
use doorward_domain::{ApiKeyId, Change, SessionCutoff, SessionId, UserId};
use std::collections::HashSet;
use std::sync::Arc;

async fn end(store: &dyn Store) -> FeedPosition {
    read(store, |tx| tx.feed_end()).await
}

async fn after(store: &dyn Store, position: &FeedPosition) -> FeedPage {
    let position = position.clone();
    read(store, move |tx| tx.changes_after(&position)).await
}

async fn record(store: &dyn Store, change: Change, seconds: i64) {
    write(store, move |tx| tx.record_change(change, instant(seconds))).await;
}

fn a_change() -> Change {
    Change::UserChanged(UserId::new(instant(0)))
}

fn an_end(until: i64) -> (SessionId, Change) {
    let session = SessionId::new(instant(0));
    let until = instant(until);
    (session, Change::SessionEnded { session, until })
}

/// Every kind of change, in the order of the commits, once.
pub async fn what_follows_a_position_is_found_once(store: Arc<dyn Store>) {
    record(&*store, a_change(), 0).await;
    let position = end(&*store).await;
    assert_eq!(after(&*store, &position).await.changes, []);
    let changes = [
        a_change(),
        Change::UserListChanged,
        an_end(300).1,
        Change::SigningKeysChanged,
        Change::ApiKeyChanged(ApiKeyId::new(instant(0))),
        Change::SettingsChanged,
        Change::TaskDue(instant(7)),
    ];
    for change in changes {
        record(&*store, change, 1).await;
    }
    let page = after(&*store, &position).await;
    assert_eq!(page.changes, changes);
    let next = after(&*store, &page.next).await;
    assert_eq!(next.changes, []);
    let last = a_change();
    record(&*store, last, 2).await;
    assert_eq!(after(&*store, &next.next).await.changes, [last]);
}

/// The default position is before everything.
pub async fn the_beginning_gives_everything(store: Arc<dyn Store>) {
    assert_eq!(after(&*store, &FeedPosition::default()).await.changes, []);
    let changes = [a_change(), a_change()];
    for change in changes {
        record(&*store, change, 0).await;
    }
    let page = after(&*store, &FeedPosition::default()).await;
    assert_eq!(page.changes, changes);
}

/// The position of a unit of work is not behind what it writes itself later on.
pub async fn what_a_unit_records_after_it_took_a_position_is_found(store: Arc<dyn Store>) {
    let (early, late) = (a_change(), a_change());
    let (position, page) = write(&*store, move |tx| {
        tx.record_change(early, instant(0))?;
        let position = tx.feed_end()?;
        let page = tx.changes_after(&FeedPosition::default())?;
        tx.record_change(late, instant(0))?;
        Ok((position, page))
    })
    .await;
    assert_eq!(page.changes, [early]);
    for position in [position, page.next] {
        assert!(after(&*store, &position).await.changes.contains(&late));
    }
}

/// Nobody learns of what did not happen.
pub async fn what_was_rolled_back_is_never_found(store: Arc<dyn Store>) {
    let position = end(&*store).await;
    let undone: Result<(), StoreError> = store
        .write(|tx| {
            tx.record_change(a_change(), instant(0))?;
            tx.feed_end()?;
            Err(StoreError::Backend("on purpose".into()))
        })
        .await;
    assert!(undone.is_err());
    assert_eq!(after(&*store, &position).await.changes, []);
}

/// A reader that follows while many write misses none of them.
pub async fn parallel_changes_are_all_found(store: Arc<dyn Store>) {
    let changes: Vec<_> = (0..200).map(|_| a_change()).collect();
    let mut position = end(&*store).await;
    let writes: Vec<_> = changes
        .iter()
        .map(|&change| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { record(&*store, change, 0).await })
        })
        .collect();
    let mut found = HashSet::new();
    for write in writes {
        let page = after(&*store, &position).await;
        found.extend(page.changes);
        position = page.next;
        write.await.expect("the change is recorded");
    }
    found.extend(after(&*store, &position).await.changes);
    assert_eq!(found, changes.into_iter().collect());
}

/// What a node loads before it is ready.
pub async fn ended_sessions_matter_while_their_access_tokens_live(store: Arc<dyn Store>) {
    let ended = |now| read(&*store, move |tx| tx.ended_sessions(instant(now)));
    assert_eq!(ended(0).await, []);
    let (session, change) = an_end(300);
    let due = Change::TaskDue(instant(99_999));
    for change in [a_change(), change, due, an_end(100).1] {
        record(&*store, change, 0).await;
    }
    assert_eq!(ended(100).await, [(session, instant(300))]);
    assert_eq!(ended(300).await, []);

    let ada = a_user("ada");
    let live = a_session(&ada);
    let id = live.id;
    write(&*store, move |tx| {
        tx.insert_user(&ada)?;
        tx.insert_session(&live)?;
        tx.end_sessions_of(
            ada.id,
            None,
            doorward_domain::EndReason::Deactivated,
            instant(1),
        )?;
        tx.delete_user(ada.id, instant(1))
    })
    .await;
    assert!(ended(200).await.contains(&(id, instant(300))));
}

/// Only what is old and matters to nobody, and no more at a time than is asked for.
pub async fn old_changes_are_swept_in_small_batches(store: Arc<dyn Store>) {
    let (_, alive) = an_end(300);
    let fresh = a_change();
    let due = Change::TaskDue(instant(99_999));
    for change in [a_change(), alive, due, an_end(150).1] {
        record(&*store, change, 0).await;
    }
    record(&*store, fresh, 100).await;
    let sweep = |limit| {
        write(&*store, move |tx| {
            tx.sweep_changes(instant(100), instant(200), limit)
        })
    };
    assert_eq!(sweep(2).await, 2);
    assert_eq!(sweep(2).await, 1);
    assert_eq!(sweep(2).await, 0);
    let left = after(&*store, &FeedPosition::default()).await.changes;
    assert_eq!(left, [alive, fresh]);
}

/// Also when nothing is left, no number comes again.
pub async fn a_position_outlives_a_sweep(store: Arc<dyn Store>) {
    for _ in 0..3 {
        record(&*store, a_change(), 0).await;
    }
    let before = end(&*store).await;
    write(&*store, |tx| tx.sweep_changes(instant(1), instant(1), 100)).await;
    let emptied = after(&*store, &before).await;
    assert_eq!(emptied.changes, []);
    let change = a_change();
    record(&*store, change, 2).await;
    for position in [before, emptied.next] {
        assert_eq!(after(&*store, &position).await.changes, [change]);
    }
}

/// Whoever reads on from before a restore learns that he has to load everything, and from then on reads as ever.
pub async fn a_cutoff_empties_the_feed_and_older_positions_are_lost(store: Arc<dyn Store>) {
    record(&*store, an_end(300).1, 0).await;
    let mut before = end(&*store).await;
    for seconds in [1, 2] {
        record(&*store, a_change(), 1).await;
        let cutoff = SessionCutoff::from(instant(seconds));
        write(&*store, move |tx| tx.set_session_cutoff(cutoff)).await;
        let change = a_change();
        record(&*store, change, 2).await;
        let lost = after(&*store, &before).await;
        assert!(lost.is_lost && lost.changes.is_empty());
        assert_eq!(after(&*store, &lost.next).await.changes, []);
        let ended = read(&*store, |tx| tx.ended_sessions(instant(0))).await;
        assert_eq!(ended, []);

        let beginning = FeedPosition {
            cutoff: Some(cutoff),
            ..FeedPosition::default()
        };
        let page = after(&*store, &beginning).await;
        assert_eq!((page.changes, page.is_lost), (vec![change], false));
        before = page.next;
    }
    let undone: Result<(), StoreError> = store
        .write(|tx| {
            tx.set_session_cutoff(instant(3).into())?;
            Err(StoreError::Backend("on purpose".into()))
        })
        .await;
    assert!(undone.is_err());
    assert!(!after(&*store, &before).await.is_lost);
}

/// As many as a database has room for.
pub async fn a_multitude_of_changes_in_one_unit_is_recorded(store: Arc<dyn Store>) {
    let many = 10_001;
    let (first, last) = (a_change(), a_change());
    write(&*store, move |tx| {
        tx.record_change(first, instant(0))?;
        for _ in 2..many {
            tx.record_change(Change::UserListChanged, instant(0))?;
        }
        tx.record_change(last, instant(0))
    })
    .await;
    let found = after(&*store, &FeedPosition::default()).await.changes;
    assert_eq!(found.len(), many);
    assert_eq!((found.first(), found.last()), (Some(&first), Some(&last)));
}
