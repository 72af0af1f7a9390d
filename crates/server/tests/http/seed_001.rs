//! The commands of seed 001's document, from top to bottom: the canonical routes, and two of its Postman collection.

use crate::support::{Browser, TestApp, assert_fields, claims};
use serde_json::json;

const PASSWORD: &str = "securepassword123";

#[tokio::test]
async fn every_command_of_the_document_gives_the_documented_answer() {
    let app = TestApp::start().await;

    // The health check, "if implemented"
    let health = app.anon().get("/api/health/").await.expect(200);
    let canonical = app.anon().get("/api/v1/health").await.expect(200);
    assert_eq!(health.json(), canonical.json());

    // 1. Test user registration
    let body = json!({ "username": "testuser", "email": "test@example.com", "password": PASSWORD });
    let created = app.anon().post("/api/v1/user/create", body).await;
    let created = created.expect(201);
    assert_fields(
        &created.json(),
        &["id", "username", "email", "role", "date_joined"],
    );
    assert_eq!(created.text("username"), "testuser");
    assert_eq!(created.text("email"), "test@example.com");

    // 2. Test user login
    let body = json!({ "email": "test@example.com", "password": PASSWORD });
    let login = app
        .anon()
        .post("/api/v1/user/login", body)
        .await
        .expect(200);
    assert_eq!(login.text("message"), "Login successful");
    let user = &login.json()["user"];
    assert_eq!(user["id"], created.text("id"));
    assert_eq!(user["username"], "testuser");
    assert_eq!(user["email"], "test@example.com");
    for token in ["access_token", "refresh_token"] {
        assert_eq!(claims(&login.text(token))["user_id"], created.text("id"));
    }

    // 3. Test public endpoint
    let list = app.anon().get("/api/v1/users").await.expect(200);
    assert_eq!(list.items()[0]["username"], "testuser");

    // 4. Test token refresh: a header, the type of a body, and no body
    let refresh = app.anon().request("POST", "/api/v1/user/refresh");
    let pair = refresh
        .header("content-type", "application/json")
        .header("x-refresh-token", login.text("refresh_token"))
        .await
        .expect(200);

    // 5. Test user logout: the refresh token in the header and in the body
    let user = app.anon().with_token(&pair.text("access_token"));
    let refresh = pair.text("refresh_token");
    let logout = user.post("/api/v1/user/logout", json!({ "refresh_token": refresh }));
    let logout = logout.header("x-refresh-token", &refresh).await.expect(200);
    assert_eq!(logout.json(), json!({ "message": "Logout successful" }));
    user.me().await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn the_requests_of_the_collection_are_answered() {
    let app = TestApp::start().await;

    // User Registration
    let body = json!({ "username": "testuser", "email": "test@example.com", "password": PASSWORD });
    let created = app.anon().post("/api/account/create/", body.clone()).await;
    let created = created.expect(201);
    assert_fields(
        &created.json(),
        &["id", "username", "email", "role", "date_joined"],
    );
    let again = app.anon().post("/api/account/create/", body).await;
    let expected = json!({
        "username": ["A user with that username already exists."],
        "email": ["A user with that email address already exists."],
    });
    assert_eq!(again.expect(400).json(), expected);

    // User Login
    let body = json!({ "username": "testuser", "password": PASSWORD });
    let login = app.anon().post("/api/login/", body).await.expect(200);
    assert_fields(&login.json(), &["refresh", "access", "user"]);
    let user = json!({ "id": created.text("id"), "username": "testuser", "role": "user" });
    assert_eq!(login.json()["user"], user);
}

#[tokio::test]
async fn the_panel_is_where_the_document_has_it() {
    let app = TestApp::start().await;
    app.owner().await;
    let asked = app.anon().get("/admin/").await.expect(303);
    assert_eq!(asked.header("location"), Some("/admin/login?next=/admin"));
    let page = Browser::of(&app, "owner").await.get("/admin/").await;
    let page = page.expect(200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(page.body.contains("Active users"), "{page}");
}
