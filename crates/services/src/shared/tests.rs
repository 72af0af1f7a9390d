use super::*;
use crate::auth::Caller;
use crate::ports::{
    Cache, InProcessBus, InProcessCache, InProcessDenylist, InProcessRateLimiter, LinkHealth,
    LinkState,
};
use crate::tests::{Event, Node, text};
use crate::tokens::TokenPair;
use crate::user_list::View;
use async_trait::async_trait;
use doorward_domain::{Role, User, Username};
use std::sync::Mutex;
use std::time::Duration;

/// A server that nodes share, within this process; what is put can be seen.
#[derive(Debug, Clone)]
struct Server {
    ports: SharedPorts,
    bus: Arc<InProcessBus>,
    cache: Arc<Recorded>,
}

#[derive(Debug)]
struct Recorded {
    inner: InProcessCache,
    puts: Mutex<Vec<(String, Bytes)>>,
}

#[async_trait]
impl Cache for Recorded {
    async fn get(&self, key: &str) -> Option<Bytes> {
        self.inner.get(key).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) {
        let entry = (key.to_owned(), value.clone());
        self.puts.lock().unwrap().push(entry);
        self.inner.put(key, value, ttl).await;
    }

    async fn remove(&self, key: &str) {
        self.inner.remove(key).await;
    }
}

impl Server {
    fn start() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(crate::SystemClock::start());
        let cache = Arc::new(Recorded {
            inner: InProcessCache::new(Arc::clone(&clock), 1_000_000),
            puts: Mutex::default(),
        });
        let bus = Arc::new(InProcessBus::default());
        let health = LinkHealth::default();
        health.set(LinkState::Up);
        let ports = SharedPorts {
            cache: Arc::<Recorded>::clone(&cache),
            change_bus: Arc::<InProcessBus>::clone(&bus),
            rate_limiter: Arc::new(InProcessRateLimiter::new(Arc::clone(&clock), 100)),
            denylist: Arc::new(InProcessDenylist::new(clock, 100)),
            health,
        };
        Self { ports, bus, cache }
    }

    fn ports(&self) -> SharedPorts {
        SharedPorts {
            change_bus: Arc::new(self.bus.join()),
            ..self.ports.clone()
        }
    }

    fn puts(&self) -> Vec<(String, Bytes)> {
        self.cache.puts.lock().unwrap().clone()
    }
}

/// Two nodes on one database and one server, which have run for long; ada is logged in on the first.
async fn two_nodes() -> (Server, [Node; 2], Caller, TokenPair) {
    let server = Server::start();
    let here = Node::with(|config| config.shared = Some(server.ports())).await;
    let there = here
        .beside_with(|config| config.shared = Some(server.ports()))
        .await;
    let (caller, pair) = here.join("ada", Role::User).await;
    there.services.feed.catch_up().await.unwrap();
    for node in [&here, &there] {
        settle(node).await;
    }
    (server, [here, there], caller, pair)
}

/// Lets the node run for so long that it believes the shared cache.
async fn settle(node: &Node) {
    node.clock.age(Duration::from_secs(66));
    node.pass(66);
    node.services.feed.catch_up().await.unwrap();
}

fn renamed(user: User) -> User {
    User {
        username: Username::parse("countess").unwrap(),
        ..user
    }
}

#[tokio::test]
async fn what_one_node_has_loaded_another_does_not_ask_the_database_for() {
    let (_, [here, there], caller, pair) = two_nodes().await;
    here.caller(&pair).await;
    let list = here.list(View::Public).await;
    let units = there.store.units();
    assert_eq!(there.caller(&pair).await.principal, caller.principal);
    assert_eq!(there.list(View::Public).await, list);
    assert_eq!(there.store.units(), units);
}

#[tokio::test]
async fn what_is_shared_shows_nobody_a_name() {
    let (server, [here, _], caller, pair) = two_nodes().await;
    here.caller(&pair).await;
    here.list(View::Public).await;
    assert!(server.puts().len() >= 2);
    for (name, value) in server.puts() {
        let shown = [name.as_bytes(), &value].concat();
        assert!(!shown.windows(3).any(|bytes| bytes == b"ada"), "{name}");
    }
    assert_eq!(caller.principal.username.as_str(), "ada");
}

#[tokio::test]
async fn an_entry_that_others_have_written_is_not_believed() {
    let (server, [here, there], _, pair) = two_nodes().await;
    here.caller(&pair).await;
    let (name, value) = server.puts().pop().unwrap();
    let mut forged = value.to_vec();
    forged[20] ^= 1;
    let long = Duration::from_mins(10);
    server.cache.inner.put(&name, forged.into(), long).await;
    let units = there.store.units();
    there.caller(&pair).await;
    assert_eq!(there.store.units(), units + 1);
}

