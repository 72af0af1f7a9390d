//! What nodes share.

use crate::contract::two_buses;
use crate::place::Place;
use crate::{connect_with, connected, up_within};
use bytes::Bytes;
use doorward_domain::Change;
use doorward_redis::RedisConfig;
use doorward_services::ports::{Denied, Rate};
use doorward_services::testing::change_bus::Ear;
use doorward_services::testing::until;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);

fn rate(limit: u32) -> Rate {
    Rate {
        limit: NonZeroU32::new(limit).unwrap(),
        per: LONG,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_keeps_removes_and_denies_holds_on_the_other() {
    let place = Place::new();
    let (a, b) = (
        connected(&place.config()).await,
        connected(&place.config()).await,
    );
    a.cache.put("key", Bytes::from_static(b"value"), LONG).await;
    assert_eq!(b.cache.get("key").await, Some(Bytes::from_static(b"value")));
    b.cache.remove("key").await;
    assert_eq!(a.cache.get("key").await, None);
    let ended = Denied::Session([1; 32]);
    assert_eq!(b.denylist.is_denied(&ended).await, Some(false));
    a.denylist.deny(&[(ended, LONG)]).await;
    assert_eq!(b.denylist.is_denied(&ended).await, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_attempts_on_several_nodes_do_not_slip_through() {
    let place = Place::new();
    for limit in [10, 100] {
        let mut attempts = Vec::new();
        for _ in 0..3 {
            let node = connected(&place.config()).await;
            for _ in 0..100 {
                let limiter = Arc::clone(&node.rate_limiter);
                attempts.push(tokio::spawn(async move {
                    limiter.take("ada", &rate(limit)).await.allowed
                }));
            }
        }
        let mut allowed = 0;
        for attempt in attempts {
            allowed += u32::from(attempt.await.unwrap());
        }
        assert_eq!(allowed, limit);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prefixes_keep_services_apart() {
    let (one, two) = (Place::new(), Place::new());
    let (a, b) = (
        connected(&one.config()).await,
        connected(&two.config()).await,
    );
    a.cache.put("key", Bytes::from_static(b"value"), LONG).await;
    assert_eq!(b.cache.get("key").await, None);
    assert!(a.rate_limiter.take("ada", &rate(1)).await.allowed);
    assert!(b.rate_limiter.take("ada", &rate(1)).await.allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_written_dies_by_itself() {
    let place = Place::new();
    let node = connected(&place.config()).await;
    node.cache
        .put("key", Bytes::from_static(b"value"), LONG)
        .await;
    node.denylist
        .deny(&[
            (Denied::Session([1; 32]), LONG),
            (Denied::RefreshToken([1; 32]), LONG),
        ])
        .await;
    for limit in [1, 50] {
        node.rate_limiter.take("ada", &rate(limit)).await;
    }
    let mut admin = place.admin();
    let keys = place.keys(&mut admin);
    assert!(keys.len() >= 5, "{}", keys.len());
    for key in keys {
        let left: i64 = redis::cmd("PTTL").arg(&key).query(&mut admin).unwrap();
        // -2: in between it died.
        assert!(left > 0 || left == -2, "{}", String::from_utf8_lossy(&key));
        assert!(left < 70_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_none_of_us_has_announced_is_ignored_and_counted() {
    let (place, [a, b]) = two_buses().await;
    let stranger = connect_with(&place.config(), "another key for tests, 32 bytes too");
    up_within(&stranger, LONG).await;
    let ear = Ear::on(&*b);
    let hints = ear.hints();
    let mut admin = place.admin();
    let database = admin_database(&place.config());
    let channel = format!("{}changes:{database}", place.config().prefix);
    let () = redis::cmd("PUBLISH")
        .arg(channel)
        .arg("words of nobody")
        .query(&mut admin)
        .unwrap();
    stranger.change_bus.announce(&[Change::SigningKeysChanged]);
    until("both are refused", async || b.refused() == 2).await;
    a.announce(&[Change::UserListChanged]);
    ear.hears(&[Change::UserListChanged]).await;
    assert_eq!((ear.hints(), a.refused()), (hints, 2));
}

fn admin_database(config: &RedisConfig) -> i64 {
    use secrecy::ExposeSecret;
    redis::Client::open(config.url.expose_secret())
        .unwrap()
        .get_connection_info()
        .redis_settings()
        .db()
}

/// When the last port is gone.
#[tokio::test(flavor = "multi_thread")]
async fn connections_are_closed() {
    let place = Place::new();
    let node = connected(&place.config()).await;
    let mut admin = place.admin();
    until("it has subscribed", async || {
        place.subscribers(&mut admin) == 1
    })
    .await;
    let cache = Arc::clone(&node.cache);
    drop(node);
    assert_eq!(cache.get("key").await, None);
    drop(cache);
    until("it has gone", async || place.subscribers(&mut admin) == 0).await;
}
