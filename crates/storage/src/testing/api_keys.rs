//! API keys.

use super::builders::{a_key_digest, a_user, an_api_key, instant};
use super::{read, write};
use crate::changes::FeedPosition;
use crate::error::StoreError;
use crate::store::Store;
use chrono::TimeDelta;
use doorward_domain::api_key::{ApiKeyName, PreviousSecret};
use doorward_domain::{ApiKey, ApiKeyId, ApiKeySecret, Change, Scope, Scopes, User};
use std::sync::Arc;

async fn with_user(store: &dyn Store, name: &str) -> User {
    let user = a_user(name);
    let inserted = user.clone();
    write(store, move |tx| tx.insert_user(&inserted)).await;
    user
}

async fn insert(store: &dyn Store, key: &ApiKey) {
    let key = key.clone();
    write(store, move |tx| tx.insert_api_key(&key)).await;
}

async fn key(store: &dyn Store, id: ApiKeyId) -> Option<ApiKey> {
    read(store, move |tx| tx.api_key(id)).await
}

/// Every field is another one than [`an_api_key`] has.
fn another(user: &User) -> ApiKey {
    let key = an_api_key(user);
    ApiKey {
        name: ApiKeyName::parse("Überwachung '\"").expect("a name"),
        prefix: ApiKeySecret::generate(|| 61).prefix(),
        digest: a_key_digest(key.id, 2),
        previous: Some(PreviousSecret {
            digest: a_key_digest(key.id, 1),
            until: instant(60),
        }),
        scopes: Scopes::ALL,
        created_at: instant(1),
        expires_at: Some(instant(1000)),
        last_used_at: Some(instant(5)),
        ..key
    }
}

/// The keys whose change is in the feed.
async fn recorded(store: &dyn Store) -> Vec<ApiKeyId> {
    let page = read(store, |tx| tx.changes_after(&FeedPosition::default())).await;
    let keys = page.changes.into_iter().filter_map(|change| {
        if let Change::ApiKeyChanged(key) = change {
            Some(key)
        } else {
            None
        }
    });
    keys.collect()
}

/// Every field, with and without what may be missing, and every scope.
pub async fn a_key_is_read_back_as_it_was_written(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let mut keys = vec![an_api_key(&ada), another(&ada)];
    for scope in Scope::ALL {
        keys.push(ApiKey {
            scopes: [scope].into_iter().collect(),
            ..an_api_key(&ada)
        });
    }
    for written in keys {
        insert(&*store, &written).await;
        let id = written.id;
        let locked = write(&*store, move |tx| tx.lock_api_key(id)).await;
        assert_eq!(locked.as_ref(), Some(&written));
        assert_eq!(key(&*store, id).await, Some(written));
    }
    let nobody = ApiKeyId::new(instant(0));
    assert_eq!(key(&*store, nobody).await, None);
    assert_eq!(
        write(&*store, move |tx| tx.lock_api_key(nobody)).await,
        None
    );
    assert_eq!(recorded(&*store).await, []);
}

/// The present and the previous one, whether or not its time is up.
pub async fn a_key_is_found_by_both_its_digests(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let (plain, replaced) = (an_api_key(&ada), another(&ada));
    insert(&*store, &plain).await;
    insert(&*store, &replaced).await;
    for (digest, found) in [
        (plain.digest, Some(&plain)),
        (replaced.digest, Some(&replaced)),
        (a_key_digest(replaced.id, 1), Some(&replaced)),
        (a_key_digest(replaced.id, 0), None),
        (a_key_digest(plain.id, 1), None),
    ] {
        let key = read(&*store, move |tx| tx.api_key_by_digest(digest)).await;
        assert_eq!(key.as_ref(), found);
    }
}

/// And the refusal is no conflict that a caller would answer for.
pub async fn a_key_needs_its_user_and_goes_with_him(store: Arc<dyn Store>) {
    let stray = an_api_key(&a_user("nobody"));
    let refused: Result<(), StoreError> = store.write(move |tx| tx.insert_api_key(&stray)).await;
    assert!(
        matches!(refused, Err(StoreError::Backend(_))),
        "{refused:?}"
    );
    let (ada, bob) = (
        with_user(&*store, "ada").await,
        with_user(&*store, "bob").await,
    );
    let (gone, kept) = (an_api_key(&ada), an_api_key(&bob));
    insert(&*store, &gone).await;
    insert(&*store, &kept).await;
    assert!(write(&*store, move |tx| tx.delete_user(ada.id, instant(1))).await);
    assert_eq!(key(&*store, gone.id).await, None);
    assert_eq!(key(&*store, kept.id).await, Some(kept));
}

