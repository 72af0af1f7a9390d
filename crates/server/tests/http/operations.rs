//! For operators and their probes.

use crate::support::{Database, PATIENCE, TestApp, assert_fields, until};
use serde_json::json;

#[tokio::test]
async fn health_has_the_fields_of_the_contract() {
    let app = TestApp::start().await;
    let with_redis = Database::of_this_run() == Database::Postgres;
    if with_redis {
        // It connects in the background.
        let is_ok = || async { app.anon().get("/api/v1/health").await.text("status") == "ok" };
        until("the Redis answers", PATIENCE, is_ok).await;
    }
    let answer = app.anon().get("/api/v1/health").await.expect(200);
    let body = answer.json();
    assert_fields(&body, &["status", "timestamp", "components", "info"]);
    assert_eq!(body["status"], "ok");
    assert_eq!(body["timestamp"], "2025-06-15T15:06:40Z");
    let components = if with_redis {
        json!({ "database": true, "redis": true })
    } else {
        json!({ "database": true })
    };
    assert_eq!(body["components"], components);
    let info = json!({ "version": env!("CARGO_PKG_VERSION"), "environment": "test" });
    assert_eq!(body["info"], info);
}

#[tokio::test]
async fn it_lives_and_is_ready_until_it_drains() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz"] {
        let answer = app.anon().get(path).await.expect(200);
        assert_eq!(answer.json(), json!({ "status": "ok" }));
    }
    app.on_server(|application| Box::pin(async move { application.drain() }))
        .await;
    let answer = app.anon().get("/readyz").await.expect(503);
    assert_eq!(answer.json(), json!({ "status": "draining" }));
    app.anon().get("/livez").await.expect(200);
    app.anon().register("ada").await.expect(201);
}
