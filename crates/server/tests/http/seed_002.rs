//! The commands of seed 002's document, from top to bottom: addresses, and refresh tokens that are UUIDs.

use crate::support::{Browser, Client, Response, Setup, TestApp, assert_fields, claims};
use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

/// As an operator starts it for these clients: their passwords pass no validator.
async fn start() -> TestApp {
    Setup::new().without_password_validators().start().await
}

async fn log_in(app: &TestApp) -> Response {
    let body = json!({ "email": "user@example.com", "password": "password" });
    app.anon().post("/api/login/", body).await.expect(200)
}

/// The session of the one user.
async fn joined(app: &TestApp) -> (Client, String) {
    let body = json!({ "password": "password", "email": "user@example.com" });
    app.anon().post("/api/register/", body).await.expect(201);
    let login = log_in(app).await;
    let user = app.anon().with_token(&login.text("access_token"));
    (user, login.text("refresh_token"))
}

#[tokio::test]
async fn every_command_of_the_document_gives_the_documented_answer() {
    let app = start().await;

    // 1. User registration
    let body = json!({ "password": "password", "email": "user@example.com" });
    let created = app.anon().post("/api/register/", body).await.expect(201);
    let id = created.text("id");
    let user = json!({ "id": id, "username": "user", "email": "user@example.com" });
    assert_eq!(created.json(), user);

    // 2. User authentication
    let login = log_in(&app).await;
    assert_fields(&login.json(), &["access_token", "refresh_token"]);
    assert_eq!(claims(&login.text("access_token"))["user_id"], id);
    let first: Uuid = login.text("refresh_token").parse().unwrap();
    assert_eq!(login.text("refresh_token"), first.hyphenated().to_string());

    // 3. Access token refresh
    let body = json!({ "refresh_token": first });
    let pair = app.anon().post("/api/refresh/", body).await.expect(200);
    assert_fields(&pair.json(), &["access_token", "refresh_token"]);
    let second: Uuid = pair.text("refresh_token").parse().unwrap();
    assert_ne!(first, second);

    // 4. Logout
    let body = json!({ "refresh_token": second });
    let logout = app.anon().post("/api/logout/", body).await.expect(200);
    assert_eq!(logout.json(), json!({ "success": "User logged out." }));
    let client = app.anon().with_token(&pair.text("access_token"));
    client.get("/api/me/").await.expect(401);

    // 5. Retrieve personal information, in a new session
    let client = app
        .anon()
        .with_token(&log_in(&app).await.text("access_token"));
    let me = client.get("/api/me/").await.expect(200);
    assert_eq!(me.json(), user);

    // 6. Update personal information
    let body = json!({ "username": "John Smith" });
    let renamed = client.put("/api/me/", body).await.expect(200);
    let user = json!({ "id": id, "username": "John Smith", "email": "user@example.com" });
    assert_eq!(renamed.json(), user);
    assert_eq!(client.get("/api/me/").await.expect(200).json(), user);
}

