//! The key pairs that sign tokens.

use super::builders::{a_signing_key, instant};
use super::{read, write};
use crate::changes::FeedPosition;
use crate::error::{Constraint, StoreError};
use crate::store::Store;
use doorward_domain::{Change, KeyAlgorithm, KeyState, SigningKey};
use std::sync::Arc;

async fn insert(store: &dyn Store, key: &SigningKey) -> Result<(), StoreError> {
    let key = key.clone();
    store
        .write(move |tx| tx.insert_signing_key(&key, instant(0)))
        .await
}

async fn update(store: &dyn Store, key: &SigningKey, from: KeyState) -> Result<bool, StoreError> {
    let key = key.clone();
    store
        .write(move |tx| tx.update_signing_key(&key, from, instant(0)))
        .await
}

async fn all(store: &dyn Store) -> Vec<SigningKey> {
    read(store, |tx| tx.signing_keys()).await
}

fn is_conflict<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict(Constraint::SigningKey)))
}

/// In every state, the oldest first.
pub async fn a_signing_key_is_read_back_as_it_was_written(store: Arc<dyn Store>) {
    let mut keys = Vec::new();
    for (name, algorithm) in ["e", "c", "r"].into_iter().zip(KeyAlgorithm::ALL) {
        let prepared = a_signing_key(&format!("{name}1"), algorithm);
        let made = |name: &str, seconds| SigningKey {
            created_at: instant(seconds),
            ..a_signing_key(name, algorithm)
        };
        let active = made(&format!("{name}2"), -1).activated(instant(5));
        let retiring = made(&format!("{name}3"), -2).activated(instant(1));
        let retiring = retiring.deactivated(instant(5));
        let retired = made(&format!("{name}4"), -3).retired(instant(6));
        keys.extend([prepared, active, retiring, retired]);
    }
    for key in &keys {
        insert(&*store, key).await.expect("it is written");
    }
    keys.sort_by_key(|key| (key.created_at, key.kid.clone()));
    assert_eq!(all(&*store).await, keys);
}

/// Of the others there may be many.
pub async fn one_key_of_an_algorithm_is_active_and_one_prepared(store: Arc<dyn Store>) {
    let of = |name: &str| a_signing_key(name, KeyAlgorithm::EdDsa);
    let active = of("a").activated(instant(1));
    insert(&*store, &active).await.expect("the first");
    insert(&*store, &of("p")).await.expect("the first");
    let other = a_signing_key("c", KeyAlgorithm::Es256).activated(instant(1));
    insert(&*store, &other).await.expect("another algorithm");
    assert!(is_conflict(&insert(&*store, &of("q")).await));
    let second = of("b").activated(instant(1));
    assert!(is_conflict(&insert(&*store, &second).await));
    let promoted = of("p").activated(instant(2));
    assert!(is_conflict(
        &update(&*store, &promoted, KeyState::Prepared).await
    ));
    for name in ["x", "y"] {
        let retiring = of(name).deactivated(instant(2));
        insert(&*store, &retiring).await.expect("one of many");
    }
    assert_eq!(all(&*store).await.len(), 5);
}

/// Each that is refused finds the one of the winner.
pub async fn parallel_first_keys_leave_one_active(store: Arc<dyn Store>) {
    let starters: Vec<_> = (0..16)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let name = format!("k{number}-");
                let first = a_signing_key(&name, KeyAlgorithm::Rs256).activated(instant(0));
                match insert(&*store, &first).await {
                    Ok(()) => true,
                    Err(StoreError::Conflict(Constraint::SigningKey)) => {
                        assert_eq!(all(&*store).await.len(), 1);
                        false
                    }
                    Err(error) => panic!("{error}"),
                }
            })
        })
        .collect();
    let mut winners = 0;
    for starter in starters {
        winners += usize::from(starter.await.expect("none fails"));
    }
    assert_eq!(winners, 1);
}

/// Whoever comes second writes nothing.
pub async fn a_signing_key_is_changed_once_from_a_state(store: Arc<dyn Store>) {
    let prepared = a_signing_key("a", KeyAlgorithm::EdDsa);
    insert(&*store, &prepared).await.expect("it is written");
    let resealed = SigningKey {
        sealed_key: Some(vec![7; 48]),
        ..prepared
    };
    let active = resealed.clone().activated(instant(1));
    let retiring = active.clone().deactivated(instant(2));
    let retired = retiring.clone().retired(instant(3));
    for (key, from, is_first) in [
        (&resealed, KeyState::Prepared, true),
        (&active, KeyState::Prepared, true),
        (&active, KeyState::Prepared, false),
        (&retired, KeyState::Retiring, false),
        (&retiring, KeyState::Active, true),
        (&retired, KeyState::Retiring, true),
        (&active, KeyState::Prepared, false),
    ] {
        let before = all(&*store).await;
        let is_written = update(&*store, key, from).await.expect("it runs");
        assert_eq!(is_written, is_first, "{key:?} from {from}");
        let after = all(&*store).await;
        if is_first {
            assert_eq!(after.as_slice(), std::slice::from_ref(key));
        } else {
            assert_eq!(after, before);
        }
    }
    let unknown = a_signing_key("b", KeyAlgorithm::EdDsa);
    let nobody = update(&*store, &unknown, KeyState::Prepared).await;
    assert!(!nobody.expect("it runs"));
}

/// And what wrote nothing is not.
pub async fn a_write_to_signing_keys_is_recorded(store: Arc<dyn Store>) {
    let key = a_signing_key("a", KeyAlgorithm::EdDsa);
    let recorded = || read(&*store, |tx| tx.changes_after(&FeedPosition::default()));
    insert(&*store, &key).await.expect("it is written");
    assert_eq!(recorded().await.changes, [Change::SigningKeysChanged]);
    let active = key.activated(instant(1));
    for _ in 0..2 {
        let written = update(&*store, &active, KeyState::Prepared).await;
        written.expect("it runs");
    }
    assert_eq!(recorded().await.changes, [Change::SigningKeysChanged; 2]);
}

/// And no others, however old they are.
pub async fn retired_signing_keys_are_swept_in_small_batches(store: Arc<dyn Store>) {
    let of = |name: &str| a_signing_key(name, KeyAlgorithm::EdDsa);
    let kept = [
        of("a").activated(instant(0)),
        of("b").deactivated(instant(0)),
        of("c"),
        of("d").retired(instant(100)),
    ];
    for key in kept.iter().chain(&[
        of("x").retired(instant(1)),
        of("y").retired(instant(2)),
        of("z").retired(instant(99)),
    ]) {
        insert(&*store, key).await.expect("it is written");
    }
    let sweep = || write(&*store, |tx| tx.sweep_signing_keys(instant(100), 2));
    assert_eq!(sweep().await, 2);
    assert_eq!(sweep().await, 1);
    assert_eq!(sweep().await, 0);
    assert_eq!(all(&*store).await, kept);
}
