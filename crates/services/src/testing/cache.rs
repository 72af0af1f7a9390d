//! The cache.

use super::until;
use crate::ports::Cache;
use crate::ports::cache::MOST_VALUE_BYTES;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Byte by byte, empty ones too.
pub async fn what_is_put_is_found(cache: Arc<dyn Cache>) {
    let all: Bytes = (0..=255).collect();
    cache.put("all bytes", all.clone(), LONG).await;
    cache.put("no bytes", Bytes::new(), LONG).await;
    assert_eq!(cache.get("all bytes").await, Some(all));
    assert_eq!(cache.get("no bytes").await, Some(Bytes::new()));
}

/// Which is no error.
pub async fn what_was_never_put_is_not_found(cache: Arc<dyn Cache>) {
    assert_eq!(cache.get("nothing").await, None);
    cache.remove("nothing").await;
    assert_eq!(cache.get("nothing").await, None);
}

/// With its time.
pub async fn a_later_value_replaces_the_one_before(cache: Arc<dyn Cache>) {
    cache
        .put("key", bytes("short"), Duration::from_millis(50))
        .await;
    cache.put("key", bytes("long"), LONG).await;
    cache
        .put("probe", bytes("short"), Duration::from_millis(100))
        .await;
    until("the shorter time is over", async || {
        cache.get("probe").await.is_none()
    })
    .await;
    assert_eq!(cache.get("key").await, Some(bytes("long")));
}

/// And only that.
pub async fn what_is_removed_is_gone(cache: Arc<dyn Cache>) {
    cache.put("a", bytes("1"), LONG).await;
    cache.put("b", bytes("2"), LONG).await;
    cache.remove("a").await;
    assert_eq!(cache.get("a").await, None);
    assert_eq!(cache.get("b").await, Some(bytes("2")));
}

/// Not before, and soon after.
pub async fn a_value_dies_after_its_time(cache: Arc<dyn Cache>) {
    cache
        .put("key", bytes("value"), Duration::from_millis(200))
        .await;
    until("the value is gone", async || {
        cache.get("key").await.is_none()
    })
    .await;
    cache
        .put("key", bytes("value"), Duration::from_micros(1))
        .await;
    until("the value of a moment is gone", async || {
        cache.get("key").await.is_none()
    })
    .await;
}

/// Nor is the one before.
pub async fn a_value_without_time_is_not_kept(cache: Arc<dyn Cache>) {
    cache.put("key", bytes("value"), LONG).await;
    cache.put("key", bytes("value"), Duration::ZERO).await;
    assert_eq!(cache.get("key").await, None);
}

/// Of the larger one, not even the one before is.
pub async fn a_value_of_the_greatest_size_is_kept_and_a_larger_one_is_not(cache: Arc<dyn Cache>) {
    let greatest = Bytes::from(vec![7; MOST_VALUE_BYTES]);
    cache.put("key", greatest.clone(), LONG).await;
    assert!(cache.get("key").await == Some(greatest));
    cache
        .put("key", Bytes::from(vec![7; MOST_VALUE_BYTES + 1]), LONG)
        .await;
    assert!(cache.get("key").await.is_none());
}

/// No key is part of another.
pub async fn keys_may_be_any_text(cache: Arc<dyn Cache>) {
    let long = "k".repeat(1000);
    let keys = ["", " ", "a:b", "a", "a*", "ä\r\n\0\"", &long];
    for key in keys {
        cache.put(key, bytes(key), LONG).await;
    }
    for key in keys {
        assert_eq!(cache.get(key).await, Some(bytes(key)), "{key:?}");
    }
}

/// Each gets what belongs to its key.
pub async fn parallel_callers_do_not_mix_up_values(cache: Arc<dyn Cache>) {
    let callers = (0..32).map(|i| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move {
            for round in 0..20 {
                let (key, value) = (format!("key {i}"), format!("value {i} {round}"));
                cache.put(&key, bytes(&value), LONG).await;
                assert_eq!(cache.get(&key).await, Some(bytes(&value)));
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("each finds its own");
    }
}