#[tokio::test]
async fn what_a_slow_node_puts_back_after_a_change_is_not_believed() {
    let (server, [here, there], caller, pair) = two_nodes().await;
    here.caller(&pair).await;
    here.list(View::Public).await;
    let before = server.puts();
    here.change(caller.principal.id, renamed).await;
    for (name, value) in before {
        let long = Duration::from_mins(10);
        server.cache.inner.put(&name, value, long).await;
    }
    // It heard of it over the bus.
    let principal = there.caller(&pair).await.principal;
    assert_eq!(principal.username.as_str(), "countess");
    assert_eq!(text(&there.list(View::Public).await.body), "countess");
    // And when it looks there again, the old entry is too old by its own account.
    settle(&there).await;
    let units = there.store.units();
    let principal = there.caller(&there.login("countess").await).await.principal;
    assert_eq!(principal.username.as_str(), "countess");
    assert!(there.store.units() > units);
}

#[tokio::test]
async fn a_node_that_begins_or_has_missed_something_asks_the_database() {
    let (server, [here, there], _, pair) = two_nodes().await;
    here.caller(&pair).await;
    let begins = here
        .beside_with(|config| config.shared = Some(server.ports()))
        .await;
    let units = begins.store.units();
    begins.caller(&pair).await;
    assert_eq!(begins.store.units(), units + 1);
    // After a long silence everything is loaded anew.
    there.clock.age(Duration::from_secs(601));
    there.services.feed.catch_up().await.unwrap();
    let units = there.store.units();
    there.caller(&pair).await;
    assert_eq!(there.store.units(), units + 1);
}

#[tokio::test]
async fn a_logout_is_in_force_on_another_node_before_it_reads_the_feed() {
    let (_, [here, there], caller, pair) = two_nodes().await;
    assert!(there.accepts(&pair).await);
    here.services.auth.logout_all(&caller).await.unwrap();
    assert!(!there.accepts(&pair).await);
}

#[tokio::test]
async fn a_node_whose_database_is_silent_learns_of_an_ended_session_from_the_denylist() {
    let (server, [here, _], caller, pair) = two_nodes().await;
    // It hears no announcement.
    let deaf = here
        .beside_with(|config| config.shared = Some(server.ports()))
        .await;
    assert!(deaf.accepts(&pair).await);
    let denied = {
        let shared = here.services.auth.shared().unwrap();
        shared.denied(caller.session().unwrap())
    };
    server
        .ports
        .denylist
        .deny(&[(denied, Duration::from_mins(5))])
        .await;
    assert!(
        deaf.accepts(&pair).await,
        "nobody asks while the feed is read"
    );
    deaf.clock.age(Duration::from_secs(2));
    deaf.store.rig(0, Event::Unavailable);
    assert!(!deaf.accepts(&pair).await);
    deaf.services.feed.catch_up().await.unwrap_err();
    deaf.services.feed.catch_up().await.unwrap();
    assert!(deaf.accepts(&pair).await, "the database is the authority");
}

#[tokio::test]
async fn whoever_ends_a_session_tells_the_denylist() {
    let (server, [here, _], caller, _) = two_nodes().await;
    let denied = here
        .services
        .auth
        .shared()
        .unwrap()
        .denied(caller.session().unwrap());
    here.services.auth.logout_all(&caller).await.unwrap();
    crate::testing::until("it is denied", async || {
        server.ports.denylist.is_denied(&denied).await == Some(true)
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_away_degrades_the_service_and_no_more() {
    let (server, [here, _], _, pair) = two_nodes().await;
    let status = || here.services.health.check().status();
    assert_eq!(status(), crate::health::HealthStatus::Ok);
    server.ports.health.set(LinkState::Down("cut".into()));
    assert_eq!(status(), crate::health::HealthStatus::Degraded);
    assert!(here.accepts(&pair).await);
    here.clock.age(Duration::from_secs(1));
    assert_eq!(status(), crate::health::HealthStatus::Unavailable);
}

#[tokio::test]
async fn with_a_lifetime_of_zero_not_even_an_entry_out_of_the_future_is_believed() {
    let (_, [here, _], _, _) = two_nodes().await;
    let shared = here.services.auth.shared().unwrap();
    let ahead = shared.clock.now() + TimeDelta::seconds(3);
    let minute = TimeDelta::minutes(1);
    shared.put("name", ahead, b"value", minute).await;
    let found = shared.get("name", minute).await.unwrap();
    assert_eq!(found.age, TimeDelta::zero());
    assert!(shared.get("name", TimeDelta::zero()).await.is_none());
}