#[tokio::test]
async fn a_login_that_does_not_fit_is_the_same_401_whatever_is_wrong() {
    let app = start().await;
    joined(&app).await;
    for body in [
        json!({}),
        json!({ "email": "user@example.com" }),
        json!({ "password": "password" }),
        json!({ "email": "user@example.com", "password": "wrong" }),
        json!({ "email": "nobody@example.com", "password": "password" }),
        json!({ "email": "user", "password": "password" }),
        json!({ "email": null, "password": "password" }),
        json!({ "email": ["user@example.com"], "password": { "a": 1 } }),
        json!({ "email": "user@example.com", "password": "" }),
    ] {
        let shown = body.to_string();
        let answer = app.anon().post("/api/login/", body).await.expect(401);
        assert_eq!(
            answer.json(),
            json!({ "error": "Invalid credentials" }),
            "{shown}"
        );
        let challenge = Some(r#"Bearer realm="api""#);
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_bad_refresh_token_is_the_same_400_whatever_is_wrong() {
    let app = start().await;
    let (user, token) = joined(&app).await;
    let expected = json!({ "error": "Invalid refresh token" });
    for path in ["/api/refresh/", "/api/logout/"] {
        for body in [
            json!({}),
            json!({ "refresh_token": null }),
            json!({ "refresh_token": 7 }),
            json!({ "refresh_token": "" }),
            json!({ "refresh_token": "junk" }),
            json!({ "refresh_token": "d952527b-caef-452c-8c93-1100214f82e5" }),
        ] {
            let answer = app.anon().post(path, body).await.expect(400);
            assert_eq!(answer.json(), expected, "{path}");
        }
    }
    user.get("/api/me/").await.expect(200);
    app.clock.advance(TimeDelta::days(31));
    for path in ["/api/refresh/", "/api/logout/"] {
        let expired = app.anon().post(path, json!({ "refresh_token": token }));
        assert_eq!(expired.await.expect(400).json(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_used_up_by_its_use_and_a_replay_ends_the_session() {
    let app = start().await;
    let (_, first) = joined(&app).await;
    let refresh = |token: &str| {
        app.anon()
            .post("/api/refresh/", json!({ "refresh_token": token }))
    };
    let second = refresh(&first).await.expect(200).text("refresh_token");
    // A lost answer is given again.
    let again = refresh(&first).await.expect(200).text("refresh_token");
    assert_eq!(again, second);
    app.clock.advance(TimeDelta::seconds(11));
    let replayed = refresh(&first).await.expect(400);
    assert_eq!(replayed.json(), json!({ "error": "Invalid refresh token" }));
    refresh(&second).await.expect(400);
}

#[tokio::test]
async fn both_forms_of_a_refresh_token_are_accepted() {
    let app = start().await;
    let (_, uuid) = joined(&app).await;
    let jwt = app.anon().refresh(&uuid).await.expect(200);
    let body = json!({ "refresh_token": jwt.text("refresh_token") });
    let pair = app.anon().post("/api/refresh/", body).await.expect(200);
    let body = json!({ "refresh": pair.text("refresh_token") });
    app.anon()
        .post("/api/token/refresh/", body)
        .await
        .expect(200);
}

#[tokio::test]
async fn bad_fields_are_named_as_the_request_names_them() {
    let app = start().await;
    let (user, _) = joined(&app).await;
    let register = |body| app.anon().post("/api/register/", body);
    let required = json!(["This field is required."]);
    let expected = json!({ "email": required, "password": required });
    assert_eq!(register(json!({})).await.expect(400).json(), expected);
    let body = json!({ "email": "USER@example.com", "password": "x" });
    let expected = json!({ "email": ["A user with that email address already exists."] });
    assert_eq!(register(body).await.expect(400).json(), expected);
    let answer = user
        .put("/api/me/", json!({ "username": "", "email": "x" }))
        .await;
    let answer = answer.expect(400).json();
    assert_fields(&answer, &["username", "email"]);
    app.clock.advance(TimeDelta::seconds(301));
    let user = app
        .anon()
        .with_token(&log_in(&app).await.text("access_token"));
    let body = json!({ "email": "new@example.com" });
    let changed = user.put("/api/me/", body).await.expect(200);
    assert_eq!(changed.text("email"), "new@example.com");
}

#[tokio::test]
async fn who_registers_by_address_gives_himself_no_role() {
    let app = start().await;
    let body =
        json!({ "email": "eve@example.com", "password": "password", "role": "owner", "age": 7 });
    let created = app.anon().post("/api/register/", body).await.expect(201);
    assert_fields(&created.json(), &["id", "username", "email"]);
    let admin = app.admin().await;
    let list = admin.get("/api/users/").await.expect(200);
    let eve = list
        .items()
        .into_iter()
        .find(|user| user["username"] == "eve");
    assert_eq!(eve.unwrap()["role"], "user");
}

/// "The token lifetimes are set" there.
#[tokio::test]
async fn the_settings_are_where_the_document_has_them() {
    let app = start().await;
    app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    browser.get("/admin/").await.expect(200);
    let moved = browser.get("/admin/constance/config/").await.expect(308);
    let settings = moved.header("location").unwrap();
    let page = browser.get(settings).await.expect(200);
    for name in ["ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_LIFETIME"] {
        assert!(page.body.contains(&format!("name=\"{name}\"")), "{page}");
    }
}
