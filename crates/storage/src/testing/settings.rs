//! The runtime settings that somebody has changed.

use super::builders::{a_setting_change, instant};
use super::{read, write};
use crate::changes::FeedPosition;
use crate::error::StoreError;
use crate::store::Store;
use doorward_domain::settings::{SettingChange, StoredSetting};
use doorward_domain::{Change, SettingChangeId, UserId};
use std::sync::Arc;

async fn change(store: &dyn Store, change: &SettingChange) {
    let change = change.clone();
    write(store, move |tx| tx.change_setting(&change)).await;
}

async fn stored(store: &dyn Store) -> Vec<StoredSetting> {
    read(store, |tx| tx.stored_settings()).await
}

async fn listed(store: &dyn Store) -> Vec<SettingChange> {
    read(store, |tx| tx.list_setting_changes(None, 100)).await
}

/// A change so many seconds later.
fn later(seconds: i64, change: SettingChange) -> SettingChange {
    SettingChange {
        id: SettingChangeId::new(instant(seconds)),
        at: instant(seconds),
        ..change
    }
}

/// Names and values are any texts: what they mean is not for the store to say.
pub async fn a_setting_is_read_back_as_it_was_changed_last(store: Arc<dyn Store>) {
    assert_eq!(stored(&*store).await, []);
    let by = Some(UserId::new(instant(0)));
    let first = a_setting_change("B", None, Some("1"));
    let other = a_setting_change("A", None, Some("ünknown"));
    let second = SettingChange {
        by,
        version: 2,
        ..later(1, a_setting_change("B", Some("1"), Some("2")))
    };
    for it in [&first, &other, &second] {
        change(&*store, it).await;
    }
    let expected = |change: &SettingChange| StoredSetting {
        name: change.name.clone(),
        value: change.new.clone().expect("a value"),
        changed_at: change.at,
        changed_by: change.by,
    };
    assert_eq!(stored(&*store).await, [expected(&other), expected(&second)]);
    let found = read(&*store, move |tx| tx.setting_change(second.id)).await;
    assert_eq!(found, Some(second));
    let nobody = SettingChangeId::new(instant(0));
    assert_eq!(
        read(&*store, move |tx| tx.setting_change(nobody)).await,
        None
    );
}

/// But that it was is remembered.
pub async fn a_setting_that_is_given_back_is_not_stored(store: Arc<dyn Store>) {
    let made = a_setting_change("A", None, Some("1"));
    let undone = later(1, a_setting_change("A", Some("1"), None));
    for it in [&made, &undone] {
        change(&*store, it).await;
    }
    assert_eq!(stored(&*store).await, []);
    assert_eq!(listed(&*store).await, [undone, made]);
}

/// From the first version and from a later one.
pub async fn the_version_is_advanced_by_one_of_many_who_saw_it(store: Arc<dyn Store>) {
    for from in 0..3 {
        let version = read(&*store, |tx| tx.settings_version()).await;
        assert_eq!(version, from);
        let racers: Vec<_> = (0..16)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    write(&*store, move |tx| tx.advance_settings(from, instant(0))).await
                })
            })
            .collect();
        let mut winners = 0;
        for racer in racers {
            winners += usize::from(racer.await.expect("none fails"));
        }
        assert_eq!(winners, 1, "from {from}");
    }
    let ahead = write(&*store, |tx| tx.advance_settings(7, instant(0))).await;
    assert!(!ahead);
}

/// However many settings it changes; and what is refused is not.
pub async fn a_change_of_settings_is_recorded_once(store: Arc<dyn Store>) {
    let recorded = || read(&*store, |tx| tx.changes_after(&FeedPosition::default()));
    let advanced = write(&*store, |tx| {
        let advanced = tx.advance_settings(0, instant(0))?;
        tx.change_setting(&a_setting_change("A", None, Some("1")))?;
        tx.change_setting(&a_setting_change("B", None, Some("1")))?;
        Ok(advanced)
    });
    assert!(advanced.await);
    assert_eq!(recorded().await.changes, [Change::SettingsChanged]);
    let stale = write(&*store, |tx| tx.advance_settings(0, instant(0))).await;
    assert!(!stale);
    assert_eq!(recorded().await.changes, [Change::SettingsChanged]);
}

/// Neither a value nor a version nor a change.
pub async fn a_change_that_is_rolled_back_leaves_nothing(store: Arc<dyn Store>) {
    let undone: Result<(), StoreError> = store
        .write(|tx| {
            tx.advance_settings(0, instant(0))?;
            tx.change_setting(&a_setting_change("A", None, Some("1")))?;
            Err(StoreError::Backend("on purpose".into()))
        })
        .await;
    assert!(undone.is_err());
    assert_eq!(stored(&*store).await, []);
    assert_eq!(listed(&*store).await, []);
    assert_eq!(read(&*store, |tx| tx.settings_version()).await, 0);
}

/// In pages.
pub async fn changes_of_settings_are_listed_the_newest_first(store: Arc<dyn Store>) {
    let changes: Vec<_> = (0..5)
        .map(|second| later(second, a_setting_change("A", None, Some("1"))))
        .collect();
    for it in &changes {
        change(&*store, it).await;
    }
    let page =
        |after: Option<SettingChangeId>| read(&*store, move |tx| tx.list_setting_changes(after, 2));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = page(after).await;
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        found.extend(page);
    }
    found.reverse();
    assert_eq!(found, changes);
}

/// What is stored stays.
pub async fn old_changes_of_settings_are_swept_in_small_batches(store: Arc<dyn Store>) {
    for second in 0..4 {
        change(
            &*store,
            &later(second, a_setting_change("A", None, Some("1"))),
        )
        .await;
    }
    let sweep = || write(&*store, |tx| tx.sweep_setting_changes(instant(3), 2));
    assert_eq!(sweep().await, 2);
    assert_eq!(sweep().await, 1);
    assert_eq!(sweep().await, 0);
    assert_eq!(listed(&*store).await.len(), 1);
    assert_eq!(stored(&*store).await.len(), 1);
}
