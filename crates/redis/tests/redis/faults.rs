//! What a Redis can do to a node: nothing that a request would have to wait for.

use crate::{SLACK, connect, connected, down_within, log, up_within};
use bytes::Bytes;
use doorward_domain::{Change, UserId};
use doorward_redis::RedisConfig;
use doorward_redis::testing::RedisServer as Server;
use doorward_services::ports::{Denied, Rate, SharedPorts};
use doorward_services::testing::change_bus::Ear;
use doorward_services::testing::until;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_mins(1);
/// Of the configuration, as it is by default.
const DEADLINE: Duration = Duration::from_millis(50);
/// "Back within 2 s."
const BACK_WITHIN: Duration = Duration::from_secs(2);
const VALUE: Bytes = Bytes::from_static(b"value");

fn five_a_minute() -> Rate {
    Rate {
        limit: NonZeroU32::new(5).unwrap(),
        per: LONG,
    }
}

fn node_of(server: &Server) -> impl Future<Output = SharedPorts> {
    let config = server.config();
    async move { connected(&config).await }
}

/// Every port answers as it does without a Redis.
async fn all_ports_do_without(ports: &SharedPorts) {
    let denied = Denied::Session(rand::random());
    assert_eq!(ports.denylist.is_denied(&denied).await, None);
    ports.denylist.deny(&[(denied, LONG)]).await;
    assert_eq!(ports.denylist.is_denied(&denied).await, Some(true));
    ports.cache.put("key", VALUE, LONG).await;
    assert_eq!(ports.cache.get("key").await, None);
    ports.cache.remove("key").await;
    let key = format!("{denied:?} {:?}", Instant::now());
    for left in (0..5).rev() {
        let taken = ports.rate_limiter.take(&key, &five_a_minute()).await;
        assert!(taken.allowed);
        assert_eq!(taken.remaining, left);
    }
    assert!(
        !ports
            .rate_limiter
            .take(&key, &five_a_minute())
            .await
            .allowed
    );
    ports.change_bus.announce(&[Change::UserListChanged]);
}

/// They take no time for it.
async fn all_ports_do_without_at_once(ports: &SharedPorts) {
    let began = Instant::now();
    for _ in 0..20 {
        all_ports_do_without(ports).await;
    }
    let took = began.elapsed();
    assert!(took < SLACK, "{took:?}");
}

async fn all_ports_work(ports: &SharedPorts) {
    until("the cache works", async || {
        ports.cache.put("key", VALUE, LONG).await;
        ports.cache.get("key").await == Some(VALUE)
    })
    .await;
    let unknown = Denied::Session(rand::random());
    until("the denylist works", async || {
        ports.denylist.is_denied(&unknown).await == Some(false)
    })
    .await;
}

fn a_change() -> Change {
    Change::UserChanged(UserId::from_uuid(uuid::Uuid::new_v4()))
}

