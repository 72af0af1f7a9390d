//! The secret with which webhooks are signed.

use crate::support::{TestApp, assert_fields};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};

const SECRET: &str = "/api/v1/webhook-secret";

#[tokio::test]
async fn a_secret_is_shown_once_and_has_the_form_of_the_specification() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let none = ada.get(SECRET).await.expect(200);
    assert_eq!(
        none.json(),
        json!({ "created_at": null, "previous_valid_until": null })
    );
    let made = ada.request("POST", SECRET).await.expect(201);
    assert_fields(&made.json(), &["secret", "created_at"]);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let secret = made.text("secret");
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
    assert_eq!(key.unwrap().len(), 32);
    let shown = ada.get(SECRET).await.expect(200);
    assert_eq!(
        shown.json(),
        json!({ "created_at": made.text("created_at"), "previous_valid_until": null })
    );
    let other = app.user("eve").await.get(SECRET).await.expect(200);
    assert_eq!(other.json()["created_at"], Value::Null);
}

#[tokio::test]
async fn a_rotation_tells_for_how_long_the_secret_before_signs() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let first = ada.request("POST", SECRET).await.expect(201);
    app.clock.advance(TimeDelta::seconds(60));
    let second = ada.request("POST", SECRET).await.expect(201);
    assert_ne!(first.text("secret"), second.text("secret"));
    let shown = ada.get(SECRET).await.expect(200);
    assert_eq!(shown.text("created_at"), second.text("created_at"));
    assert_eq!(shown.text("previous_valid_until"), "2025-06-16T15:07:40Z");
}