/// Neither whose it is, nor when it was made and used.
pub async fn an_update_writes_what_may_change_and_is_recorded(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let (before, bystander) = (an_api_key(&ada), an_api_key(&ada));
    insert(&*store, &before).await;
    insert(&*store, &bystander).await;
    let wished = ApiKey {
        id: before.id,
        ..another(&with_user(&*store, "eve").await)
    };
    let update = wished.clone();
    assert!(write(&*store, move |tx| tx.update_api_key(&update, instant(2))).await);
    let after = ApiKey {
        user_id: before.user_id,
        created_at: before.created_at,
        last_used_at: before.last_used_at,
        ..wished
    };
    assert_eq!(key(&*store, before.id).await.as_ref(), Some(&after));
    let back = before.clone();
    assert!(write(&*store, move |tx| tx.update_api_key(&back, instant(3))).await);
    assert_eq!(key(&*store, before.id).await.as_ref(), Some(&before));
    assert_eq!(key(&*store, bystander.id).await.as_ref(), Some(&bystander));
    assert_eq!(recorded(&*store).await, [before.id, before.id]);
    let nobody = an_api_key(&ada);
    assert!(!write(&*store, move |tx| tx.update_api_key(&nobody, instant(4))).await);
    assert_eq!(recorded(&*store).await.len(), 2);
}

/// Once.
pub async fn a_deleted_key_is_gone_and_that_is_recorded(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let (gone, kept) = (an_api_key(&ada), an_api_key(&ada));
    insert(&*store, &gone).await;
    insert(&*store, &kept).await;
    for is_there in [true, false] {
        let id = gone.id;
        let deleted = write(&*store, move |tx| tx.delete_api_key(id, instant(1))).await;
        assert_eq!(deleted, is_there);
    }
    assert_eq!(key(&*store, gone.id).await, None);
    assert_eq!(key(&*store, kept.id).await, Some(kept));
    assert_eq!(recorded(&*store).await, [gone.id]);
}

/// In the order of their ids, each once.
pub async fn keys_are_counted_and_listed_by_their_user_in_pages(store: Arc<dyn Store>) {
    let (ada, bob) = (
        with_user(&*store, "ada").await,
        with_user(&*store, "bob").await,
    );
    let mut keys: Vec<_> = (0..5).map(|_| an_api_key(&ada)).collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.id));
    for key in &keys {
        insert(&*store, key).await;
    }
    insert(&*store, &an_api_key(&bob)).await;
    keys.reverse();
    for (user, count) in [(ada.id, 5), (bob.id, 1), (a_user("nobody").id, 0)] {
        let counted = read(&*store, move |tx| tx.count_api_keys_of(user)).await;
        assert_eq!(counted, count);
        let listed = read(&*store, move |tx| tx.list_api_keys_of(user, None, 10)).await;
        assert_eq!(listed.len(), count);
    }
    let (mut listed, mut after) = (Vec::new(), None);
    for size in [2, 2, 1, 0] {
        let page = read(&*store, move |tx| tx.list_api_keys_of(ada.id, after, 2)).await;
        assert_eq!(page.len(), size);
        after = page.last().map(|key| key.id).or(after);
        listed.extend(page);
    }
    assert_eq!(listed, keys);
}

/// What the cache of a node holds of the key stays right, so nobody is told.
pub async fn a_use_is_noted_once_in_an_interval_and_not_recorded(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let (used, bystander) = (an_api_key(&ada), an_api_key(&ada));
    insert(&*store, &used).await;
    insert(&*store, &bystander).await;
    let note = |id, seconds| {
        write(&*store, move |tx| {
            tx.note_api_key_use(id, instant(seconds), TimeDelta::seconds(60))
        })
    };
    let id = used.id;
    let mut last = None;
    for (seconds, is_noted) in [
        (10, true),
        (10, false),
        (69, false),
        (5, false),
        (70, true),
        (200, true),
    ] {
        assert_eq!(note(id, seconds).await, is_noted, "{seconds}");
        last = is_noted.then(|| instant(seconds)).or(last);
        let noted = key(&*store, id).await.and_then(|key| key.last_used_at);
        assert_eq!(noted, last);
    }
    assert!(!note(ApiKeyId::new(instant(0)), 300).await);
    assert_eq!(key(&*store, bystander.id).await, Some(bystander));
    assert_eq!(recorded(&*store).await, []);
}

/// Whoever comes later sees what the one before has written.
pub async fn a_locked_key_is_changed_by_one_at_a_time(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    let written = ApiKey {
        expires_at: Some(instant(0)),
        ..an_api_key(&ada)
    };
    insert(&*store, &written).await;
    let id = written.id;
    let longer: Vec<_> = (0..20)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                write(&*store, move |tx| {
                    let key = tx.lock_api_key(id)?.expect("the key");
                    let expires_at = key.expires_at.map(|at| at + TimeDelta::seconds(1));
                    let key = ApiKey { expires_at, ..key };
                    tx.update_api_key(&key, instant(0))
                })
                .await
            })
        })
        .collect();
    for task in longer {
        assert!(task.await.expect("the change is made"));
    }
    let expires_at = key(&*store, id).await.and_then(|key| key.expires_at);
    assert_eq!(expires_at, Some(instant(20)));
}
