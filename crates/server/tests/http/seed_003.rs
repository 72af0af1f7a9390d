//! The commands of seed 003's document, from top to bottom, as far as there is what they ask for: tokens by simplejwt
//! and the health check.

use crate::support::{PASSWORD, TestApp, assert_fields, claims};
use serde_json::json;

#[tokio::test]
async fn every_command_about_tokens_and_health_gives_the_documented_answer() {
    let app = TestApp::start().await;
    app.anon().register("your_username").await.expect(201);

    // 1. Authentication
    let body = json!({ "username": "your_username", "password": PASSWORD });
    let pair = app.anon().post("/api/v1/auth/token/", body).await;
    let pair = pair.expect(200);
    assert_fields(&pair.json(), &["access", "refresh"]);
    assert_eq!(claims(&pair.text("access"))["token_type"], "access");
    assert_eq!(claims(&pair.text("refresh"))["token_type"], "refresh");
    let user = app.anon().with_token(&pair.text("access"));
    assert_eq!(user.me().await.text("username"), "your_username");

    // 2. Health check
    let health = app.anon().get("/api/v1/health/").await.expect(200).json();
    assert_fields(&health, &["status", "timestamp", "components", "info"]);
    assert_eq!(health["status"], "ok");
    assert_eq!(health["components"]["database"], true);
    assert_fields(&health["info"], &["version", "environment"]);

    // Token refresh, of the technical part
    let body = json!({ "refresh": pair.text("refresh") });
    let next = app.anon().post("/api/v1/auth/token/refresh/", body).await;
    assert_fields(&next.expect(200).json(), &["access", "refresh"]);
}
