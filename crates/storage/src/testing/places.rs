//! Where users have logged in before.

use super::builders::{a_user, instant};
use super::{read, write};
use crate::store::Store;
use chrono::{DateTime, Utc};
use doorward_domain::place::MAX_PLACES_PER_USER;
use doorward_domain::{PlaceDigest, User};
use std::sync::Arc;

async fn with_user(store: &dyn Store, name: &str) -> User {
    let user = a_user(name);
    let inserted = user.clone();
    write(store, move |tx| tx.insert_user(&inserted)).await;
    user
}

fn digest(number: u32) -> PlaceDigest {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    PlaceDigest(bytes)
}

async fn note(store: &dyn Store, user: &User, number: u32, seconds: i64) {
    let id = user.id;
    write(store, move |tx| {
        tx.note_place(id, digest(number), instant(seconds))
    })
    .await;
}

async fn seen_at(store: &dyn Store, user: &User, numbers: &[u32]) -> Option<DateTime<Utc>> {
    let (id, digests) = (user.id, numbers.iter().copied().map(digest));
    let digests: Vec<_> = digests.collect();
    read(store, move |tx| tx.place_seen_at(id, &digests)).await
}

/// By each of its digests, and for its user alone; the last time counts.
pub async fn a_place_is_known_once_it_was_noted(store: Arc<dyn Store>) {
    let (ada, eve) = (
        with_user(&*store, "ada").await,
        with_user(&*store, "eve").await,
    );
    assert_eq!(seen_at(&*store, &ada, &[1]).await, None);
    note(&*store, &ada, 1, 5).await;
    note(&*store, &ada, 2, 6).await;
    assert_eq!(seen_at(&*store, &ada, &[1]).await, Some(instant(5)));
    assert_eq!(seen_at(&*store, &ada, &[9, 1]).await, Some(instant(5)));
    assert_eq!(seen_at(&*store, &ada, &[]).await, None);
    assert_eq!(seen_at(&*store, &eve, &[1]).await, None);
    note(&*store, &ada, 1, 7).await;
    assert_eq!(seen_at(&*store, &ada, &[1]).await, Some(instant(7)));
}

/// And those of others are left alone.
pub async fn of_many_places_the_newest_are_kept(store: Arc<dyn Store>) {
    let (ada, eve) = (
        with_user(&*store, "ada").await,
        with_user(&*store, "eve").await,
    );
    note(&*store, &eve, 1000, 0).await;
    for number in 0..MAX_PLACES_PER_USER {
        note(&*store, &ada, number, number.into()).await;
    }
    note(&*store, &ada, 0, 100).await;
    note(&*store, &ada, 500, 101).await;
    assert_eq!(seen_at(&*store, &ada, &[1]).await, None);
    for number in [0, 2, MAX_PLACES_PER_USER - 1, 500] {
        assert!(
            seen_at(&*store, &ada, &[number]).await.is_some(),
            "{number}"
        );
    }
    assert!(seen_at(&*store, &eve, &[1000]).await.is_some());
}

/// With nobody left to know.
pub async fn a_place_goes_with_its_user(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    note(&*store, &ada, 1, 0).await;
    let id = ada.id;
    write(&*store, move |tx| tx.delete_user(id, instant(1))).await;
    assert_eq!(seen_at(&*store, &ada, &[1]).await, None);
    let swept = write(&*store, |tx| tx.sweep_places(instant(99), 10)).await;
    assert_eq!(swept, 0);
}

/// The others stay.
pub async fn places_not_seen_for_long_are_swept_in_small_batches(store: Arc<dyn Store>) {
    let ada = with_user(&*store, "ada").await;
    for number in 0..5 {
        note(&*store, &ada, number, i64::from(number)).await;
    }
    for swept in [2, 1, 0] {
        let batch = write(&*store, |tx| tx.sweep_places(instant(3), 2)).await;
        assert_eq!(batch, swept);
    }
    assert_eq!(seen_at(&*store, &ada, &[2]).await, None);
    assert_eq!(seen_at(&*store, &ada, &[3]).await, Some(instant(3)));
}
