//! A password for a session.

use crate::support::{PASSWORD, Response, TestApp, assert_fields};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const LOGIN: &str = "/api/v1/user/login";

#[tokio::test]
async fn a_login_answers_with_a_pair_and_the_user() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    let answer = app.anon().login("ada", PASSWORD).await.expect(200);
    let body = answer.json();
    assert_fields(
        &body,
        &[
            "message",
            "access_token",
            "refresh_token",
            "token_type",
            "expires_in",
            "user",
        ],
    );
    assert_fields(&body["user"], &["id", "username", "email", "role"]);
    assert_eq!(body["message"], "Login successful");
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 300);
    assert_eq!(body["user"]["username"], "ada");
    assert_eq!(body["user"]["email"], "ada@example.com");
    assert_eq!(body["user"]["role"], "user");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_login_takes_the_email_address_the_username_or_a_username_that_is_the_address() {
    let app = TestApp::start().await;
    app.anon().register("Ada").await.expect(201);
    for (field, value) in [
        ("email", "ada@example.com"),
        ("email", " ADA@Example.COM "),
        ("username", "Ada"),
        ("username", "ADA"),
        ("username", "\u{ff41}\u{ff44}\u{ff41}"),
        ("username", "ada@example.com"),
    ] {
        let body = json!({ field: value, "password": PASSWORD });
        let answer = app.anon().post(LOGIN, body).await;
        assert_eq!(answer.status, 200, "{field} {value}: {answer}");
        assert_eq!(answer.json()["user"]["username"], "Ada");
    }
    let body = json!({ "email": "ada", "password": PASSWORD });
    let answer = app.anon().post(LOGIN, body).await;
    answer.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn somebody_whose_username_is_his_address_logs_in_with_it() {
    let app = TestApp::start().await;
    let body =
        json!({ "username": "eve@example.com", "email": "Eve@example.com", "password": PASSWORD });
    let created = app.anon().post("/api/v1/user/create", body).await;
    assert_eq!(created.expect(201).text("username"), "eve@example.com");
    for field in ["username", "email"] {
        let body = json!({ field: "EVE@example.com", "password": PASSWORD });
        app.anon().post(LOGIN, body).await.expect(200);
    }
}

#[tokio::test]
async fn a_login_is_remembered_as_the_last_one() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    app.clock.advance(chrono::TimeDelta::seconds(30));
    ada.login_again().await;
    assert_eq!(ada.me().await.text("last_login"), "2025-06-15T15:07:10Z");
}

/// All that an answer tells, but for what is different at every request.
fn told(answer: &Response) -> (u16, Value, BTreeSet<(String, String)>) {
    let mut body = answer.problem(401, "invalid_credentials");
    body["request_id"] = Value::Null;
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), format!("{value:?}")));
    (answer.status, body, headers.collect())
}

#[tokio::test]
async fn nobody_learns_why_a_login_is_refused() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for name in ["ada", "idle", "blank"] {
        app.anon().register(name).await.expect(201);
    }
    let idle = app.login("idle").await;
    let path = format!("/api/v1/users/{}", idle.id);
    admin
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    app.database
        .execute("UPDATE users SET password = NULL WHERE username = 'blank'");
    let refused = |name: &str, password: &str| app.anon().login(name, password);
    let wrong = refused("ada", "not the password").await;
    let expected = told(&wrong);
    let challenge = r#"Bearer realm="api""#;
    assert_eq!(wrong.header("www-authenticate"), Some(challenge));
    for (why, answer) in [
        ("unknown", refused("nobody", PASSWORD).await),
        (
            "unknown address",
            refused("nobody@example.com", PASSWORD).await,
        ),
        ("no possible name", refused("a\u{0}b", PASSWORD).await),
        ("inactive", refused("idle", PASSWORD).await),
        (
            "inactive and wrong",
            refused("idle", "not the password").await,
        ),
        ("no password", refused("blank", PASSWORD).await),
        ("empty", refused("ada", "").await),
        ("too long", refused("ada", &"x".repeat(2000)).await),
        ("NUL", refused("ada", "gustav\u{0}").await),
        ("a prefix", refused("ada", "gustav-Eiffel-188").await),
        ("another case", refused("ada", "Gustav-Eiffel-1889").await),
    ] {
        assert_eq!(told(&answer), expected, "{why}");
    }
}

#[tokio::test]
async fn a_login_names_all_bad_fields_at_once() {
    let app = TestApp::start().await;
    let required = json!(["This field is required."]);
    let string = json!(["Not a valid string."]);
    for (body, errors) in [
        (
            json!({}),
            json!({ "email": required, "password": required }),
        ),
        (
            json!({ "username": "ada" }),
            json!({ "password": required }),
        ),
        (
            json!({ "password": PASSWORD }),
            json!({ "email": required }),
        ),
        (
            json!({ "username": 7, "password": ["x"], "otp": "1" }),
            json!({ "username": string, "password": string, "otp": ["Unknown field."] }),
        ),
        (
            json!({ "username": "ada", "password": null }),
            json!({ "password": ["This field may not be null."] }),
        ),
    ] {
        assert_eq!(app.anon().post(LOGIN, body).await.errors(), errors);
    }
}

#[tokio::test]
async fn passwords_are_not_cut_at_72_bytes() {
    let app = TestApp::start().await;
    let long = format!("{}-Eiffel", "gustav".repeat(13));
    let body = json!({ "username": "ada", "email": "ada@example.com", "password": long });
    app.anon()
        .post("/api/v1/user/create", body)
        .await
        .expect(201);
    app.anon().login("ada", &long).await.expect(200);
    let cut = app.anon().login("ada", long.split_at(72).0).await;
    cut.problem(401, "invalid_credentials");
}
