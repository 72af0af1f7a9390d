//! The walk through the routes of API keys.

use super::NOBODY;
use crate::support::{Response, TestApp, User};
use serde_json::json;

/// How many keys a user may have.
const MOST: usize = 100;

/// What succeeds, and what is refused for reasons of its own.
pub(super) async fn walk(app: &TestApp, owner: &User) -> Vec<Response> {
    let (kay, list) = (app.user("kay").await, "/api/v1/api-keys");
    let key = kay.issue(&["profile:read"]).await;
    let (own, none) = (format!("{list}/{}", key.id), format!("{list}/{NOBODY}"));
    let (again, never) = (format!("{own}/regenerate"), format!("{none}/regenerate"));
    let theirs = format!("/api/v1/users/{}/api-keys", kay.id);
    let one_of_theirs = format!("{theirs}/{}", kay.issue(&["tasks:read"]).await.id);
    let strangers = format!("/api/v1/users/{NOBODY}/api-keys");
    let verify = |key: &str| {
        app.anon()
            .post("/api/v1/api-keys/verify", json!({ "key": key }))
    };
    let mut answers = vec![
        kay.post(list, json!({ "name": "report", "expires_at": null }))
            .await,
        kay.get(list).await,
        kay.get("/api/v1/api-keys?limit=1").await,
        kay.get("/api/v1/api-keys?limit=0").await,
        kay.get(&own).await,
        kay.get(&none).await,
        kay.patch(&own, json!({ "scopes": ["users:read"] })).await,
        kay.patch(&own, json!({ "scopes": ["everything"] })).await,
        kay.patch(&none, json!({})).await,
        verify(&key.key).await,
        verify("x").await,
        kay.get("/api/v1/auth/forward").await,
        app.anon()
            .with_key(&key.key)
            .get("/api/v1/auth/forward")
            .await,
        kay.post(&again, json!({ "overlap_seconds": 60 })).await,
        kay.post(&again, json!({ "overlap_seconds": -1 })).await,
        kay.post(&never, json!({})).await,
        owner.get(&theirs).await,
        owner.get(&format!("{theirs}?limit=0")).await,
        kay.get(&theirs).await,
        owner.get(&strangers).await,
        kay.delete(&one_of_theirs).await,
        owner.delete(&one_of_theirs).await,
        owner.delete(&one_of_theirs).await,
        kay.delete(&own).await,
        kay.delete(&own).await,
    ];
    let (mut made, collector) = (0, app.user("collector").await);
    while made < MOST {
        collector.issue(&["tasks:read"]).await;
        made += 1;
    }
    answers.push(collector.post(list, json!({ "name": "one more" })).await);
    answers
}
