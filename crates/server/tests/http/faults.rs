//! What clients see when the database or the program fails.

use crate::support::{Fault, PASSWORD, Setup, forgeries, until};
use serde_json::json;
use std::time::Duration;

/// For how long memory is trusted without the change feed.
const MAX_AGE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn who_is_known_asks_no_database() {
    let (app, store) = Setup::new().start_faulty().await;
    let ada = app.user("ada").await;
    ada.me().await.expect(200);
    store.fail(Fault::Outage);
    for _ in 0..20 {
        let me = ada.me().await.expect(200);
        assert_eq!(me.text("username"), "ada");
    }
    app.clock.age(Duration::from_secs(5));
    ada.me().await.expect(200);
    app.clock.age(Duration::from_secs(5));
    let answer = ada.me().await;
    answer.problem(503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    store.fail(Fault::None);
    until("the feed is read again", Duration::from_secs(2), || async {
        ada.me().await.status == 200
    })
    .await;
}

#[tokio::test]
async fn the_list_comes_from_memory_while_the_database_is_away() {
    let (app, store) = Setup::new().start_faulty().await;
    app.anon().register("ada").await.expect(201);
    let list = app.anon().get("/api/v1/users").await.expect(200);
    store.fail(Fault::Outage);
    let again = app.anon().get("/api/v1/users").await.expect(200);
    assert_eq!(again.body, list.body);
    let other = app.anon().get("/api/v1/users?limit=3").await;
    other.problem(503, "unavailable");
    app.clock.age(MAX_AGE);
    let stale = app.anon().get("/api/v1/users").await;
    stale.problem(503, "unavailable");
}

#[tokio::test]
async fn a_forged_token_costs_no_query() {
    let (app, store) = Setup::new().start_faulty().await;
    let ada = app.user("ada").await;
    store.fail(Fault::Outage);
    for (trick, token) in forgeries(&ada.refresh) {
        let answer = app.anon().refresh(&token).await;
        assert_eq!(answer.status, 401, "{trick}: {answer}");
    }
    for (trick, token) in forgeries(&ada.access) {
        let answer = app.anon().with_token(&token).me().await;
        assert_eq!(answer.status, 401, "{trick}: {answer}");
    }
    let genuine = app.anon().refresh(&ada.refresh).await;
    genuine.problem(503, "unavailable");
}

#[tokio::test]
async fn an_outage_is_503_and_never_a_wrong_password_and_it_passes() {
    let (app, store) = Setup::new().start_faulty().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    for user in [&admin, &ada] {
        user.me().await.expect(200);
    }
    store.fail(Fault::Outage);
    let user = format!("/api/v1/users/{}", ada.id);
    for answer in [
        app.anon().login("ada", PASSWORD).await,
        app.anon().login("nobody", "wrong").await,
        app.anon().register("eve").await,
        app.anon().refresh(&ada.refresh).await,
        ada.logout(&ada.refresh).await,
        ada.get("/api/v1/user/sessions").await,
        ada.request("POST", "/api/v1/user/logout-all").await,
        ada.patch("/api/v1/user/me", json!({ "username": "x" }))
            .await,
        admin.get(&user).await,
        admin.patch(&user, json!({ "username": "x" })).await,
        admin.delete(&user).await,
    ] {
        answer.problem(503, "unavailable");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{answer}");
        assert!(
            !answer.body.contains("driver") && !answer.body.contains("10.0.0.7"),
            "{answer}"
        );
    }
    app.clock.age(Duration::from_secs(1));
    let health = app.anon().get("/api/v1/health").await.expect(503).json();
    assert_eq!(health["status"], "unavailable");
    assert_eq!(health["components"]["database"], false);
    let ready = app.anon().get("/readyz").await.expect(503);
    assert_eq!(ready.json(), json!({ "status": "unavailable" }));
    app.anon().get("/livez").await.expect(200);
    assert!(store.refused() > 0);
    store.fail(Fault::None);
    until("it is ready again", Duration::from_secs(2), || async {
        app.anon().get("/readyz").await.status == 200
    })
    .await;
    app.anon().get("/api/v1/health").await.expect(200);
    ada.me().await.expect(200);
    let next = app.anon().refresh(&ada.refresh).await.expect(200);
    app.anon()
        .refresh(&next.text("refresh_token"))
        .await
        .expect(200);
    app.login("ada").await;
}

#[tokio::test]
async fn what_was_revoked_elsewhere_during_an_outage_is_refused_when_it_has_passed() {
    let (app, store) = Setup::new().start_faulty().await;
    let other = app.second_node().await;
    let ada = app.user("ada").await;
    ada.me().await.expect(200);
    store.fail(Fault::Outage);
    let there = ada.at(&other.anon());
    there.logout(&ada.refresh).await.expect(200);
    app.clock.age(MAX_AGE);
    ada.me().await.problem(503, "unavailable");
    store.fail(Fault::None);
    let answered = until(
        "an answer without the database",
        Duration::from_secs(2),
        || async {
            match ada.me().await.status {
                503 => false,
                401 => true,
                status => panic!("the session has ended: {status}"),
            }
        },
    );
    answered.await;
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_goes_on() {
    let (app, store) = Setup::new().start_faulty().await;
    let ada = app.user("ada").await;
    for fault in [Fault::PanicInTransaction, Fault::PanicInHandler] {
        for _ in 0..6 {
            store.fail(fault);
            let answer = app.anon().register("eve").await;
            answer.problem(500, "internal_error");
            assert!(!answer.body.contains("purpose"), "{answer}");
            assert_eq!(answer.header("retry-after"), None);
            let answer = app.anon().refresh(&ada.refresh).await;
            answer.problem(500, "internal_error");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            ada.me().await.expect(200);
            store.fail(Fault::None);
        }
    }
    app.anon().register("eve").await.expect(201);
    app.anon().refresh(&ada.refresh).await.expect(200);
    app.anon().get("/readyz").await.expect(200);
}
