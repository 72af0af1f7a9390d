//! How often something may be tried, over the socket.

use crate::support::{Client, PASSWORD, Request, Response, Setup, TestApp, at_once};
use doorward_services::testing::until;
use serde_json::json;
use std::time::Duration;

const WRONG: &str = "not-the-Password-1";

fn limited(login: &str, register: &str) -> Setup {
    let (login, register) = (login.parse().unwrap(), register.parse().unwrap());
    Setup::new()
        .settings(|settings| {
            settings.login_rate_limit = login;
            settings.register_rate_limit = register;
        })
        .behind(&["127.0.0.1"])
}

/// A login from this address.
fn login(app: &TestApp, name: &str, password: &str, address: &str) -> Request {
    app.anon()
        .login(name, password)
        .header("x-forwarded-for", address)
}

/// And a little more, since large limits are remembered in portions; until the feed is read again.
async fn minute(app: &TestApp) {
    app.pass(Duration::from_secs(64));
    until("the feed is read", async || {
        app.anon().get("/api/v1/health").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_login_tells_what_is_left_and_when_to_come_again() {
    let app = limited("2/min", "off").start().await;
    app.anon().register("ada").await.expect(201);
    let good = app.anon().login("ada", PASSWORD).await.expect(200);
    assert_eq!(
        good.header("ratelimit"),
        Some(r#""address";r=39;t=60, "account";r=1;t=60"#)
    );
    let policy = r#""address";q=40;w=60, "account";q=2;w=60"#;
    assert_eq!(good.header("ratelimit-policy"), Some(policy));
    assert_eq!(good.header("retry-after"), None);
    let bad = app.anon().login("ada", WRONG).await;
    bad.problem(401, "invalid_credentials");
    assert_eq!(bad.header("ratelimit-policy"), Some(policy));
    let refused = app.anon().login("ada", PASSWORD).await;
    refused.problem(429, "throttled");
    assert!(
        refused
            .header("ratelimit")
            .unwrap()
            .contains(r#""account";r=0;t="#)
    );
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    app.pass(Duration::from_secs(wait));
    app.anon().login("ada", PASSWORD).await.expect(200);
}

/// But for what names the request and the time.
fn told(answer: &Response) -> (u16, Vec<(String, String)>, String) {
    let own = ["date", "x-request-id", "retry-after", "ratelimit"];
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .collect();
    headers.sort();
    let id = answer.header("x-request-id").unwrap();
    (answer.status, headers, answer.body.replace(id, ""))
}

#[tokio::test]
async fn nobody_learns_by_a_refusal_whether_there_is_such_an_account() {
    let app = limited("1/min", "off").start().await;
    app.anon().register("ada").await.expect(201);
    for path in ["/api/v1/user/login", "/api/v1/auth/token", "/api/login"] {
        let mut answers = Vec::new();
        for name in ["ada", "eve"] {
            let body = json!({ "username": name, "password": WRONG });
            app.anon().post(path, body.clone()).await.expect(401);
            answers.push(told(&app.anon().post(path, body).await.expect(429)));
        }
        assert_eq!(answers[0], answers[1], "{path}");
        minute(&app).await;
    }
}

#[tokio::test]
async fn clients_of_older_services_are_told_in_their_words() {
    let app = limited("1/min", "1/min").start().await;
    let body = json!({ "username": "ada", "password": WRONG });
    app.anon()
        .post("/api/login", body.clone())
        .await
        .expect(401);
    let refused = app.anon().post("/api/login", body).await.expect(429);
    let wait = refused.header("retry-after").unwrap();
    let detail = format!("Request was throttled. Expected available in {wait} seconds.");
    assert_eq!(
        refused.json(),
        json!({ "detail": detail, "code": "throttled" })
    );
    let new = json!({ "email": "eve@example.com", "password": PASSWORD });
    app.anon()
        .post("/api/register", new.clone())
        .await
        .expect(201);
    app.anon().post("/api/register", new).await.expect(429);
}

#[tokio::test]
async fn a_stranger_locks_nobody_out_where_he_has_logged_in_before() {
    let app = limited("3/min", "off").start().await;
    app.anon().register("ada").await.expect(201);
    login(&app, "ada", PASSWORD, "192.0.2.1").await.expect(200);
    minute(&app).await;
    let guesses = (0..30).map(|number| login(&app, "ada", WRONG, &format!("203.0.113.{number}")));
    let guesses = at_once(guesses.collect::<Vec<_>>()).await;
    let hashed = guesses.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(hashed, 3);
    login(&app, "ada", PASSWORD, "198.51.100.1")
        .await
        .expect(429);
    login(&app, "ada", PASSWORD, "192.0.2.1").await.expect(200);
}

#[tokio::test]
async fn whoever_makes_up_his_address_is_counted_by_his_own() {
    let app = limited("1/min", "off")
        .behind(&["10.0.0.0/8"])
        .start()
        .await;
    for (number, status) in [(1, 401), (2, 429)] {
        let address = format!("203.0.113.{number}");
        login(&app, "nobody", WRONG, &address).await.expect(status);
    }
}

/// What takes a password of somebody who is logged in.
fn proofs(caller: &Client) -> Vec<Request> {
    let password = json!({ "current_password": WRONG, "new_password": "Eiffel-gustav-1889-b" });
    let email = json!({ "email": "mine@example.com", "current_password": WRONG });
    vec![
        caller.post("/api/v1/user/password", password),
        caller.patch("/api/v1/user/me", email.clone()),
        caller.put("/api/v1/user/me", email.clone()),
        caller.put("/api/me", email),
        caller
            .delete("/api/v1/user/me")
            .json(&json!({ "current_password": WRONG })),
    ]
}

#[tokio::test]
async fn every_route_that_takes_a_password_draws_on_one_budget() {
    let app = limited("2/min", "off")
        .settings(|settings| settings.step_up_window = chrono::TimeDelta::zero());
    let app = app.start().await;
    let ada = app.user("ada").await;
    app.clock.advance(chrono::TimeDelta::seconds(5));
    let key = ada.issue(&["profile:write"]).await.key;
    let key = app.anon().with_key(&key);
    for number in 0..5 {
        minute(&app).await;
        proofs(&ada).remove(number).await.expect(400);
        app.anon().login("ada", WRONG).await.expect(401);
        for caller in [&*ada, &key] {
            for (number, request) in proofs(caller).into_iter().enumerate() {
                // Keys change profiles, and neither passwords nor accounts.
                let is_closed = caller.is_key() && matches!(number, 0 | 4);
                let refused = request.await;
                assert_eq!(
                    refused.status,
                    if is_closed { 403 } else { 429 },
                    "{refused}"
                );
                assert_eq!(refused.header("retry-after").is_some(), !is_closed);
            }
        }
        app.anon().login("ada", PASSWORD).await.expect(429);
    }
}

#[tokio::test]
async fn refreshes_that_fail_are_refused_in_the_end_and_good_ones_are_not() {
    let app = limited("1/min", "off").start().await;
    let ada = app.user("ada").await;
    for (number, path) in [
        "/api/v1/user/refresh",
        "/api/v1/auth/token/refresh",
        "/api/token/refresh",
    ]
    .iter()
    .cycle()
    .take(20)
    .enumerate()
    {
        let field = if number % 3 == 0 {
            "refresh_token"
        } else {
            "refresh"
        };
        app.anon()
            .post(path, json!({ field: "x" }))
            .await
            .expect(401);
    }
    let refused = app.anon().refresh("x").await;
    refused.problem(429, "throttled");
    assert_eq!(
        refused.header("ratelimit-policy"),
        Some(r#""address";q=20;w=60"#)
    );
    app.anon()
        .post("/api/refresh", json!({ "refresh_token": "x" }))
        .await
        .expect(429);
    app.anon().refresh(&ada.refresh).await.expect(200);
}

#[tokio::test]
async fn registrations_from_one_address_are_limited_and_those_by_admins_less() {
    let app = limited("off", "1/min").start().await;
    app.anon().register("ada").await.expect(201);
    app.anon().register("eve").await.problem(429, "throttled");
    let body = json!({ "email": "bob@example.com", "password": PASSWORD });
    let elsewhere = app.anon().post("/api/account/create", body);
    elsewhere
        .header("x-forwarded-for", "203.0.113.1")
        .await
        .expect(201);
    let admin = app.admin().await;
    for number in 0..20 {
        admin.register(&format!("new{number}")).await.expect(201);
    }
    admin.register("another").await.expect(429);
}

#[tokio::test]
async fn nodes_that_share_a_redis_count_together_and_each_by_itself_without_it() {
    let mut redis = doorward_redis::testing::RedisServer::start(&[]);
    let app = limited("4/min", "off").redis(redis.config()).start().await;
    let other = app.second_node().await;
    for node in [&app, &other] {
        until("it has its Redis", async || {
            node.anon().get("/api/v1/health").await.text("status") == "ok"
        })
        .await;
    }
    for node in [&app, &other, &app, &other] {
        node.anon().login("nobody", WRONG).await.expect(401);
    }
    for node in [&app, &other] {
        node.anon().login("nobody", WRONG).await.expect(429);
    }
    redis.kill();
    for node in [&app, &other] {
        for _ in 0..4 {
            node.anon().login("eve", WRONG).await.expect(401);
        }
        node.anon().login("eve", WRONG).await.expect(429);
    }
}
