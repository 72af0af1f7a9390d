//! What other services ask: whether a key is good, and who makes a request.

use super::{KEYS, READING};
use crate::support::{Response, TestApp, claims};
use chrono::TimeDelta;
use doorward_domain::Role;
use serde_json::{Value, json};

const FORWARD: &str = "/api/v1/auth/forward";

async fn verify(app: &TestApp, key: &str) -> Value {
    let answer = app
        .anon()
        .post("/api/v1/api-keys/verify/", json!({ "key": key }));
    let answer = answer.await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

#[tokio::test]
async fn whether_a_key_is_good_and_for_what_is_told_to_whoever_has_it() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let issued = ada.issue(&["profile:read", "tasks:write"]).await;
    let good = |expires_at| {
        json!({
            "valid": true, "user_id": ada.id, "scopes": ["profile:read", "tasks:write"], "expires_at": expires_at,
        })
    };
    assert_eq!(verify(&app, &issued.key).await, good(Value::Null));
    let path = format!("{KEYS}/{}", issued.id);
    let expiry = json!({ "expires_at": "2025-06-15T16:00:00Z" });
    ada.patch(&path, expiry).await.expect(200);
    assert_eq!(
        verify(&app, &issued.key).await,
        good(json!("2025-06-15T16:00:00Z"))
    );
    // The old secret ends before the key does.
    let body = json!({ "overlap_seconds": 60 });
    let renewed = ada.post(&format!("{path}/regenerate"), body).await;
    let renewed = renewed.expect(200).text("key");
    assert_eq!(
        verify(&app, &renewed).await,
        good(json!("2025-06-15T16:00:00Z"))
    );
    assert_eq!(
        verify(&app, &issued.key).await,
        good(json!("2025-06-15T15:07:40Z"))
    );
    app.clock.advance(TimeDelta::seconds(60));
    let bad = json!({ "valid": false });
    for key in [
        &*issued.key,
        "",
        "x",
        "dwk_0000000000000000000000000000001D4ztb",
    ] {
        assert_eq!(verify(&app, key).await, bad, "{key}");
    }
    ada.delete(&path).await.expect(204);
    assert_eq!(verify(&app, &renewed).await, bad);
    for body in [json!({}), json!({ "key": 5 }), json!({ "key": null })] {
        let refused = app.anon().post("/api/v1/api-keys/verify", body).await;
        assert!(refused.errors().get("key").is_some());
    }
}

/// Who it is, for whoever asks on behalf of a request.
#[track_caller]
fn forwarded(answer: &Response) -> [&str; 3] {
    assert_eq!((answer.status, &*answer.body), (200, ""), "{answer}");
    ["x-user-id", "x-user-role", "x-scopes"].map(|name| answer.header(name).unwrap())
}

#[tokio::test]
async fn a_proxy_learns_who_makes_a_request() {
    let app = TestApp::start().await;
    let ada = app.somebody("ada", Role::Admin).await;
    let key = ada.issue(&READING).await.key;
    let by_key = app.anon().with_key(&key).get(FORWARD).await;
    let reading = "profile:read users:read tasks:read";
    assert_eq!(forwarded(&by_key), [&*ada.id, "admin", reading]);
    let by_header = app.anon().get(FORWARD);
    let by_header = by_header.header("authorization", format!("Api-Key {key}"));
    assert_eq!(forwarded(&by_header.await)[0], ada.id);
    // A token may do all that any scope allows.
    let by_token = ada.get(FORWARD).await;
    let all = "profile:read profile:write users:read tasks:read tasks:write";
    assert_eq!(forwarded(&by_token), [&*ada.id, "admin", all]);
    // What a client says of itself counts for nothing.
    let lied = ada.get(FORWARD).header("x-user-role", "owner");
    assert_eq!(forwarded(&lied.await)[1], "admin");
    let head = ada.request("HEAD", FORWARD).await;
    assert_eq!(forwarded(&head)[1], "admin");
}

#[tokio::test]
async fn whoever_is_not_let_in_gets_nothing_but_401() {
    let app = TestApp::start().await;
    let (ada, owner) = (app.user("ada").await, app.owner().await);
    let issued = ada.issue(&READING).await;
    let by_key = app.anon().with_key(&issued.key);
    by_key.get(FORWARD).await.expect(200);
    for (request, code) in [
        (app.anon().get(FORWARD), "not_authenticated"),
        (app.anon().with_token("x").get(FORWARD), "token_not_valid"),
        (
            app.anon().with_token(&ada.refresh).get(FORWARD),
            "token_not_valid",
        ),
        (app.anon().with_key("x").get(FORWARD), "api_key_not_valid"),
        (
            ada.get(FORWARD).header("x-api-key", &issued.key),
            "two_credentials",
        ),
        (
            app.anon()
                .get(FORWARD)
                .header("authorization", "Basic eDp5"),
            "token_not_valid",
        ),
    ] {
        let refused = request.await;
        refused.problem(401, code);
        assert!(refused.header("www-authenticate").is_some());
        assert_eq!(refused.header("x-user-id"), None);
    }
    let session = claims(&ada.access)["sid"].as_str().unwrap().to_owned();
    let session = format!("/api/v1/user/sessions/{session}");
    ada.delete(&session).await.expect(204);
    ada.get(FORWARD).await.problem(401, "token_not_valid");
    by_key.get(FORWARD).await.expect(200);
    let path = format!("/api/v1/users/{}", ada.id);
    owner
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    by_key.get(FORWARD).await.problem(401, "api_key_not_valid");
}
