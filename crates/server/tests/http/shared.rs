//! What a Redis beside the database does for the nodes, and what it cannot do to them.

use crate::support::{Fault, Setup, TestApp, User, until};
use doorward_redis::testing::RedisServer;
use serde_json::json;
use std::time::Duration;

/// How soon a fact must be told.
const SOON: Duration = Duration::from_secs(1);
/// How soon it is as it was.
const BACK: Duration = Duration::from_secs(2);

async fn status(app: &TestApp) -> (u16, String) {
    let answer = app.anon().get("/api/v1/health").await;
    (answer.status, answer.text("status"))
}

async fn until_it_is(app: &TestApp, expected: &str, within: Duration) {
    until(expected, within, || async {
        status(app).await.1 == expected
    })
    .await;
}

async fn with_redis(redis: &RedisServer) -> TestApp {
    let app = Setup::new().redis(redis.config()).start().await;
    until_it_is(&app, "ok", BACK).await;
    app
}

/// Everything goes on, and what is ended is over.
async fn everything_works(app: &TestApp, name: &str) {
    let user = app.user(name).await;
    user.me().await.expect(200);
    app.anon().get("/api/v1/users").await.expect(200);
    let renewed = app.anon().refresh(&user.refresh).await.expect(200);
    user.logout(&renewed.text("refresh_token"))
        .await
        .expect(200);
    let again = user.me().await;
    again.problem(401, "token_not_valid");
}

#[tokio::test]
async fn without_its_redis_the_service_is_degraded_and_goes_on() {
    let mut redis = RedisServer::start(&[]);
    let app = with_redis(&redis).await;
    redis.kill();
    until_it_is(&app, "degraded", SOON).await;
    let health = app.anon().get("/api/v1/health").await.expect(200);
    let components = json!({ "database": true, "redis": false });
    assert_eq!(health.json()["components"], components);
    app.anon().get("/readyz").await.expect(200);
    everything_works(&app, "ada").await;
    redis.run();
    until_it_is(&app, "ok", BACK).await;
    everything_works(&app, "eve").await;
}

#[tokio::test]
async fn a_frozen_redis_holds_nobody_up() {
    let redis = RedisServer::start(&[]);
    let app = with_redis(&redis).await;
    redis.freeze();
    everything_works(&app, "ada").await;
    until_it_is(&app, "degraded", SOON).await;
    redis.thaw();
    until_it_is(&app, "ok", BACK).await;
}

#[tokio::test]
async fn a_server_starts_without_its_redis() {
    let mut redis = RedisServer::stopped(&[]);
    let app = Setup::new().redis(redis.config()).start().await;
    everything_works(&app, "ada").await;
    until_it_is(&app, "degraded", SOON).await;
    redis.run();
    until_it_is(&app, "ok", BACK).await;
}

#[tokio::test]
async fn what_is_ended_stays_so_when_the_redis_forgets_everything() {
    let redis = RedisServer::start(&[]);
    let app = with_redis(&redis).await;
    let other = app.second_node().await;
    let ada = app.user("ada").await;
    let there = other.anon().with_token(&ada.access);
    there.me().await.expect(200);
    ada.logout(&ada.refresh).await.expect(200);
    redis.tell(&["FLUSHALL"]);
    let refused = || async { there.me().await.status == 401 };
    until("it is refused there", SOON, refused).await;
    redis.tell(&["FLUSHALL"]);
    there.me().await.problem(401, "token_not_valid");
    ada.me().await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_node_hears_of_a_logout_although_its_database_is_silent() {
    let redis = RedisServer::start(&[]);
    let setup = Setup::new().redis(redis.config());
    let (app, store) = setup.start_faulty().await;
    until_it_is(&app, "ok", BACK).await;
    let other = app.second_node().await;
    until_it_is(&other, "ok", BACK).await;
    let ada = app.user("ada").await;
    ada.me().await.expect(200);
    let listening = || async { subscribers(&redis) == 2 };
    until("both nodes listen", BACK, listening).await;
    store.fail(Fault::Outage);
    let there = User::of_login(
        &other.anon(),
        &other.anon().login("ada", crate::support::PASSWORD).await,
    );
    there
        .request("POST", "/api/v1/user/logout-all")
        .await
        .expect(200);
    let refused = || async { ada.me().await.status == 401 };
    until("it is refused here", SOON, refused).await;
}

fn subscribers(redis: &RedisServer) -> u64 {
    let channels = redis.ask(&["PUBSUB", "CHANNELS"]);
    let names = channels.iter().map(String::as_str);
    let words: Vec<_> = ["PUBSUB", "NUMSUB"].into_iter().chain(names).collect();
    let numbers = redis.ask(&words);
    numbers
        .iter()
        .filter_map(|word| word.parse::<u64>().ok())
        .sum()
}

#[tokio::test]
async fn what_lies_in_the_redis_names_nobody() {
    let redis = RedisServer::start(&[]);
    let app = with_redis(&redis).await;
    let ada = app.user("ada.lovelace").await;
    ada.me().await.expect(200);
    app.anon().get("/api/v1/users").await.expect(200);
    let secrets = [&*ada.access, &*ada.refresh, "ada.lovelace", "example.com"];
    let keys = redis.ask(&["KEYS", "*"]);
    assert!(!keys.is_empty());
    for key in keys {
        let value = redis.bytes(&key);
        let text = String::from_utf8_lossy(&value);
        for secret in secrets {
            assert!(!key.contains(secret) && !text.contains(secret), "{key}");
        }
    }
}
