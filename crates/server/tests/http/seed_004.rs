//! Seed 004's document has no commands; it shows the views, and these are played from top to bottom, with the
//! lifetimes that it configures.

use crate::support::{PASSWORD, Setup, assert_fields};
use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn every_view_of_the_document_gives_the_documented_answer() {
    let lifetimes = Setup::new().settings(|settings| {
        settings.access_token_lifetime = TimeDelta::seconds(30);
        settings.refresh_token_lifetime = TimeDelta::days(30);
    });
    let app = lifetimes.start().await;

    // RegisterView
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let created = app.anon().post("/api/register/", body.clone()).await;
    let user = created.expect(201).json();
    assert_fields(&user, &["id", "username", "email"]);
    let again = app.anon().post("/api/register/", body.clone()).await;
    assert_fields(&again.expect(400).json(), &["email"]);

    // LoginView
    let login = app.anon().post("/api/login/", body).await.expect(200);
    assert_fields(&login.json(), &["access_token", "refresh_token"]);
    let refresh_token: Uuid = login.text("refresh_token").parse().unwrap();
    let body = json!({ "email": "ada@example.com", "password": "wrong" });
    let refused = app.anon().post("/api/login/", body).await.expect(401);
    assert_eq!(refused.json(), json!({ "error": "Invalid credentials" }));

    // RefreshView
    let body = json!({ "refresh_token": refresh_token });
    let pair = app.anon().post("/api/refresh/", body.clone()).await;
    let pair = pair.expect(200);
    assert_fields(&pair.json(), &["access_token", "refresh_token"]);
    app.clock.advance(TimeDelta::seconds(11));
    let used_up = app.anon().post("/api/refresh/", body).await.expect(400);
    assert_eq!(used_up.json(), json!({ "error": "Invalid refresh token" }));

    // ProfileView; that replay has ended the session
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let login = app.anon().post("/api/login/", body).await.expect(200);
    let client = app.anon().with_token(&login.text("access_token"));
    assert_eq!(client.get("/api/me/").await.expect(200).json(), user);
    let body = json!({ "username": "lovelace", "email": "countess@example.com", "id": 7 });
    let changed = client.put("/api/me/", body).await.expect(200);
    let expected =
        json!({ "id": user["id"], "username": "lovelace", "email": "countess@example.com" });
    assert_eq!(changed.json(), expected);
    let anonymous = app.anon().get("/api/me/").await.expect(401);
    let detail = "Authentication credentials were not provided.";
    assert_eq!(anonymous.text("detail"), detail);

    // The access token lives for 30 seconds, and 5 more for clocks that differ.
    app.clock.advance(TimeDelta::seconds(36));
    let expired = client.get("/api/me/").await.expect(401);
    assert_eq!(expired.text("code"), "token_not_valid");

    // LogoutView
    let body = json!({ "refresh_token": login.text("refresh_token") });
    let logout = app.anon().post("/api/logout/", body.clone()).await;
    let logout = logout.expect(200);
    assert_eq!(logout.json(), json!({ "success": "User logged out." }));
    let again = app.anon().post("/api/logout/", body).await.expect(400);
    assert_eq!(again.json(), json!({ "error": "Invalid refresh token" }));
}