/// Announces until it is heard: what is announced while one of them is away may be lost.
async fn hears(from: &SharedPorts, ear: &Ear) {
    let change = a_change();
    until("the change is heard", async || {
        from.change_bus.announce(&[change]);
        ear.changes().contains(&change)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_starts_while_redis_is_down_and_finds_it_later() {
    let mut server = Server::stopped(&[]);
    let ports = connect(&server.config());
    all_ports_do_without_at_once(&ports).await;
    let reason = down_within(&ports, BACK_WITHIN).await;
    assert!(reason.contains("refused"), "{reason}");
    server.run();
    up_within(&ports, BACK_WITHIN).await;
    all_ports_work(&ports).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_is_missed_at_once_and_found_again() {
    let mut server = Server::start(&[]);
    let (a, b) = (node_of(&server).await, node_of(&server).await);
    let ear = Ear::on(&*b.change_bus);
    hears(&a, &ear).await;
    for _ in 0..3 {
        server.kill();
        let reason = down_within(&a, Duration::from_secs(1)).await;
        assert!(!reason.is_empty());
        all_ports_do_without_at_once(&a).await;
        let hints = ear.hints();
        server.run();
        up_within(&a, BACK_WITHIN).await;
        all_ports_work(&a).await;
        until("it is told to look", async || ear.hints() > hints).await;
        hears(&a, &ear).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_redis_costs_one_deadline_and_is_back_when_it_thaws() {
    let server = Server::start(&[]);
    let ports = node_of(&server).await;
    all_ports_work(&ports).await;
    server.freeze();
    // Those that are under way together wait together.
    let callers = (0..50).map(|_| {
        let cache = Arc::clone(&ports.cache);
        tokio::spawn(async move {
            let began = Instant::now();
            for _ in 0..20 {
                assert_eq!(cache.get("key").await, None);
            }
            began.elapsed()
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        let took = caller.await.unwrap();
        assert!(took < DEADLINE + SLACK, "{took:?}");
    }
    let reason = down_within(&ports, Duration::from_secs(1)).await;
    assert!(reason.contains("no answer within"), "{reason}");
    all_ports_do_without_at_once(&ports).await;
    server.thaw();
    up_within(&ports, BACK_WITHIN).await;
    all_ports_work(&ports).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_redis_is_noticed_without_a_request() {
    let server = Server::start(&[]);
    let ports = node_of(&server).await;
    server.freeze();
    down_within(&ports, Duration::from_secs(1) + SLACK).await;
    server.thaw();
    up_within(&ports, BACK_WITHIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_survives_a_freeze() {
    let server = Server::start(&[]);
    let (a, b) = (node_of(&server).await, node_of(&server).await);
    let ear = Ear::on(&*b.change_bus);
    hears(&a, &ear).await;
    let hints = ear.hints();
    server.freeze();
    down_within(&b, Duration::from_secs(2)).await;
    server.thaw();
    up_within(&a, BACK_WITHIN).await;
    hears(&a, &ear).await;
    // The publishing connection was replaced; whoever has missed something by that looks at the feed anyhow.
    assert!(ear.hints() >= hints);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_is_cut_alone_is_renewed_with_a_hint() {
    let server = Server::start(&[]);
    let (a, b) = (node_of(&server).await, node_of(&server).await);
    let ear = Ear::on(&*b.change_bus);
    hears(&a, &ear).await;
    let hints = ear.hints();
    server.tell(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    until("it is told to look", async || ear.hints() > hints).await;
    hears(&a, &ear).await;
    assert!(b.health.is_up());
}

#[tokio::test(flavor = "multi_thread")]
async fn announcing_never_waits_and_an_overflow_is_a_hint() {
    let server = Server::start(&[]);
    let (a, b) = (node_of(&server).await, node_of(&server).await);
    let ear = Ear::on(&*b.change_bus);
    hears(&a, &ear).await;
    server.freeze();
    let began = Instant::now();
    for _ in 0..50_000 {
        a.change_bus.announce(&[a_change()]);
    }
    let took = began.elapsed();
    assert!(took < SLACK, "{took:?}");
    let hints = ear.hints();
    server.thaw();
    until("it is told to look", async || {
        a.change_bus.announce(&[]);
        ear.hints() > hints
    })
    .await;
    hears(&a, &ear).await;
}

/// It forgets what the others know; scripts, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_flushed_redis_is_no_fault() {
    let server = Server::start(&[]);
    let ports = node_of(&server).await;
    all_ports_work(&ports).await;
    let denied = Denied::Session([1; 32]);
    ports.denylist.deny(&[(denied, LONG)]).await;
    for _ in 0..5 {
        assert!(
            ports
                .rate_limiter
                .take("ada", &five_a_minute())
                .await
                .allowed
        );
    }
    server.tell(&["FLUSHALL"]);
    server.tell(&["SCRIPT", "FLUSH"]);
    assert_eq!(ports.cache.get("key").await, None);
    assert_eq!(ports.denylist.is_denied(&denied).await, Some(true));
    assert!(
        !ports
            .rate_limiter
            .take("ada", &five_a_minute())
            .await
            .allowed
    );
    let bob = ports.rate_limiter.take("bob", &five_a_minute()).await;
    assert_eq!(bob.remaining, 4);
    assert!(ports.health.is_up());
}

/// On this node by itself, what it has allowed before included.
#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_while_redis_goes() {
    let mut server = Server::start(&[]);
    let ports = node_of(&server).await;
    for _ in 0..3 {
        assert!(
            ports
                .rate_limiter
                .take("ada", &five_a_minute())
                .await
                .allowed
        );
    }
    server.kill();
    for _ in 0..2 {
        assert!(
            ports
                .rate_limiter
                .take("ada", &five_a_minute())
                .await
                .allowed
        );
    }
    assert!(
        !ports
            .rate_limiter
            .take("ada", &five_a_minute())
            .await
            .allowed
    );
    server.run();
    up_within(&ports, BACK_WITHIN + SLACK).await;
    assert!(
        !ports
            .rate_limiter
            .take("ada", &five_a_minute())
            .await
            .allowed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_removed_or_replaced_meanwhile_is_not_found_again() {
    let server = Server::start(&[]);
    let ports = node_of(&server).await;
    for key in ["removed", "replaced", "kept"] {
        ports.cache.put(key, VALUE, LONG).await;
    }
    server.freeze();
    ports.cache.remove("removed").await;
    ports
        .cache
        .put("replaced", Bytes::from_static(b"new"), LONG)
        .await;
    server.thaw();
    until("the cache answers", async || {
        ports.cache.get("kept").await.is_some()
    })
    .await;
    assert_eq!(ports.cache.get("removed").await, None);
    assert_ne!(ports.cache.get("replaced").await, Some(VALUE));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_to_remove_empties_the_cache() {
    let server = Server::start(&[]);
    let ports = node_of(&server).await;
    let denied = Denied::RefreshToken([1; 32]);
    for i in 0..2000 {
        ports.cache.put(&i.to_string(), VALUE, LONG).await;
    }
    ports.denylist.deny(&[(denied, LONG)]).await;
    server.freeze();
    for i in 0..20_000 {
        ports.cache.remove(&format!("other {i}")).await;
    }
    ports.cache.remove("0").await;
    server.thaw();
    up_within(&ports, BACK_WITHIN + SLACK).await;
    for key in ["0", "1999"] {
        assert_eq!(ports.cache.get(key).await, None);
    }
    let other = node_of(&server).await;
    assert_eq!(other.denylist.is_denied(&denied).await, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_nothing_more_is_down() {
    let server = Server::start(&[]);
    let ports = node_of(&server).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    let reason = down_within(&ports, Duration::from_secs(2)).await;
    assert!(reason.contains("OOM"), "{reason}");
    all_ports_do_without_at_once(&ports).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    up_within(&ports, BACK_WITHIN).await;
    all_ports_work(&ports).await;
}

/// It accepts, and never says a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_down() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let ports = connect(&RedisConfig::new(format!("redis://127.0.0.1:{port}")));
    all_ports_do_without_at_once(&ports).await;
    let reason = down_within(&ports, BACK_WITHIN).await;
    assert!(
        reason.contains("no answer") || reason.contains("timed out"),
        "{reason}"
    );
    all_ports_do_without_at_once(&ports).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_an_outage_and_never_told() {
    log::keep();
    let server = Server::start(&["--requirepass", "right-9f3k"]);
    let wrong = RedisConfig {
        password: Some("wrong-7d2h".into()),
        ..server.config()
    };
    let ports = connect(&wrong);
    let reason = down_within(&ports, BACK_WITHIN).await;
    assert!(reason.contains("authentication"), "{reason}");
    all_ports_do_without_at_once(&ports).await;
    let none = connect(&server.config());
    let reason = down_within(&none, BACK_WITHIN).await;
    assert!(reason.contains("NOAUTH"), "{reason}");

    let right = RedisConfig {
        password: Some("right-9f3k".into()),
        ..server.config()
    };
    all_ports_work(&connected(&right).await).await;
    let in_url = RedisConfig::new(format!("redis://:right-9f3k@127.0.0.1:{}", server.port()));
    all_ports_work(&connected(&in_url).await).await;
    let log = log::all();
    assert!(!log::of(&server.name()).is_empty());
    for secret in ["wrong-7d2h", "right-9f3k"] {
        assert!(!log.contains(secret));
        assert!(!format!("{wrong:?} {right:?} {in_url:?} {ports:?}").contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_a_password_of_his_own_gets_in() {
    let server = Server::start(&[]);
    server.tell(&["ACL", "SETUSER", "doorward", "on", ">p@ss", "~*", "+@all"]);
    server.let_use_channels("doorward");
    let url = format!("redis://doorward@127.0.0.1:{}/2", server.port());
    let config = RedisConfig {
        password: Some("p@ss".into()),
        ..RedisConfig::new(url)
    };
    all_ports_work(&connected(&config).await).await;
}

/// One command is not allowed: that is no outage of all.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_refused_is_a_miss_and_logged_once() {
    log::keep();
    let server = Server::start(&[]);
    server.tell(&[
        "ACL",
        "SETUSER",
        "default",
        "on",
        "nopass",
        "~*",
        "+@all",
        "-@scripting",
    ]);
    let ports = node_of(&server).await;
    for left in (0..5).rev() {
        let taken = ports.rate_limiter.take("ada", &five_a_minute()).await;
        assert!(taken.allowed);
        assert_eq!(taken.remaining, left);
    }
    assert!(
        !ports
            .rate_limiter
            .take("ada", &five_a_minute())
            .await
            .allowed
    );
    assert!(ports.health.is_up());
    all_ports_work(&ports).await;
    let log = log::of(&server.name());
    let refused = log.iter().filter(|line| line.contains("refuses"));
    assert_eq!(refused.count(), 1, "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_logged_once_and_its_end_once() {
    log::keep();
    let mut server = Server::start(&[]);
    // A busy machine is no outage.
    let config = RedisConfig {
        deadline: Duration::from_secs(5),
        ..server.config()
    };
    let ports = connected(&config).await;
    server.kill();
    down_within(&ports, Duration::from_secs(1)).await;
    for _ in 0..10 {
        all_ports_do_without(&ports).await;
    }
    // Several attempts are made in this time.
    let mut states = ports.health.watch();
    for _ in 0..4 {
        states.changed().await.unwrap();
    }
    server.run();
    up_within(&ports, BACK_WITHIN).await;
    let log = log::of(&server.name());
    let levels: Vec<&str> = log
        .iter()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(levels, ["INFO", "WARN", "INFO"], "{log:?}");
}
