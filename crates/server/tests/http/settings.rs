//! The runtime settings.

use crate::support::{Response, Setup, TestApp, User, assert_fields, until};
use chrono::TimeDelta;
use doorward_domain::Settings;
use doorward_redis::testing::RedisServer;
use serde_json::{Value, json};
use std::time::Duration;

const SETTINGS: &str = "/api/v1/settings";
/// How soon every node follows a change.
const IN_FORCE: Duration = Duration::from_secs(2);

async fn change(owner: &User, body: Value) -> Response {
    owner.patch(SETTINGS, body).await
}

async fn lifetime(app: &TestApp, name: &str) -> Value {
    let login = app.anon().login(name, crate::support::PASSWORD).await;
    login.expect(200).json()["expires_in"].clone()
}

#[tokio::test]
async fn every_setting_tells_what_it_is_and_who_has_changed_it() {
    let app = Setup::new()
        .settings(|settings| {
            *settings = Settings::default();
            settings.step_up_window = TimeDelta::seconds(7);
        })
        .start()
        .await;
    let owner = app.owner().await;
    let body = json!({ "ACCESS_TOKEN_LIFETIME": 30, "LOGIN_RATE_LIMIT": "OFF" });
    change(&owner, body).await.expect(200);
    let answer = owner.get(SETTINGS).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let all = answer.json();
    let names = [
        "ACCESS_TOKEN_LIFETIME",
        "REFRESH_TOKEN_LIFETIME",
        "REFRESH_GRACE_PERIOD",
        "USER_LIST_CACHE_TTL",
        "SESSION_CACHE_TTL",
        "STEP_UP_WINDOW",
        "REGISTRATION_OPEN",
        "PUBLIC_USER_LIST",
        "LOGIN_RATE_LIMIT",
        "REGISTER_RATE_LIMIT",
        "TASK_RETENTION",
        "AUDIT_RETENTION",
    ];
    assert_fields(&all, &names);
    assert_eq!(
        all["ACCESS_TOKEN_LIFETIME"],
        json!({
            "value": 30,
            "default": 300,
            "description": "How long an access token is good, in seconds.",
            "minimum": 5,
            "maximum": 86400,
            "changed_at": "2025-06-15T15:06:40Z",
            "changed_by": owner.id,
        })
    );
    assert_eq!(all["LOGIN_RATE_LIMIT"]["value"], "off");
    assert_eq!(
        all["REGISTER_RATE_LIMIT"],
        json!({
            "value": "20/min",
            "default": "20/min",
            "description": "How often somebody may try to register one account from one address.",
            "changed_at": null,
            "changed_by": null,
        })
    );
    assert_eq!(all["REGISTRATION_OPEN"]["value"], true);
    let variable = &all["STEP_UP_WINDOW"];
    assert_eq!(
        (&variable["value"], &variable["default"]),
        (&json!(7), &json!(300))
    );
}

#[tokio::test]
async fn a_change_is_in_force_on_another_node_within_two_seconds_with_and_without_a_redis() {
    let redis = RedisServer::start(&[]);
    for setup in [Setup::new(), Setup::new().redis(redis.config())] {
        let here = setup.start().await;
        let there = here.second_node().await;
        let owner = here.owner().await;
        assert_eq!(lifetime(&there, "owner").await, 300);
        let body = json!({ "ACCESS_TOKEN_LIFETIME": 30 });
        change(&owner, body).await.expect(200);
        assert_eq!(lifetime(&here, "owner").await, 30, "at once");
        let follows = async || lifetime(&there, "owner").await == 30;
        until("the other node follows", IN_FORCE, follows).await;
        let listed = owner.at(&there.anon()).get(SETTINGS).await.json();
        assert_eq!(listed["ACCESS_TOKEN_LIFETIME"]["changed_by"], *owner.id);
    }
}

#[tokio::test]
async fn a_change_outlives_a_restart() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let body = json!({ "ACCESS_TOKEN_LIFETIME": 30 });
    change(&owner, body).await.expect(200);
    let app = app.restart().await;
    assert_eq!(lifetime(&app, "owner").await, 30);
}

#[tokio::test]
async fn all_bad_values_are_named_and_then_none_is_taken() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let seconds = |minimum, maximum| {
        json!([format!(
            "Must be a whole number of seconds from {minimum} to {maximum}."
        )])
    };
    let rate = json!(["Must be N/sec, N/min or N/hour with N from 1 to 1000000, or off."]);
    let refused = change(
        &owner,
        json!({
            "ACCESS_TOKEN_LIFETIME": 30,
            "REFRESH_TOKEN_LIFETIME": "60",
            "REFRESH_GRACE_PERIOD": 61,
            "USER_LIST_CACHE_TTL": 1.5,
            "SESSION_CACHE_TTL": null,
            "STEP_UP_WINDOW": 1e30,
            "REGISTRATION_OPEN": "true",
            "LOGIN_RATE_LIMIT": 10,
            "REGISTER_RATE_LIMIT": "1000001/hour",
            "access_token_lifetime": 30,
        }),
    )
    .await;
    let expected = json!({
        "REFRESH_TOKEN_LIFETIME": seconds(60, 31_622_400),
        "REFRESH_GRACE_PERIOD": seconds(0, 60),
        "USER_LIST_CACHE_TTL": seconds(0, 86_400),
        "SESSION_CACHE_TTL": seconds(0, 3600),
        "STEP_UP_WINDOW": seconds(0, 86_400),
        "REGISTRATION_OPEN": ["Must be true or false."],
        "LOGIN_RATE_LIMIT": rate,
        "REGISTER_RATE_LIMIT": rate,
        "access_token_lifetime": ["There is no such setting."],
    });
    assert_eq!(refused.errors(), expected);
    assert_eq!(lifetime(&app, "owner").await, 300);
}

#[tokio::test]
async fn whoever_has_seen_an_older_version_is_told_so_and_changes_nothing() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let tag = |answer: &Response| answer.header("etag").unwrap().to_owned();
    let seen = tag(&owner.get(SETTINGS).await);
    let with = |seconds: u32, tag: &str| {
        let body = json!({ "ACCESS_TOKEN_LIFETIME": seconds });
        owner.patch(SETTINGS, body).header("if-match", tag)
    };
    let first = with(30, &seen).await.expect(200);
    assert_ne!(tag(&first), seen);
    with(40, &seen).await.problem(409, "edit_conflict");
    with(40, "nonsense").await.problem(409, "edit_conflict");
    let weak = format!("W/{}", tag(&first));
    with(40, &weak).await.problem(409, "edit_conflict");
    assert_eq!(lifetime(&app, "owner").await, 30);
    let known = owner.get(SETTINGS).header("if-none-match", tag(&first));
    assert_eq!(known.await.expect(304).body, "");
    with(40, &format!("{seen}, {}", tag(&first)))
        .await
        .expect(200);
    with(50, "*").await.expect(200);
    assert_eq!(lifetime(&app, "owner").await, 50);
}

#[tokio::test]
async fn a_closed_registration_and_a_closed_list_are_closed_at_once() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    app.anon().get("/api/v1/users").await.expect(200);
    let body = json!({ "REGISTRATION_OPEN": false, "PUBLIC_USER_LIST": false });
    change(&owner, body).await.expect(200);
    let refused = app.anon().register("ada").await;
    refused.problem(403, "registration_closed");
    let refused = app.anon().get("/api/v1/users").await;
    refused.problem(401, "not_authenticated");
}
